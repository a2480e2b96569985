from __future__ import annotations

import pytest

from cdc.errors import Corrupted, Halted, RefusedEvent, UnknownEvent
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.model.transaction import (
    ANY_TABLE,
    Effect,
    RowsEvent,
    SchemaChange,
    TableChange,
    Transaction,
)
from cdc.readers.binlog import events, gtid_events
from cdc.readers.binlog.events import ChecksumMismatch, Event, EventType
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from tests.unit.readers.binlog.support import binlog_bytes as binlog

NOTHING = GtidPosition(GtidSet())


def assembler(
    position: Position = NOTHING,
    *,
    inflight: Inflight | None = None,
    transaction_bytes: int = 1_000,
    mariadb: bool = False,
) -> TransactionAssembler:
    def follows(schema: str, table: str) -> bool:
        return (schema, table) in {("db", "t"), ("db", ANY_TABLE)}

    def decode(raw: bytes, _: int) -> str:
        return raw.decode()

    return TransactionAssembler(
        Checkpoint(position, inflight, "server"),
        tables=TableMapCache(follows, decode, mariadb),
        transaction_bytes=transaction_bytes,
    )


def assembled(subject: TransactionAssembler, *feed: Event) -> list[Transaction]:
    found = [subject.feed(event) for event in feed]
    return [transaction for transaction in found if transaction is not None]


def images(transaction: Transaction) -> list[bytes]:
    return [change.images for change in transaction.changes if isinstance(change, RowsEvent)]


def image(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "little")


BEGIN = binlog.query("BEGIN")


def test_a_transaction_ends_at_its_xid_and_moves_the_position_behind_it() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(7),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.xid(),
    )

    assert found.identity == f"{binlog.SERVER}:7"
    assert str(found.checkpoint.position) == f"{binlog.SERVER}:7"
    assert found.checkpoint.server == "server"
    assert found.before == NOTHING
    assert found.committed_at == 1_700_000_000.123456
    assert images(found) == [image(5)]


def test_rows_of_other_tables_are_left_out_but_their_transaction_is_delivered() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1, "other"),
        binlog.write_rows(1, 5),
        binlog.xid(),
    )

    assert found.changes == ()


def test_a_query_inside_a_transaction_does_not_end_it() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.query("CREATE TABLE `t` (`id` int) START TRANSACTION"),
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.xid(),
    )

    change, rows = found.changes
    assert change == SchemaChange("CREATE", (TableChange("db", "t", Effect.CREATED),))
    assert isinstance(rows, RowsEvent)


def sized_gtid(number: int, *behind: Event) -> Event:
    """Return a GTID event that tells how large its transaction is, with these events."""
    body = binlog.gtid(number).data[events.HEADER_SIZE :]
    size = len(binlog.raw(EventType.GTID, body)) + 1 + sum(each.size for each in behind)
    return binlog.event(EventType.GTID, body + bytes([size]))


def test_a_statement_that_was_begin_ends_no_transaction() -> None:
    """Its rows would be lost: the position would be behind them."""
    rest = [binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid()]
    damaged = binlog.query("BEGIp")

    with pytest.raises(Corrupted, match="not BEGIN begins a transaction of more events"):
        assembled(assembler(), sized_gtid(1, damaged, *rest), damaged, *rest)
    with pytest.raises(Corrupted, match="of more events"):
        assembled(assembler(), sized_gtid(1, damaged, *rest), damaged)


def test_a_statement_that_is_not_known_is_a_transaction_on_its_own() -> None:
    unknown = binlog.query("FROBNICATE THE SERVER")

    [found] = assembled(assembler(), sized_gtid(1, unknown), unknown)

    assert found.changes == ()


def test_nothing_stands_behind_the_end_of_a_compressed_transaction() -> None:
    inside = [binlog.query("BEGIp"), binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid()]
    subject = assembler()
    subject.feed(binlog.gtid(1))

    with pytest.raises(Corrupted, match="ends before its last event"):
        list(subject.unpack(binlog.payload(*inside)))


def test_a_statement_on_its_own_is_a_transaction() -> None:
    first, second = assembled(
        assembler(),
        binlog.gtid(1),
        binlog.query("ALTER TABLE t DROP a"),
        binlog.gtid(2),
        binlog.query("DROP DATABASE db"),
    )

    assert first.changes == (SchemaChange("ALTER", (TableChange("db", "t", Effect.REWRITTEN),)),)
    assert second.changes == (
        SchemaChange("DROP", (TableChange("db", ANY_TABLE, Effect.REMOVED),)),
    )


@pytest.mark.parametrize("statement", ["FLUSH \0BEGIN", "\0BEGIN", "x\0BEGIN"])
def test_a_statement_that_ends_like_the_beginning_of_a_transaction_begins_none(
    statement: str,
) -> None:
    [found] = assembled(assembler(), binlog.gtid(1), binlog.query(statement))

    assert found.identity


def test_a_statement_that_was_applied_with_an_earlier_part_is_not_repeated() -> None:
    [found] = assembled(
        assembler(inflight=Inflight(f"{binlog.SERVER}:1", 1)),
        binlog.gtid(1),
        BEGIN,
        binlog.query("CREATE OR REPLACE TABLE t (id INT)"),
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.write_rows(1, 6),
        binlog.xid(),
    )

    assert [type(change) for change in found.changes] == [RowsEvent]
    assert images(found) == [image(6)]


def test_a_statement_of_an_unknown_kind_is_refused_where_rows_could_stand() -> None:
    with pytest.raises(RefusedEvent, match="logged as a statement"):
        assembled(assembler(), binlog.gtid(1), BEGIN, binlog.query("MERGE INTO t USING u"))


def test_a_statement_of_an_unknown_kind_passes_on_its_own() -> None:
    [found] = assembled(assembler(), binlog.gtid(1), binlog.query("VACUUM EVERYTHING"))

    assert found.changes == ()


def test_a_statement_that_cannot_be_read_stops_only_where_it_may_be_about_a_followed_table() -> (
    None
):
    [found] = assembled(assembler(), binlog.gtid(1), binlog.query("DROP TABLE `other"))
    assert found.changes == ()

    with pytest.raises(RefusedEvent) as caught:
        assembled(assembler(), binlog.gtid(1), binlog.query("DROP TABLE x, t, `other"))

    assert caught.value.table == "db.t"
    assert "cdc position skip" in (caught.value.remedy or "")


def test_schema_changes_of_other_tables_are_left_out() -> None:
    [found] = assembled(assembler(), binlog.gtid(1), binlog.query("TRUNCATE other"))

    assert found.changes == ()


def test_a_transaction_that_was_rolled_back_leaves_only_its_position() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.query("ROLLBACK"),
    )

    assert found.changes == ()
    assert str(found.checkpoint.position) == f"{binlog.SERVER}:1"


def test_what_was_rolled_back_to_a_savepoint_is_left_out() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.query("SAVEPOINT `s`"),
        binlog.write_rows(1, 6),
        binlog.query("ROLLBACK TO `s`"),
        binlog.write_rows(1, 7),
        binlog.xid(),
    )

    assert images(found) == [image(5), image(7)]


def test_a_transaction_that_the_sources_crash_cut_off_was_never_committed() -> None:
    found = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.format_description(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 6),
        binlog.xid(),
    )

    assert [images(each) for each in found] == [[image(6)]]


def test_a_large_transaction_comes_in_parts_and_moves_the_position_at_its_end_only() -> None:
    first, second, last = assembled(
        assembler(transaction_bytes=9),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 1),
        binlog.write_rows(1, 2),
        binlog.write_rows(1, 3, 4),
        binlog.write_rows(1, 5),
        binlog.xid(),
    )

    identity = f"{binlog.SERVER}:1"
    assert images(first) == [image(1), image(2)]
    assert first.checkpoint[:3] == (NOTHING, Inflight(identity, 2), "server")
    assert images(second) == [image(3) + image(4)]
    assert second.checkpoint[:3] == (NOTHING, Inflight(identity, 3), "server")
    assert images(last) == [image(5)]
    assert last.final
    assert [each.delivered for each in (first, second, last)] == [0, 2, 3]


def test_a_part_has_the_time_of_its_transaction_and_not_of_its_statement() -> None:
    rows = binlog.write_rows(1, 1, 2)

    part, whole = assembled(
        assembler(GtidPosition(MariadbGtids.parse("0-1-6")), mariadb=True, transaction_bytes=5),
        binlog.mariadb_gtid(7),
        binlog.table_map(1),
        rows._replace(timestamp=rows.timestamp - 50),
        binlog.xid(),
    )

    assert part.committed_at == whole.committed_at == binlog.TIMESTAMP


def test_what_is_saved_with_a_transaction_tells_where_its_gtid_event_is() -> None:
    file = binlog.rotate("binlog.000001", artificial=True)
    opening = binlog.mariadb_gtid(7)
    before = GtidPosition(MariadbGtids.parse("0-1-6"))

    [first] = assembled(
        assembler(before, mariadb=True),
        file,
        binlog.format_description(created=1_600_000_000),
        opening,
        binlog.xid(),
    )

    witness = first.checkpoint.witness
    assert witness is not None
    assert (witness.server, witness.file, witness.created) == (
        "server",
        "binlog.000001",
        1_600_000_000,
    )
    assert (witness.event, witness.before) == (opening.data, before)


def test_a_part_of_a_transaction_is_saved_with_the_transaction_itself_as_witness() -> None:
    opening = binlog.gtid(2)

    _, part, last = assembled(
        assembler(transaction_bytes=4),
        binlog.gtid(1),
        BEGIN,
        binlog.xid(),
        opening,
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 1),
        binlog.xid(),
    )

    assert part.checkpoint.inflight is not None
    assert part.checkpoint.witness is not None
    assert part.checkpoint.witness.event == opening.data
    assert last.checkpoint.witness == part.checkpoint.witness


def test_what_only_moves_the_position_keeps_the_witness() -> None:
    applied, moved = assembled(
        assembler(FilePosition("binlog.000001", 4, binlog.TIMESTAMP)),
        binlog.anonymous(end=80),
        BEGIN,
        binlog.xid(end=200),
        binlog.rotate("binlog.000002"),
    )

    assert moved.identity == ""
    assert moved.checkpoint.witness is not None
    assert moved.checkpoint.witness == applied.checkpoint.witness


def test_what_is_in_flight_is_not_delivered_again() -> None:
    [found, after] = assembled(
        assembler(inflight=Inflight(f"{binlog.SERVER}:1", 2)),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 1),
        binlog.write_rows(1, 2),
        binlog.write_rows(1, 3),
        binlog.xid(),
        binlog.gtid(2),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 4),
        binlog.xid(),
    )

    assert images(found) == [image(3)]
    assert images(after) == [image(4)]


@pytest.mark.parametrize(
    "ending", [binlog.query("ROLLBACK"), binlog.format_description()], ids=["rollback", "crash"]
)
def test_a_part_that_is_applied_cannot_be_taken_back(ending: Event) -> None:
    subject = assembler(transaction_bytes=4)
    assembled(subject, binlog.gtid(1), BEGIN, binlog.table_map(1), binlog.write_rows(1, 1))

    with pytest.raises(RefusedEvent):
        subject.feed(ending)


def test_mariadb_groups_begin_with_their_gtid_and_need_no_begin() -> None:
    start = GtidPosition(MariadbGtids.parse("7-1-1"))
    first, second = assembled(
        assembler(start, mariadb=True),
        binlog.mariadb_gtid(5),
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.xid(),
        binlog.mariadb_gtid(6, flags=gtid_events.MariadbGtidFlag.STANDALONE),
        binlog.query("FLUSH TABLES"),
    )

    assert (first.identity, str(first.checkpoint.position)) == ("0-1-5", "0-1-5,7-1-1")
    assert str(second.checkpoint.position) == "0-1-6,7-1-1"


def test_file_positions_follow_the_sizes_of_events_past_32_bits() -> None:
    offset = 2**32 - 10
    subject = assembler(FilePosition("b.000001", offset))
    group = [binlog.anonymous(), BEGIN, binlog.xid()]
    ends = [offset + sum(e.size for e in group[: n + 1]) for n in range(3)]

    [found] = assembled(
        subject,
        *(event._replace(end=end & 0xFFFFFFFF) for event, end in zip(group, ends, strict=True)),
    )

    assert found.checkpoint.position == FilePosition("b.000001", ends[-1])
    assert found.identity == f"b.000001:{offset}"


def test_file_positions_move_through_events_whose_headers_do_not_tell_where_they_end() -> None:
    subject = assembler(FilePosition("b.000001", 100), mariadb=True)
    feed = [binlog.mariadb_gtid(5)._replace(end=100 + 42), binlog.table_map(1), binlog.xid()]
    feed[0] = feed[0]._replace(size=42)

    [found] = assembled(subject, *feed)

    assert found.checkpoint.position == FilePosition("b.000001", 142 + feed[1].size + feed[2].size)


def test_at_the_end_of_a_file_the_position_moves_to_the_next() -> None:
    [found] = assembled(assembler(FilePosition("b.000001", 90)), binlog.rotate("b.000002"))

    assert (found.identity, found.changes) == ("", ())
    assert found.checkpoint.position == FilePosition("b.000002", 4)


HEADERS = [EventType.PREVIOUS_GTIDS, EventType.GTID_LIST, EventType.BINLOG_CHECKPOINT]


@pytest.mark.parametrize("header", HEADERS)
def test_a_file_position_moves_behind_what_stands_between_transactions(header: EventType) -> None:
    feed = [binlog.rotate("b.000002"), binlog.event(header, b"", end=157)]

    *_, found = assembled(assembler(FilePosition("b.000001", 90)), *feed)

    assert (found.identity, found.changes) == ("", ())
    assert found.checkpoint.position == FilePosition("b.000002", 157)


def test_a_position_never_moves_into_a_transaction() -> None:
    subject = assembler(FilePosition("b.000001", 90), mariadb=True)
    feed = [binlog.mariadb_gtid(5), binlog.event(EventType.BINLOG_CHECKPOINT, b"", end=900)]

    assert assembled(subject, *feed) == []


def test_what_is_in_flight_stays_so_behind_the_header_of_its_file() -> None:
    inflight = Inflight("b.000002:157", 3)
    subject = assembler(FilePosition("b.000002", 4), inflight=inflight)

    [found] = assembled(subject, binlog.event(EventType.PREVIOUS_GTIDS, b"", end=157))

    assert found.checkpoint.inflight == inflight


@pytest.mark.parametrize("header", HEADERS)
def test_gtid_positions_do_not_move_between_transactions(header: EventType) -> None:
    assert assembled(assembler(), binlog.event(header, b"", end=157)) == []


def test_a_file_that_was_created_anew_stops_the_stream() -> None:
    subject = assembler(FilePosition("b.000001", 90, created=5))
    subject.feed(binlog.rotate("b.000001", 90, artificial=True))

    with pytest.raises(Halted, match="created anew"):
        subject.feed(binlog.format_description(created=6))


def test_an_xa_transaction_that_commits_in_one_phase_is_delivered() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        binlog.query("XA START X'61',X'',1"),
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.query("XA END X'61',X'',1"),
        binlog.xa_prepare(one_phase=True),
    )

    assert images(found) == [image(5)]


@pytest.mark.parametrize(("table", "refused"), [("t", True), ("other", False)])
def test_a_prepared_xa_transaction_is_refused_if_it_touches_a_followed_table(
    table: str, refused: bool
) -> None:
    subject = assembler()
    assembled(
        subject,
        binlog.gtid(1),
        binlog.query("XA START X'61',X'',1"),
        binlog.table_map(1, table),
        binlog.write_rows(1, 5),
        binlog.query("XA END X'61',X'',1"),
    )

    if refused:
        with pytest.raises(RefusedEvent, match="XA"):
            subject.feed(binlog.xa_prepare(one_phase=False))
    else:
        assert subject.feed(binlog.xa_prepare(one_phase=False)) is not None


@pytest.mark.parametrize(
    "statement", ["INSERT INTO other VALUES (1)", "LOAD DATA INFILE 'x' INTO t"]
)
def test_a_change_logged_as_a_statement_stops_the_stream_whichever_table_it_names(
    statement: str,
) -> None:
    subject = assembler()
    assembled(subject, binlog.gtid(1), BEGIN)

    with pytest.raises(RefusedEvent, match="as a statement"):
        subject.feed(binlog.query(statement))


def test_an_unknown_event_stops_the_stream_with_its_number_and_position() -> None:
    subject = assembler()
    subject.feed(binlog.rotate("b.000003", 4, artificial=True))

    with pytest.raises(UnknownEvent, match="event type 99") as caught:
        subject.feed(binlog.event(99, b"?", end=120))

    assert caught.value.position == "b.000003:120"


def test_an_unknown_event_that_the_server_calls_ignorable_is_passed_over() -> None:
    assert assembler().feed(binlog.event(99, b"?", flags=events.LOG_EVENT_IGNORABLE)) is None


def test_an_incident_stops_the_stream_with_the_servers_words() -> None:
    with pytest.raises(RefusedEvent, match="lost rows"):
        assembler().feed(binlog.event(EventType.INCIDENT, b"\1\0\x09lost rows"))


def test_a_position_inside_a_transaction_is_noticed() -> None:
    subject = assembler(FilePosition("b.000001", 333))

    with pytest.raises(Halted, match="in the middle of a transaction"):
        assembled(subject, binlog.table_map(1), binlog.write_rows(1, 5))


def test_rows_of_a_table_that_was_never_described_are_corruption() -> None:
    subject = assembler()
    assembled(subject, binlog.gtid(1), BEGIN)

    with pytest.raises(Corrupted, match="no table map announced"):
        subject.feed(binlog.write_rows(77, 5))


def test_rows_of_a_table_that_only_an_earlier_transaction_described_are_corruption() -> None:
    """Its number was damaged: of the table that it means now, nothing was changed."""
    subject = assembler()
    assembled(
        subject,
        *(binlog.gtid(1), BEGIN, binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid()),
        *(binlog.gtid(2), BEGIN, binlog.table_map(2, "u")),
    )

    with pytest.raises(Corrupted, match="no table map announced"):
        subject.feed(binlog.write_rows(1, 6))


@pytest.mark.parametrize(
    "position", [GtidPosition(GtidSet()), FilePosition("binlog.000001", 4)], ids=["gtid", "file"]
)
def test_a_number_that_no_transaction_has_is_corruption(position: Position) -> None:
    """The position with it could be saved, but not read again; it is an identity, too."""
    subject = assembler(position)

    with pytest.raises(Corrupted, match="no transaction has the number"):
        assembled(subject, binlog.gtid(1 << 63), BEGIN, binlog.xid())


def test_a_file_that_ends_within_a_transaction_is_corruption() -> None:
    """The end of the transaction was damaged: a crash writes no event that ends a file."""
    subject = assembler()
    assembled(subject, binlog.gtid(1), BEGIN, binlog.table_map(1), binlog.write_rows(1, 5))

    with pytest.raises(Corrupted, match="ends within a transaction"):
        subject.feed(binlog.rotate("binlog.000002"))


def test_a_statement_that_is_cut_short_is_corruption() -> None:
    """Else a BEGIN would be a statement without effect, and commit."""
    subject = assembler()
    subject.feed(binlog.gtid(1))
    begin = BEGIN.data[events.HEADER_SIZE : -len(b"db\0BEGIN")]

    with pytest.raises(Corrupted, match="cut short"):
        subject.feed(binlog.event(EventType.QUERY, begin))


def test_the_event_that_only_ends_a_statement_holds_no_rows() -> None:
    [found] = assembled(
        assembler(), binlog.gtid(1), BEGIN, binlog.write_rows(0xFFFFFF), binlog.xid()
    )

    assert found.changes == ()


def test_a_table_map_without_column_names_is_refused_with_the_statement_that_mends_it() -> None:
    subject = assembler()
    assembled(subject, binlog.gtid(1), BEGIN)

    with pytest.raises(RefusedEvent, match="column") as caught:
        subject.feed(binlog.table_map(1, names=False))

    assert "binlog_row_metadata" in str(caught.value.remedy)


def test_one_definition_under_two_table_ids_is_one_object() -> None:
    [found] = assembled(
        assembler(),
        binlog.gtid(1),
        BEGIN,
        binlog.table_map(1),
        binlog.write_rows(1, 5),
        binlog.table_map(2),
        binlog.write_rows(2, 6),
        binlog.xid(),
    )

    one, other = (change for change in found.changes if isinstance(change, RowsEvent))
    assert one.table is other.table


def test_every_damaged_byte_of_an_event_is_noticed() -> None:
    data = binlog.raw(EventType.XID, bytes(8), end=120)

    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises((ChecksumMismatch, Corrupted)):
            events.parse(bytes(damaged), checksum=True)


@pytest.mark.parametrize("size", [0, 5, 18, 30])
def test_an_event_that_is_cut_short_is_noticed(size: int) -> None:
    with pytest.raises(Corrupted):
        events.parse(binlog.raw(EventType.XID, bytes(8))[:size], checksum=True)


@pytest.mark.parametrize("size", [5, 18, 19, 23, 80])
def test_a_files_first_event_that_is_cut_short_is_noticed(size: int) -> None:
    data = binlog.raw(EventType.FORMAT_DESCRIPTION, bytes(90))[:size]

    assert events.begins_file(data)
    with pytest.raises(Corrupted):
        events.format_description(data)
