from __future__ import annotations

import pytest

from cdc.errors import WriteRefused
from cdc.model.batch import Batch
from cdc.model.dead_letter import Failure, Reason
from cdc.model.operation import Operation, OperationKind
from cdc.writers.commands import Command
from cdc.writers.dead_letters.quarantine import quarantine
from cdc.writers.errors import Refused
from tests.unit.writers.dead_letters.support.batches import (
    delete,
    failure,
    insert,
    position,
    replace,
    transaction,
)

VALIDATOR = 121


def refused(operation: Operation, code: int = VALIDATOR) -> Refused:
    command = Command("c", OperationKind(operation.kind), [operation])
    return Refused(command, {"code": code, "errmsg": "no SECRET", "index": 0})


def steps(batch: Batch) -> list[list[tuple[str, bytes]]]:
    """What is left of each rows event: operations and failures, in their order."""
    found = []
    for each in batch.transactions:
        for index, (_, operations) in enumerate(each.changes):
            told: list[tuple[str, bytes]] = [("write", one.id) for one in operations]
            for at, failed in enumerate(each.origin(index).failures):
                told.insert(failed.operations_before + at, ("failure", failed.id))
            found.append(told)
    return found


def test_the_last_state_of_the_key_is_set_aside() -> None:
    first, other, last = insert(1), insert(2), replace(1.0)
    batch = Batch((transaction(1, [first]), transaction(2, [other, last])))

    left = quarantine(batch, refused(replace(1)), in_order=False)

    assert steps(left) == [[("write", first.id)], [("write", other.id), ("failure", last.id)]]


def test_in_the_source_s_order_it_is_the_very_operation() -> None:
    first, again = replace(1, 1), replace(1, 1)
    batch = Batch((transaction(1, [first, again]),))

    left = quarantine(batch, refused(first), in_order=True)

    assert steps(left) == [[("failure", first.id), ("write", again.id)]]
    assert left.transactions[0].changes[0][1][0] is again


def test_what_was_set_aside_before_keeps_its_place() -> None:
    one, two, three = insert(1), insert(2), insert(3)
    batch = Batch((transaction(1, [failure(7), one, failure(8), two, failure(9), three]),))

    left = quarantine(batch, refused(two), in_order=True)

    assert steps(left) == [
        [
            ("failure", failure(7).id),
            ("write", one.id),
            ("failure", failure(8).id),
            ("failure", two.id),
            ("failure", failure(9).id),
            ("write", three.id),
        ]
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (VALIDATOR, Reason.VALIDATOR),
        (11000, Reason.DUPLICATE),
        (10334, Reason.TOO_LARGE),
        (15, Reason.NESTING),
        (16755, Reason.INDEX),
        (99_999, Reason.REFUSED),
    ],
)
def test_the_server_s_code_tells_the_reason(code: int, reason: Reason) -> None:
    left = quarantine(
        Batch((transaction(1, [insert(1)]),)), refused(insert(1), code), in_order=False
    )

    [failed] = left.transactions[0].origins[0].failures
    assert failed.reason is reason
    assert f"code {code}" in failed.error
    assert failed.document == insert(1).document


@pytest.mark.parametrize(
    ("operation", "action"), [(insert(1), "insert"), (replace(1), "update"), (delete(1), "delete")]
)
def test_it_tells_what_was_to_be_done(operation: Operation, action: str) -> None:
    left = quarantine(Batch((transaction(1, [operation]),)), refused(operation), in_order=True)

    [failed] = left.transactions[0].origins[0].failures
    assert isinstance(failed, Failure)
    assert failed.action == action


@pytest.mark.parametrize(
    ("halts", "code", "why"),
    [(True, VALIDATOR, "validator"), (False, 166, "CommandNotSupportedOnView")],
    ids=["policy", "a view"],
)
def test_it_stops_with_the_transaction_s_own_position_and_no_value(
    halts: bool, code: int, why: str
) -> None:
    batch = Batch((transaction(1, [insert(1)], halts=halts), transaction(2, [insert(2)])))

    with pytest.raises(WriteRefused) as caught:
        quarantine(batch, refused(insert(1), code), in_order=False)

    assert caught.value.position == position(0)
    assert caught.value.table == "shop.things"
    assert "uuid:1" in caught.value.message
    assert f"{why} (code {code})" in caught.value.message
    assert "SECRET" not in str(caught.value)
    assert "_id" not in str(caught.value)
