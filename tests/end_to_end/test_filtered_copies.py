from __future__ import annotations

import json

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.stream import Stream

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)


def test_only_what_the_filter_selects_is_copied_streamed_verified_and_kept(stream: Stream) -> None:
    stream.settings["start"] = "backfill"
    stream.table("posts", "id INT NOT NULL PRIMARY KEY, score INT", {"where": "score > 0"})
    stream.sql("INSERT INTO posts VALUES (1, 5), (2, 0), (3, NULL), (4, 1)")
    stream.start(ledger=False)
    until_copied(stream)
    copied = stream.documents("posts")

    stream.sql("UPDATE posts SET score = 2 WHERE id = 2", "UPDATE posts SET score = 0 WHERE id = 1")
    stream.sql("INSERT INTO posts VALUES (5, 9), (6, -9)")
    stream.until_caught_up()
    streamed = stream.documents("posts")
    stream.database["posts"].insert_one({"_id": 3, "score": 1})
    stream.database["posts"].delete_one({"_id": 5})
    found = cdc(stream, "verify", "--output", "json")
    mended = cdc(stream, "resync", f"{stream.schema}.posts")
    again = cdc(stream, "verify")

    assert copied == {1: {"score": 5}, 4: {"score": 1}}
    assert streamed == {2: {"score": 2}, 4: {"score": 1}, 5: {"score": 9}}
    assert found.returncode == 1, found.stderr
    [job] = json.loads(found.stdout)
    assert job["seconds"] > 0
    findings = [(each["kind"], each["id"]) for each in job["findings"]]
    assert sorted(findings) == [("extra", 3), ("missing", 5)]
    assert mended.returncode == 0, mended.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert stream.documents("posts") == streamed
