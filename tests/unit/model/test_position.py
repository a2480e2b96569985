from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.position import (
    DomainGtid,
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    Source,
    from_document,
    number,
    to_document,
)

UUIDS = [f"{digit * 8}-0000-1111-2222-{digit * 12}" for digit in "13f"]
SOURCES = [Source(uuid, tag) for uuid in UUIDS for tag in ("", "batch", "x_1")]

Numbered = dict[Source, set[int]]
numbered = st.dictionaries(st.sampled_from(SOURCES), st.sets(st.integers(1, 40), min_size=1))


def gtid_set(numbers: Numbered) -> GtidSet:
    result = GtidSet()
    for source, members in numbers.items():
        for each in members:
            result = result.with_interval(source, each, each)
    return result


def members(gtids: GtidSet) -> Numbered:
    found: Numbered = {}
    for source, (first, last) in gtids:
        found.setdefault(source, set()).update(range(first, last + 1))
    return found


@given(numbered)
def test_a_gtid_set_holds_what_was_added_in_any_order(numbers: Numbered) -> None:
    assert members(gtid_set(numbers)) == numbers


@given(numbered)
def test_a_gtid_set_reads_back_what_it_prints(numbers: Numbered) -> None:
    gtids = gtid_set(numbers)

    assert members(GtidSet.parse(str(gtids))) == numbers


@given(numbered, numbered)
def test_a_gtid_set_contains_another_exactly_as_sets_do(mine: Numbered, theirs: Numbered) -> None:
    expected = all(numbers <= mine.get(source, set()) for source, numbers in theirs.items())

    assert gtid_set(mine).contains(gtid_set(theirs)) is expected


@given(numbered)
def test_the_intervals_of_a_gtid_set_never_touch(numbers: Numbered) -> None:
    for intervals in gtid_set(numbers).intervals.values():
        for (_, last), (first, _) in pairwise(intervals):
            assert last + 1 < first


def test_a_gtid_set_is_read_as_the_server_prints_it() -> None:
    uuid, other = UUIDS[:2]

    gtids = GtidSet.parse(f"{uuid.upper()}:1-3:5:tag:7-9:11,\n{other}:4")

    assert gtids.intervals == {
        Source(uuid): ((1, 3), (5, 5)),
        Source(uuid, "tag"): ((7, 9), (11, 11)),
        Source(other): ((4, 4),),
    }
    assert len(gtids) == 9


@pytest.mark.parametrize(
    "text",
    [
        "no-uuid:1",
        UUIDS[0],
        f"{UUIDS[0]}:0",
        f"{UUIDS[0]}:1-",
        f"{UUIDS[0]}:5-3",
        f"{UUIDS[0]}:1-{2**63 - 1}",
        f"{UUIDS[0]}:é:1",
        "0-1-2",
    ],
)
def test_what_is_no_gtid_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a MySQL GTID set"):
        GtidSet.parse(text)


def test_the_empty_gtid_set_is_contained_in_every_other() -> None:
    assert GtidSet().contains(GtidSet.parse(""))
    assert GtidSet.parse(f"{UUIDS[0]}:1").contains(GtidSet())


def test_a_mariadb_position_keeps_the_domains_that_did_not_move() -> None:
    position = MariadbGtids.parse("0-1-100,7-2-5").advanced(0, 3, 101)

    assert str(position) == "0-3-101,7-2-5"


def test_a_mariadb_state_counts_the_highest_sequence_of_a_domain() -> None:
    assert MariadbGtids.parse("0-1-100,0-2-99").domains == {0: DomainGtid(1, 100)}


def test_a_mariadb_position_contains_one_whose_domains_are_all_behind() -> None:
    position = MariadbGtids.parse("0-1-100,7-2-5")

    assert position.contains(MariadbGtids.parse("0-9-100"))
    assert not position.contains(MariadbGtids.parse("0-1-101"))
    assert not position.contains(MariadbGtids.parse("8-1-1"))


@pytest.mark.parametrize(
    "text",
    ["0-1", "a-b-c", f"{UUIDS[0]}:1", f"{2**32}-1-1", f"0-{2**32}-1", f"0-1-{2**64}", "٠-1-1"],
)
def test_what_is_no_mariadb_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a MariaDB GTID position"):
        MariadbGtids.parse(text)


def test_file_positions_are_ordered_by_the_number_of_the_file_not_by_its_name() -> None:
    assert FilePosition("binlog.1000000", 4).contains(FilePosition("binlog.999999", 900))
    assert not FilePosition("binlog.000002", 4).contains(FilePosition("binlog.000010", 4))


def test_a_file_of_the_same_name_that_was_created_anew_holds_no_old_position() -> None:
    assert not FilePosition("b.000001", 900, 7).contains(FilePosition("b.000001", 4, 8))
    assert FilePosition("b.000001", 900, 7).contains(FilePosition("b.000001", 4))


def test_positions_of_different_kinds_contain_nothing_of_each_other() -> None:
    mysql = GtidPosition(GtidSet())

    assert not mysql.contains(GtidPosition(MariadbGtids()))
    assert not mysql.contains(FilePosition("b.000001", 4))
    assert not FilePosition("b.000001", 4).contains(mysql)


@pytest.mark.parametrize(
    "position",
    [
        GtidPosition(GtidSet.parse(f"{UUIDS[0]}:1-3:tag:7")),
        GtidPosition(MariadbGtids.parse("0-1-100,7-2-5")),
        FilePosition("binlog.000017", 1234, 1_700_000_000),
    ],
)
def test_a_position_survives_the_state_document(position: Position) -> None:
    assert from_document(to_document(position)) == position


def test_a_document_that_is_no_position_is_refused() -> None:
    with pytest.raises(ValueError, match="not a position"):
        from_document({"offset": 4})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (GtidPosition(GtidSet()), GtidPosition(GtidSet.parse(f"{UUIDS[0]}:5"))),
        (
            GtidPosition(GtidSet.parse(f"{UUIDS[0]}:1-9")),
            GtidPosition(GtidSet.parse(f"{UUIDS[0]}:1-9,{UUIDS[1]}:tag:1")),
        ),
        (
            GtidPosition(MariadbGtids.parse("0-1-5,1-1-7")),
            GtidPosition(MariadbGtids.parse("0-1-5,1-2-8")),
        ),
        (FilePosition("b.000009", 5_000_000_000), FilePosition("b.000010", 4)),
        (FilePosition("b.000010", 4), FilePosition("b.000010", 5)),
    ],
    ids=str,
)
def test_the_number_of_a_position_grows_with_each_transaction(
    before: Position, after: Position
) -> None:
    assert number(before) < number(after)
