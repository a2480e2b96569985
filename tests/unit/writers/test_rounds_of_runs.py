"""Rounds of runs: a run is cut between its transactions where its documents are in others, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.batch import Batch, MappedRun, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.operation import Operation
from cdc.model.position import GtidPosition, MariadbGtids
from cdc.model.transaction import Transaction
from cdc.writers.rounds import UNLIMITED, Part, parts_of
from tests.unit.writers.support.runs import Rows, run, transaction


def parts(*entries: MappedRun, lanes: int = 2) -> list[Part] | None:
    batch = Batch(entries, is_filled=True)
    return parts_of(batch, lanes=lanes, size=UNLIMITED, is_whole=lambda _: False)


def by_collection(changes: Iterable[tuple[str, Sequence[Operation]]]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = defaultdict(list)
    for collection, some in changes:
        if some:
            found[collection] += some
    return found


def changes_of(transactions: Iterable[MappedTransaction]) -> dict[str, list[Operation]]:
    return by_collection(change for each in transactions for change in each.changes)


EVENTS = st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 60), max_size=3))
TOUCHED = st.lists(st.lists(EVENTS, max_size=3), min_size=2, max_size=40)


@given(TOUCHED, st.integers(2, 12), st.integers(2, 4))
def test_parts_share_no_document_and_hold_each_transaction_once_in_order(
    touched: list[Rows], length: int, lanes: int
) -> None:
    transactions = [transaction(number, rows) for number, rows in enumerate(touched)]
    entries = [run(transactions[at : at + length]) for at in range(0, len(transactions), length)]
    single = {each.identity: each for entry in entries for each in entry.transactions()}

    found = parts(*entries, lanes=lanes)

    if found is None:
        return
    assert 2 <= len(found) <= lanes
    seen: set[tuple[str, bytes]] = set()
    told: list[str] = []
    for each in found:
        identities = each.batch.identities
        assert identities == sorted(identities, key=lambda one: int(one.split(":")[1]))
        told += identities
        changes = by_collection(each.batch.changes())
        assert changes == changes_of(single[one] for one in identities)
        touches = {(name, one.id) for name, some in changes.items() for one in some}
        assert not touches & seen
        seen |= touches
        last = single[identities[-1]]
        assert each.note.last == each.batch.checkpoint == last.checkpoint
        noted = {
            number
            for span in each.note.spans
            for number in range(span.first, span.last + 1)
            if number % 10 == 0
        }
        assert noted == {int(one.split(":")[1]) for one in identities}
        assert each.batch.completed == len(identities)
        assert each.batch.operations == sum(map(len, changes.values()))
    assert sorted(told) == sorted(single)
    latest = max(found, key=lambda one: one.note.place).note.last
    assert latest == transactions[-1].checkpoint


def test_runs_that_meet_in_a_few_documents_are_cut_between_their_transactions() -> None:
    """One changes ten documents; the other ten more, and some of these."""
    one = run([transaction(number, [("a", [2 * number])]) for number in range(10)])
    meets = {14: [("b", [2]), ("a", [4])], 15: [("a", [6])]}
    two = run(
        [
            transaction(number, [("a", [2 * number]), *meets.get(number, ())])
            for number in range(10, 20)
        ]
    )

    found = parts(one, two)

    assert found is not None
    assert [each.note.spans for each in found] == [
        [Span("log.1:", 0, 60), Span("log.1:", 140, 150)],
        [Span("log.1:", 70, 90), Span("log.1:", 100, 130), Span("log.1:", 160, 190)],
    ]
    assert [each.batch.operations for each in found] == [12, 11]
    assert [each.note.place for each in found] == [15, 19]
    assert found[1].note.last == two.checkpoint


def test_runs_that_meet_nowhere_are_not_cut() -> None:
    runs = [
        run([transaction(number, [("a", [2 * number])]) for number in range(at, at + 5)])
        for at in (0, 5, 10, 15)
    ]

    found = parts(*runs)

    assert found is not None
    assert [each.batch.entries for each in found] == [tuple(runs[:2]), tuple(runs[2:])]


def test_a_run_whose_numbers_go_back_is_not_cut() -> None:
    """MariaDB without its strict mode: between two neighbours any number may be."""

    def of_mariadb(number: int, key: int) -> Transaction:
        behind = Checkpoint(GtidPosition(MariadbGtids.parse(f"0-1-{number}")))
        return transaction(0, [("a", [key])])._replace(identity=f"0-1-{number}", checkpoint=behind)

    onwards = run([of_mariadb(number, 2 * number) for number in range(5, 9)])
    back = run([of_mariadb(number, 2 * number) for number in (5, 7, 6, 8)])

    assert onwards.cuts is not None
    assert back.cuts is None


@pytest.mark.parametrize("numbers", [[0], [0, 1], [1, 3], [3], [0, 1, 2]])
def test_a_run_of_some_transactions_is_these(numbers: list[int]) -> None:
    rows: list[Rows] = [[("a", [2]), ("b", [4, 6])], [("a", [8])], [], [("a", [2, 3]), ("a", [2])]]
    whole = run([transaction(number, each) for number, each in enumerate(rows)])
    assert whole.cuts is not None
    wanted = [each for number, each in enumerate(whole.transactions()) if number in numbers]

    cut = whole.cuts.only(numbers)

    assert cut.transactions() == tuple(wanted)
    assert by_collection(cut.changes) == changes_of(wanted)
    assert cut.checkpoint == wanted[-1].checkpoint
    assert cut.completed == len(numbers)
    assert sum(count for *_, count in cut.rows) == cut.operation_count
    assert not any(
        span.contains(Span.of(each.identity))
        for span in cut.spans
        for each in whole.transactions()
        if each not in wanted
    )
