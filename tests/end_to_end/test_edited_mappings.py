"""A mapping that is edited over an existing checkpoint."""

from __future__ import annotations

import pytest

from cdc import cli
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands, typed

EDIT: Document = {"exclude": ["word"]}


@pytest.fixture
def edited(stream: Stream) -> Stream:
    """A stream with one document by a mapping that has been edited since."""
    stream.settings["start"] = "backfill"
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.sql("INSERT INTO items VALUES (1, 'one')")
    stream.start()
    stream.daemon.until_logged("job_done")
    stream.stop()
    stream.follow("items", EDIT)
    return stream


def command(stream: Stream, *words: str) -> int:
    return cli.run([*words, "--config", str(stream.config)])


@ONE_KIND
def test_it_is_refused_until_a_resync_has_made_the_documents_anew(
    edited: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """About 10 seconds."""
    refused = edited.start()
    assert refused.wait() == 2
    assert "cdc resync" in refused.stderr
    assert command(edited, "check") == 2
    assert "accepted 20" in capsys.readouterr().out
    assert command(edited, "verify") == 2

    assert command(edited, "resync", f"{edited.schema}.items") == 0

    assert edited.documents("items") == {1: {}}
    assert command(edited, "check") == 0
    edited.start()
    edited.sql("INSERT INTO items VALUES (2, 'two')")
    edited.until_caught_up()
    assert edited.documents("items") == {1: {}, 2: {}}


@ONE_KIND
def test_a_daemon_that_works_by_the_mapping_from_before_is_asked_for_nothing(
    edited: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    edited.follow("items")
    edited.start().until_logged("streaming")
    edited.follow("items", EDIT)

    assert command(edited, "resync", f"{edited.schema}.items") == 2

    assert "stop the daemon" in capsys.readouterr().err


@ONE_KIND
def test_what_an_edit_of_another_table_refuses_is_not_queued(
    edited: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    edited.table("others", "id INT NOT NULL PRIMARY KEY")
    edited.configure()

    for words in (["backfill"], ["resync"], ["verify"]):
        assert command(edited, *words, f"{edited.schema}.others") == 2
        assert "is not the mapping by which" in capsys.readouterr().err

    assert edited.state["jobs"].count_documents({"state": "queued"}) == 0


@ONE_KIND
def test_of_several_edits_one_command_makes_all_good(stream: Stream) -> None:
    stream.settings["start"] = "backfill"
    named: Document = {"id": {"sql": "CONCAT('n', id)", "unique": "asserted"}}
    for name, keys in {"items": {}, "others": {}, "named": named}.items():
        stream.table(name, "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)", keys)
        stream.sql(f"INSERT INTO {name} VALUES (1, 'one')")
    stream.start().until_logged("job_done", 3)
    stream.stop()
    for name in ("items", "others"):
        stream.follow(name, EDIT)
    refused = stream.start()
    assert refused.wait() == 2
    remedy = refused.events("stopped")[0]["remedy"]
    again, *_ = commands(remedy)

    assert again.split()[-2:] == [f"{stream.schema}.{name}" for name in ("items", "others")]
    assert typed(again).returncode == 0
    assert stream.documents("items") == stream.documents("others") == {1: {}}
    stream.follow("items")
    stream.follow("named", {**named, "exclude": ["id"]})
    assert command(stream, "resync", f"{stream.schema}.items") == 2, "the other one is left"
    assert command(stream, "backfill", f"{stream.schema}.named") == 0
    assert stream.documents("named") == {"n1": {"word": "one"}}
    assert command(stream, "check") == 0


@ONE_KIND
def test_a_job_that_could_not_begin_is_told_to_live_on(
    edited: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    edited.sql("CREATE TABLE unfit (id INT PRIMARY KEY) ENGINE=MyISAM")
    edited.follow("unfit")
    edited.configure()

    assert command(edited, "resync", f"{edited.schema}.items") == 3

    [queued] = edited.state["jobs"].find({"state": "queued"})
    assert f"cdc jobs cancel --config {edited.config} {queued['_id']}" in capsys.readouterr().err


@ONE_KIND
def test_it_is_accepted_where_the_operator_says_so(edited: Stream) -> None:
    edited.start()
    assert edited.daemon.wait() == 2

    edited.start("--accept-mapping-change")
    edited.sql("INSERT INTO items VALUES (2, 'two')")
    edited.until_caught_up()
    edited.restart()
    edited.until_streaming()

    assert edited.documents("items") == {1: {"word": "one"}, 2: {}}


@pytest.mark.parametrize(
    ("keys", "kind", "left"),
    [
        ({}, "resync", {2: {"word": "two"}}),
        (
            {"id": {"sql": "id + 0", "unique": "asserted"}, "exclude": ["id"]},
            "backfill",  # whose row is gone cannot be told
            {1: {"word": "one"}, 2: {"word": "two"}},
        ),
    ],
)
@ONE_KIND
def test_a_mapping_that_was_away_for_a_while_is_made_good(
    stream: Stream, keys: Document, kind: str, left: Document
) -> None:
    stream.settings["start"] = "backfill"
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)", keys)
    stream.table("others", "id INT NOT NULL PRIMARY KEY")
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    stream.start()
    stream.daemon.until_logged("job_done", 2)
    stream.stop()
    mapping = stream.config.parent / "mappings" / "items.yaml"
    text = mapping.read_text()
    mapping.unlink()
    stream.start()
    stream.sql("DELETE FROM items WHERE id = 1")
    stream.until_caught_up()
    stream.stop()

    mapping.write_text(text)
    stream.start()
    done = stream.daemon.until_logged("job_done")

    assert (done["kind"], done["table"]) == (kind, f"{stream.schema}.items")
    assert stream.documents("items") == left
