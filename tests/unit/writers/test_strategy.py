"""What a writer does next, for each way in which the target can fail a batch."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from cdc.errors import CdcError, WriteRefused
from cdc.model.batch import Batch
from cdc.model.dead_letter import Reason
from cdc.model.operation import Operation, OperationKind
from cdc.writers.commands import Command
from cdc.writers.conflicts import NORMAL_CONFLICTS, Conflicts, MustSplit
from cdc.writers.embedding.terms import NOTHING_AT_ONCE, Refusal, Terms, Unembeddable
from cdc.writers.errors import DUPLICATE_KEY, Refused, RefusedTogether, TooLarge
from cdc.writers.strategy import (
    INSERT_AGAIN_AFTER,
    Decision,
    GiveUp,
    Send,
    SendHalves,
    WriteDecider,
    WriteFailure,
    WriteStrategy,
)
from cdc.writers.strays import Strays
from tests.unit.writers.dead_letters.support.batches import insert, replace, transaction

VALIDATOR = 121
SHARD_KEY = 61
WRITE_CONFLICT = 112
INSERT, UPSERT, ORDERED = WriteStrategy.INSERT, WriteStrategy.UPSERT, WriteStrategy.ORDERED
ONE, TWO = transaction(1, [insert(1)]), transaction(2, [insert(2)])
BATCH = Batch((ONE, TWO))


def refused(operation: Operation, code: int) -> Refused:
    command = Command("c", operation.kind, [operation])
    return Refused(command, {"code": code, "errmsg": "no", "index": 0})


def sent(strategy: WriteStrategy, batch: Batch = BATCH, terms: Terms = NOTHING_AT_ONCE) -> Send:
    return Send(batch, strategy, Conflicts(batch, NORMAL_CONFLICTS), terms)


def after(send: Send, failure: WriteFailure) -> Decision:
    return WriteDecider().after(send, failure)


@pytest.mark.parametrize(
    ("strategy", "then"),
    [(INSERT, UPSERT), (UPSERT, ORDERED)],
    ids=lambda strategy: strategy.value,
)
def test_a_duplicate_key_has_the_same_batch_sent_by_the_next_strategy(
    strategy: WriteStrategy, then: WriteStrategy
) -> None:
    decision = after(sent(strategy), refused(insert(1), DUPLICATE_KEY))

    assert decision == sent(then)


@pytest.mark.parametrize(
    ("strategy", "code", "reason"),
    [
        (ORDERED, DUPLICATE_KEY, Reason.DUPLICATE),
        (INSERT, VALIDATOR, Reason.VALIDATOR),
        (UPSERT, VALIDATOR, Reason.VALIDATOR),
        (ORDERED, VALIDATOR, Reason.VALIDATOR),
    ],
)
def test_a_document_that_is_to_blame_is_set_aside_and_the_rest_sent_in_the_same_way(
    strategy: WriteStrategy, code: int, reason: Reason
) -> None:
    refusal = refused(TWO.changes[0][1][0], code)

    decision = after(sent(strategy), refusal)

    assert isinstance(decision, Send)
    assert decision.strategy is strategy
    assert [each.operation_count for each in decision.batch.transactions] == [1, 0]
    [failure] = decision.batch.transactions[1].origins[0].failures
    assert failure.reason is reason


@pytest.mark.parametrize(
    ("strategy", "left"),
    [(UPSERT, [replace(1, value=5)]), (ORDERED, [replace(1, value=6)])],
    ids=lambda each: each.value if isinstance(each, WriteStrategy) else "",
)
def test_only_in_the_order_of_the_source_the_refused_operation_itself_is_meant(
    strategy: WriteStrategy, left: list[Operation]
) -> None:
    early, late = replace(1, value=5), replace(1, value=6)
    batch = Batch((transaction(1, [early, late]),))

    decision = after(sent(strategy, batch), refused(early, VALIDATOR))

    assert isinstance(decision, Send)
    assert decision.batch.transactions[0].changes == (("c", left),)


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (Batch((transaction(1, [insert(1)], halts=True),)), VALIDATOR),
        (Batch((transaction(1, [insert(1)]),)), SHARD_KEY),
    ],
    ids=["the mapping halts", "no fault of the document"],
)
def test_a_refusal_that_makes_no_letter_stops_the_stream(batch: Batch, code: int) -> None:
    decision = after(sent(INSERT, batch), refused(insert(1), code))

    assert isinstance(decision, GiveUp)
    assert isinstance(decision.error, WriteRefused)


@pytest.mark.parametrize("failure", [TooLarge("too large"), MustSplit("a conflict")], ids=repr)
@pytest.mark.parametrize("strategy", WriteStrategy, ids=lambda strategy: strategy.value)
def test_a_batch_that_is_too_much_at_once_is_sent_as_two(
    failure: TooLarge | MustSplit, strategy: WriteStrategy
) -> None:
    decision = after(sent(strategy), failure)

    assert decision == SendHalves(BATCH, (Batch((ONE,)), Batch((TWO,))), str(failure))


def test_one_change_that_is_too_large_stops_the_stream_and_tells_what_to_do() -> None:
    decision = after(sent(INSERT, Batch((ONE,))), TooLarge("too large"))

    assert isinstance(decision, GiveUp)
    assert type(decision.error) is CdcError
    assert "too large" in decision.error.message
    assert "cacheSizeGB" in str(decision.error.remedy)


def strategies(decider: WriteDecider, count: int) -> list[WriteStrategy]:
    return [decider.begin(BATCH).strategy for _ in range(count)]


def test_batches_begin_as_inserts() -> None:
    assert strategies(WriteDecider(), 3) == [INSERT] * 3


def test_behind_a_document_that_was_there_batches_begin_as_upserts_for_a_while() -> None:
    decider = WriteDecider()

    decider.after(decider.begin(BATCH), refused(insert(1), DUPLICATE_KEY))

    assert strategies(decider, INSERT_AGAIN_AFTER + 1) == [*[UPSERT] * INSERT_AGAIN_AFTER, INSERT]


@pytest.mark.parametrize(
    "failure",
    [refused(ONE.changes[0][1][0], VALIDATOR), TooLarge("too large"), MustSplit("a conflict")],
    ids=["a validator", "too large", "must split"],
)
def test_behind_any_other_failure_batches_begin_as_inserts(failure: Any) -> None:
    decider = WriteDecider()

    decider.after(decider.begin(BATCH), failure)

    assert strategies(decider, 1) == [INSERT]


def test_behind_a_batch_that_was_cut_for_conflicts_the_next_is_cut_at_its_first() -> None:
    decider = WriteDecider()
    at_ease = decider.begin(BATCH).conflicts

    decider.after(sent(INSERT), MustSplit("a conflict"))

    on_guard = decider.begin(BATCH).conflicts
    assert (is_cut(at_ease), is_cut(on_guard)) == (False, True)


def is_cut(conflicts: Conflicts) -> bool:
    """Whether a first conflict is one too many."""
    try:
        conflicts.meet(OperationFailure("a conflict", code=WRITE_CONFLICT))
    except MustSplit:
        return True
    return False


@pytest.mark.parametrize("failure", [TooLarge("no"), MustSplit("no")])
def test_what_is_derived_is_owed_before_a_batch_is_cut(failure: WriteFailure) -> None:
    owing = after(sent(UPSERT, terms=Terms()), failure)

    assert owing == sent(UPSERT, terms=Terms(at_once=0))
    assert isinstance(owing, Send)
    assert isinstance(after(owing, failure), SendHalves)


def test_a_value_that_is_refused_is_left_out_by_the_same_strategy() -> None:
    refusal = Refusal(frozenset([("author",)]), Reason.DUPLICATE, "no")

    decision = after(sent(INSERT), Unembeddable(("c", 1), refusal))

    assert decision == sent(INSERT, terms=Terms(0, {("c", 1): refusal}))


def test_behind_a_refusal_that_names_no_document_each_has_a_statement_of_its_own() -> None:
    terms = Terms(refused={("c", 2): Refusal(frozenset(), Reason.VALIDATOR, "no")})

    decision = after(sent(UPSERT, terms=terms), RefusedTogether("no"))

    assert decision == sent(UPSERT, terms=terms.each_apart())


def test_a_row_that_is_set_aside_has_its_values_tried_again() -> None:
    terms = Terms(refused={("c", 2): Refusal(frozenset(), Reason.VALIDATOR, "no")})

    decision = after(sent(INSERT, terms=terms), refused(TWO.changes[0][1][0], VALIDATOR))

    assert isinstance(decision, Send)
    assert decision.terms == Terms()


def test_a_derived_document_that_is_no_documents_fault_stops_the_stream() -> None:
    decision = after(sent(INSERT), refused(replace(9), SHARD_KEY))

    assert isinstance(decision, GiveUp)
    assert "that embeds others" in decision.error.message


def test_strays_go_before_the_same_batch_is_sent_again() -> None:
    gone = Operation(OperationKind.DELETE, insert(7).id, b"")

    once = after(sent(UPSERT), Strays("c", [gone]))
    assert isinstance(once, Send)
    twice = after(once, Strays("c", [gone]))

    assert once == changed(sent(UPSERT), strays=(("c", gone),))
    assert twice == changed(sent(UPSERT), strays=(("c", gone), ("c", gone)))
