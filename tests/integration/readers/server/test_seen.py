"""What a copy has seen, held against what a server has executed."""

from __future__ import annotations

import pytest

from cdc.chunks.first_copy.accepted import Accepted
from cdc.errors import SourceDiverged, TooEarly
from cdc.model.first_copy import HeldCopy
from cdc.model.position import (
    DomainGtid,
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    Source,
)
from cdc.readers.select.watermarks import visible_now
from cdc.readers.server import seen
from cdc.readers.server.connection import SourceConnection, asking, is_mariadb
from cdc_sandbox.servers import MySQLServer
from tests.support.logins import login

SOON = 1
ELSEWHERE = Source("aaaaaaaa-1111-1111-1111-aaaaaaaaaaaa")


def require(connection: SourceConnection, *positions: Position) -> None:
    seen.require(connection, positions, mariadb=is_mariadb(connection), patience_seconds=SOON)


def end_of_log(server: MySQLServer) -> FilePosition:
    *_, (file, size, *_) = server.execute("SHOW BINARY LOGS")
    return FilePosition(str(file), int(size))


def beyond(here: Position, number: int) -> Position:
    """A position that holds this many more transactions of the server itself."""
    assert isinstance(here, GtidPosition)
    if isinstance(here.gtids, GtidSet):
        source, (_, last) = max(here.gtids, key=lambda each: each[1][1])
        return GtidPosition(here.gtids.with_interval(source, last + 1, last + number))
    [(domain, gtid), *_] = here.gtids.domains.items()
    return GtidPosition(here.gtids.advanced(domain, gtid.server_id, gtid.sequence + number))


def test_what_a_server_has_executed_was_seen_there(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    with asking(login(source), read_timeout=10) as connection:
        require(connection, visible_now(connection), end_of_log(source))


def test_what_a_server_has_not_executed_was_seen_elsewhere(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    with asking(login(source), read_timeout=10) as connection:
        lost = beyond(visible_now(connection), 5_000)
        with pytest.raises(SourceDiverged, match="what the source does not have") as caught:
            require(connection, visible_now(connection), lost)

    assert caught.value.position == lost
    assert caught.value.lacking


def test_of_mariadb_a_higher_number_of_another_server_says_nothing(
    mariadb: MySQLServer,
) -> None:
    mariadb.execute("CREATE DATABASE IF NOT EXISTS seen_elsewhere")
    with asking(login(mariadb), read_timeout=10) as connection:
        here = visible_now(connection)
        assert isinstance(here, GtidPosition)
        assert isinstance(here.gtids, MariadbGtids)
        [(domain, gtid), *_] = here.gtids.domains.items()
        theirs = MariadbGtids({domain: DomainGtid(gtid.server_id + 1, 1)})
        assert here.gtids.contains(theirs)  # by number

        with pytest.raises(SourceDiverged, match=f"{domain}-{gtid.server_id + 1}-1"):
            require(connection, GtidPosition(theirs))


def test_a_place_behind_the_end_of_the_log_was_seen_elsewhere(source: MySQLServer) -> None:
    end = end_of_log(source)
    with asking(login(source), read_timeout=10) as connection:
        with pytest.raises(SourceDiverged):
            require(connection, FilePosition(end.file, end.offset + 5_000_000))
        with pytest.raises(SourceDiverged):
            require(connection, FilePosition("other.000001", 4))


def test_a_worker_waits_for_a_server_that_has_what_was_seen(mysql: MySQLServer) -> None:
    here = GtidPosition(GtidSet())
    lost = GtidPosition(GtidSet().with_interval(ELSEWHERE, 1, 3))
    held = HeldCopy("x", here, "", here, (), "docs")
    with asking(login(mysql), read_timeout=10) as connection:
        Accepted(held, here)(connection, "this one")
        with pytest.raises(TooEarly, match="what the source does not have"):
            Accepted(held, lost)(connection, "this one")


def test_a_worker_takes_files_for_those_of_one_server_alone(mysql: MySQLServer) -> None:
    end = end_of_log(mysql)
    held = HeldCopy("x", end, "the first", end, (), "docs")
    with asking(login(mysql), read_timeout=10) as connection:
        Accepted(held, end)(connection, "the first")
        with pytest.raises(TooEarly, match="the first"):
            Accepted(held, end)(connection, "another")
