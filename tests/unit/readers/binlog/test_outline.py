from __future__ import annotations

import pytest

from cdc.errors import Corrupted
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.model.xid import Xid
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.outline import Outline, Outliner, decides
from tests.unit.readers.binlog.support import binlog_bytes as binlog

GTIDS = GtidPosition(GtidSet())
MARIADB = GtidPosition(MariadbGtids())
FILE = FilePosition("b.000001", 4, binlog.TIMESTAMP)
BEGIN = binlog.query("BEGIN")
UNKNOWN = binlog.event(200, b"whatever")
INCIDENT = binlog.event(EventType.INCIDENT, b"\1\0\4lost")
STANDALONE = 1


def outliner(position: Position = GTIDS, inflight: Inflight | None = None) -> Outliner:
    return Outliner(Checkpoint(position, inflight, "server"), decode=lambda raw, _: raw.decode())


def outlined(subject: Outliner, *feed: Event) -> Outline:
    """The transaction that the last event ends, and none before it."""
    *before, last = feed
    assert [subject.feed(each) for each in before] == [None] * len(before)
    found = subject.feed(last)
    assert found is not None
    return found


def test_rows_events_are_counted_by_table_and_none_is_decoded() -> None:
    found = outlined(
        outliner(),
        binlog.gtid(7),
        BEGIN,
        binlog.table_map(1, names=False),
        binlog.event(EventType.UPDATE_ROWS, (1).to_bytes(6, "little") + b"no rows at all"),
        binlog.table_map(2, "other", names=False),
        binlog.write_rows(2, 5),
        binlog.write_rows(2, 6),
        binlog.xid(),
    )

    assert found.rows_events == {("db", "t"): 1, ("db", "other"): 2}
    assert found.tables == {("db", "t"), ("db", "other")}
    assert found.identity == f"{binlog.SERVER}:7"
    assert str(found.after.position) == f"{binlog.SERVER}:7"
    assert found.before == GTIDS
    assert found.committed_at == 1_700_000_000.123456
    assert found.unclear == ()


@pytest.mark.parametrize("strange", [UNKNOWN, INCIDENT, binlog.write_rows(9, 1)])
def test_what_is_strange_hides_the_tables_and_stops_nothing(strange: Event) -> None:
    found = outlined(outliner(), binlog.gtid(1), BEGIN, strange, binlog.xid())

    assert found.unclear
    assert str(found.after.position) == f"{binlog.SERVER}:1"


def test_an_event_that_may_be_ignored_hides_nothing() -> None:
    ignorable = binlog.event(200, b"whatever", flags=0x80)

    found = outlined(outliner(), binlog.gtid(1), BEGIN, ignorable, binlog.xid())

    assert found.unclear == ()


@pytest.mark.parametrize("broken", [EventType.TABLE_MAP, EventType.QUERY, EventType.WRITE_ROWS])
def test_an_event_that_cannot_be_read_hides_the_tables(broken: EventType) -> None:
    found = outlined(outliner(), binlog.gtid(1), BEGIN, binlog.event(broken, b"\1"), binlog.xid())

    assert found.unclear


def test_a_damaged_event_hides_the_tables_and_a_damaged_name_stops() -> None:
    subject = outliner()
    subject.feed(binlog.gtid(1))
    subject.feed(BEGIN)
    subject.feed(binlog.table_map(1), damaged=True)

    found = outlined(subject, binlog.xid())

    assert found.unclear == ("an event is damaged",)
    with pytest.raises(Corrupted):
        outliner().feed(binlog.gtid(1), damaged=True)


def test_a_transaction_whose_end_is_damaged_ends_where_the_next_begins() -> None:
    subject = outliner()
    subject.feed(binlog.gtid(1))
    subject.feed(BEGIN)
    subject.feed(binlog.event(200, bytes(8)), damaged=True)

    found = outlined(subject, binlog.gtid(2))

    assert str(found.after.position) == f"{binlog.SERVER}:1"


def test_a_statement_that_changes_rows_is_named_by_its_verb_alone() -> None:
    found = outlined(
        outliner(),
        binlog.gtid(1),
        BEGIN,
        binlog.query("/* a */ insert INTO t VALUES ('secret')"),
        binlog.xid(),
    )

    assert found.statements == (("INSERT", (("db", "t"),)),)
    assert found.unclear == ("INSERT was logged as a statement",)


def test_a_statement_about_tables_is_a_transaction_of_its_own() -> None:
    found = outlined(outliner(), binlog.gtid(1), binlog.query("DROP TABLE t, other.u"))

    assert found.statements == (("DROP", (("db", "t"), ("other", "u"))),)
    assert found.tables == {("db", "t"), ("other", "u")}
    assert found.unclear == ()


def test_an_incident_without_a_gtid_goes_with_the_transaction_behind_it() -> None:
    subject = outliner(MARIADB)
    assert subject.feed(INCIDENT) is None
    assert subject.is_within

    found = outlined(subject, binlog.mariadb_gtid(5), binlog.query("COMMIT"))

    assert str(found.after.position) == "0-1-5"
    assert found.unclear


def test_an_incident_alone_is_stepped_over_by_file_and_offset() -> None:
    subject = outliner(FILE)
    subject.feed(binlog.rotate("b.000001", artificial=True))

    found = outlined(subject, binlog.event(EventType.INCIDENT, b"\1\0\4lost", end=34))

    assert found.after.position == FilePosition("b.000001", 34, binlog.TIMESTAMP)


def test_the_rest_of_a_transaction_can_be_stepped_over() -> None:
    subject = outliner(FILE)
    subject.feed(binlog.rotate("b.000001", artificial=True))

    found = outlined(subject, binlog.write_rows(1, 5), binlog.xid(end=90))

    assert found.after.position == FilePosition("b.000001", 90, binlog.TIMESTAMP)
    assert found.unclear


def test_what_a_crash_cut_off_is_dropped_unless_a_part_of_it_is_applied() -> None:
    half = (binlog.gtid(1), BEGIN, binlog.table_map(1), binlog.write_rows(1, 5))
    anew = binlog.format_description()
    subject = outliner()
    for event in (*half, anew):
        assert subject.feed(event) is None

    found = outlined(outliner(inflight=Inflight(f"{binlog.SERVER}:1", 1)), *half, anew)

    assert not subject.is_within
    assert found.after.position == found.before == GTIDS
    assert found.tables == {("db", "t")}


def test_a_transaction_whose_end_is_damaged_ends_with_its_file() -> None:
    """A crash writes no event that ends a file: the reader stops there, too."""
    half = (binlog.gtid(1), BEGIN, binlog.table_map(1), binlog.write_rows(1, 5))

    found = outlined(outliner(), *half, binlog.rotate("b.000002"))

    assert found.identity == f"{binlog.SERVER}:1"
    assert str(found.after.position) == f"{binlog.SERVER}:1"
    assert found.unclear == ("its end is damaged",)


def test_rows_of_a_table_that_another_transaction_announced_are_of_no_named_table() -> None:
    subject = outliner()
    subject.feed(binlog.gtid(1))
    outlined(subject, BEGIN, binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid())

    found = outlined(subject, binlog.gtid(2), BEGIN, binlog.write_rows(1, 5), binlog.xid())

    assert found.tables == set()
    assert found.unclear == ("rows of a table that is not named",)


def test_a_prepared_transaction_tells_its_name_and_what_decides_it() -> None:
    body = b"\0" + (7).to_bytes(4, "little") + (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    found = outlined(
        outliner(), binlog.gtid(1), BEGIN, binlog.event(EventType.XA_PREPARE, body + b"abc")
    )

    assert found.prepared == Xid(7, b"a", b"bc")
    assert decides(binlog.query("XA COMMIT X'61',X'6263',7"), found.prepared)
    assert decides(binlog.query("XA ROLLBACK X'61',X'6263',7"), found.prepared)
    assert decides(binlog.compressed_query("XA COMMIT X'61',X'6263',7"), found.prepared)
    assert not decides(binlog.query("XA COMMIT X'61',X'62',7"), found.prepared)
    assert not decides(binlog.query("XA START X'61',X'6263',7"), found.prepared)


def test_a_compressed_transaction_that_cannot_be_read_is_stepped_over_whole() -> None:
    found = outlined(
        outliner(), binlog.gtid(1), binlog.event(EventType.TRANSACTION_PAYLOAD, b"\2\1\7\0")
    )

    assert found.unclear
    assert str(found.after.position) == f"{binlog.SERVER}:1"
