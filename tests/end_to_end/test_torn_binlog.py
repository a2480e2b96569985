"""A source that died while its disk was full: its binlog may end with half an event.

MySQL cuts that off as it starts. MariaDB leaves it there, and begins another file. Of what the half
belonged to, neither has committed anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, mysql_server
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.halting import halted, history_of
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.torn import Torn, last_binlog, tear

BY_GTIDS = pytest.mark.parametrize("items", ["mysql-gtid", "mariadb-gtid"], indirect=True)
BY_FILES = pytest.mark.parametrize("items", ["mariadb-file"], indirect=True)
ANYWHERE = pytest.mark.parametrize("torn", Torn, ids=[each.name.lower() for each in Torn])


@pytest.fixture
def items(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> Iterator[Stream]:
    fixture, history = KINDS[request.param]
    flavour = cast("Flavour", fixture.partition("_")[0])
    with mysql_server(flavour, data_dir=tmp_path / "data") as source:
        stream = make_stream(source, mongo, client, history)
        stream.settings["chunks"] = {"allow_brief_lock": True}
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        stream.sql("INSERT INTO items VALUES (1, 'one')")
        stream.start(ledger=False)
        stream.until_caught_up()
        yield stream
        stream.close()
        source.kill()


def die_amid(stream: Stream, torn: Torn, folder: Path) -> None:
    """Kill the source, and have half a transaction at the end of its binlog."""
    stream.source.kill()
    tear(last_binlog(folder / "data"), torn)
    stream.source.start()
    stream.sql("INSERT INTO items VALUES (9, 'after it')")


def assert_equal(stream: Stream) -> None:
    stream.until_caught_up()
    verified = Command(stream, "verify")
    assert verified.returncode == 0, verified.stderr + verified.stdout
    stream.assert_same_content()


@BY_GTIDS
@ANYWHERE
def test_a_stream_that_has_read_all_goes_on(items: Stream, tmp_path: Path, torn: Torn) -> None:
    die_amid(items, torn, tmp_path)

    assert_equal(items)


@BY_GTIDS
@ANYWHERE
def test_a_stream_that_is_behind_goes_on(items: Stream, tmp_path: Path, torn: Torn) -> None:
    """It meets the half event as it reads on, and begins behind it at the next connection."""
    items.stop()
    items.sql("INSERT INTO items VALUES (2, 'two')", "UPDATE items SET word = 'unread'")
    die_amid(items, torn, tmp_path)

    items.start(ledger=False)

    assert_equal(items)


@BY_FILES
@ANYWHERE
def test_a_stream_by_files_stops_by_name_and_goes_on_as_it_says(
    items: Stream, tmp_path: Path, torn: Torn
) -> None:
    """Nothing that was committed before is left out until then."""
    items.stop()
    items.sql("INSERT INTO items VALUES (2, 'two')", "UPDATE items SET word = 'unread'")
    die_amid(items, torn, tmp_path)
    items.start(ledger=False)
    said = halted(items.daemon)
    assert "truncated in the middle of event" in said["message"]
    assert items.documents("items") == {1: {"word": "unread"}, 2: {"word": "unread"}}
    [command] = [each for each in commands(said["remedy"]) if each.startswith("cdc ")]

    done = typed(command)

    assert done.returncode == 0, done.stderr
    state = items.state_document()
    assert state is not None
    items.history = history_of(state["position"])(items.source)
    items.start(ledger=False)
    items.sql("INSERT INTO items VALUES (10, 'later')")
    assert_equal(items)
