from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cdc.batch_queue import EMPTY, BatchQueue, Closed, Limits
from cdc.model.batch import Batch, MappedRun, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.model.state_change import CollectionClear
from cdc.model.telemetry import Backlog

DEADLINE = 10


def transaction(number: int, rows: int = 1) -> MappedTransaction:
    operations = [Operation(OperationKind.DELETE, b"\x10" + bytes(4))] * rows
    changes = (("c", operations),) if rows else ()
    checkpoint = Checkpoint(FilePosition("b.000001", number))
    return MappedTransaction(str(number), checkpoint, 0.0, changes, byte_size=100 * rows)


def clearing(number: int) -> MappedTransaction:
    return transaction(number, rows=0)._replace(clears=(CollectionClear("c"),))


def queue(operations: int = 100, byte_size: int = 10**6, linger: float = 0.0) -> BatchQueue:
    return BatchQueue(Limits(operations, byte_size, linger))


def telling_queue(landed: Callable[[float], None]) -> BatchQueue:
    return BatchQueue(Limits(100, 10**6, 0.0), landed=landed)


def numbers(batch: Batch | None) -> list[str]:
    assert batch is not None
    return [each.identity for each in batch.transactions]


def test_what_has_gathered_is_one_batch_in_order() -> None:
    buffer = queue()
    for number in (1, 2, 3):
        buffer.put(transaction(number))

    assert numbers(buffer.take()) == ["1", "2", "3"]


def test_a_batch_takes_its_checkpoint_from_its_last_transaction() -> None:
    buffer = queue()
    buffer.put(transaction(1))
    buffer.put(transaction(2))

    batch = buffer.take()

    assert batch is not None
    assert batch.checkpoint.position == FilePosition("b.000001", 2)


@pytest.mark.parametrize("limits", [{"operations": 2}, {"byte_size": 200}])
def test_a_full_buffer_makes_the_reader_wait_for_the_writer(limits: dict[str, int]) -> None:
    buffer = queue(**limits)
    buffer.put(transaction(1, rows=2))
    waiting = threading.Thread(target=buffer.put, args=(transaction(2),))
    waiting.start()

    first = buffer.take()
    waiting.join(DEADLINE)
    second = buffer.take()

    assert (numbers(first), numbers(second)) == (["1"], ["2"])


def test_a_batch_tells_whether_it_was_cut_because_it_was_full() -> None:
    buffer = queue(operations=2)
    buffer.put(transaction(1))
    last_for_now = buffer.take()
    buffer.put(transaction(2, rows=2))
    filled = buffer.take()

    assert last_for_now is not None
    assert filled is not None
    assert (last_for_now.is_filled, filled.is_filled) == (False, True)


def test_transactions_linger_for_others_until_the_batch_is_full() -> None:
    buffer = queue(operations=2, linger=3600)
    taken: list[Batch | None] = []
    taking = threading.Thread(target=lambda: taken.append(buffer.take()))
    buffer.put(transaction(1))
    taking.start()

    buffer.put(transaction(2))
    taking.join(DEADLINE)

    assert numbers(taken[0]) == ["1", "2"]


def test_a_transaction_without_operations_does_not_linger_longer_than_one_with() -> None:
    buffer = queue(linger=0)
    buffer.put(transaction(1, rows=0))
    buffer.put(transaction(2))

    assert numbers(buffer.take()) == ["1", "2"]


def test_a_transaction_that_clears_is_a_batch_of_its_own() -> None:
    buffer = queue(linger=3600)
    for each in (transaction(1), transaction(2), clearing(3), clearing(4)):
        buffer.put(each)

    batches = [numbers(buffer.take()) for _ in range(3)]

    assert batches == [["1", "2"], ["3"], ["4"]]


def test_what_follows_a_barrier_lingers_as_ever_once_it_is_taken() -> None:
    buffer = queue(operations=2, linger=3600)
    buffer.put(clearing(1))
    buffer.put(transaction(2))
    buffer.take()
    taken: list[Batch | None] = []
    taking = threading.Thread(target=lambda: taken.append(buffer.take()))
    taking.start()

    buffer.put(transaction(3))
    taking.join(DEADLINE)

    assert numbers(taken[0]) == ["2", "3"]


def test_what_was_read_before_a_failure_is_written_before_it_is_raised() -> None:
    buffer = queue(linger=3600)
    buffer.put(transaction(1))
    buffer.fail(ValueError("unknown event"))

    assert numbers(buffer.take()) == ["1"]
    with pytest.raises(ValueError, match="unknown event"):
        buffer.take()


def test_after_close_nothing_is_taken_and_nothing_can_be_put() -> None:
    buffer = queue()
    buffer.put(transaction(1))
    buffer.close()

    assert buffer.take() is None
    with pytest.raises(Closed):
        buffer.put(transaction(2))


def test_close_releases_a_reader_that_waits() -> None:
    buffer = queue(operations=1)
    buffer.put(transaction(1))
    ended: list[BaseException] = []

    def put() -> None:
        try:
            buffer.put(transaction(2))
        except Closed as error:
            ended.append(error)

    waiting = threading.Thread(target=put)
    waiting.start()
    buffer.close()
    waiting.join(DEADLINE)

    assert len(ended) == 1


def test_a_writer_that_waits_in_vain_is_told_in_time() -> None:
    buffer = queue()

    assert buffer.take(within_seconds=0.01) is EMPTY


def test_what_lingers_is_not_taken_before_it_is_ripe() -> None:
    buffer = queue(linger=3600)
    buffer.put(transaction(1))

    assert buffer.take(within_seconds=0.01) is EMPTY
    buffer.fail(ValueError("the end"))
    assert numbers(buffer.take(within_seconds=0.01)) == ["1"]


def test_the_backlog_holds_what_waits_and_what_is_being_applied() -> None:
    buffer = queue()
    buffer.put(transaction(1, rows=3))
    buffer.take()
    buffer.put(transaction(2))

    backlog = buffer.backlog()

    assert (backlog.transactions, backlog.operations) == (2, 4)
    assert backlog.oldest_committed_at == 0.0


def test_the_backlog_is_empty_once_the_next_batch_is_asked_for() -> None:
    buffer = queue()
    buffer.put(transaction(1))
    buffer.take()

    buffer.take(within_seconds=0)

    assert buffer.backlog() == Backlog()


def run(*transactions: MappedTransaction) -> MappedRun:
    return MappedRun(
        len(transactions),
        transactions[-1].checkpoint.position,
        lambda: transactions[-1].checkpoint,
        0.0,
        0.0,
        tuple(change for each in transactions for change in each.changes),
        sum(each.byte_size for each in transactions),
        (),
        (Span("", int(transactions[0].identity), int(transactions[-1].identity)),),
        lambda: transactions,
    )


def test_a_run_is_one_entry() -> None:
    buffer = queue()
    buffer.put(run(transaction(1), transaction(2)))
    buffer.put(transaction(3))

    assert buffer.backlog() == Backlog(transactions=3, operations=3, oldest_committed_at=0.0)
    batch = buffer.take()
    assert numbers(batch) == ["1", "2", "3"]
    assert batch is not None
    assert len(batch.entries) == 2


def test_a_run_that_is_larger_than_a_batch_is_taken_apart() -> None:
    buffer = queue(operations=2)
    entry = run(transaction(1), transaction(2), transaction(3))
    putting = threading.Thread(target=buffer.put, args=(entry,))
    putting.start()

    assert numbers(buffer.take(DEADLINE)) == ["1", "2"]
    putting.join(DEADLINE)
    assert numbers(buffer.take(DEADLINE)) == ["3"]


def test_a_run_of_more_bytes_than_a_batch_is_taken_apart() -> None:
    buffer = queue(byte_size=3_000)
    putting = threading.Thread(
        target=buffer.put, args=(run(*(transaction(n, rows=10) for n in (1, 2, 3, 4))),)
    )
    putting.start()

    found = [numbers(buffer.take(DEADLINE)), numbers(buffer.take(DEADLINE))]
    putting.join(DEADLINE)

    assert found == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("limits", [{"operations": 5}, {"byte_size": 2_500}])
def test_a_run_that_does_not_fit_beside_what_waits_is_of_the_next_batch(
    limits: dict[str, int],
) -> None:
    buffer = queue(**limits, linger=3600)
    buffer.put(run(transaction(1), transaction(2), transaction(3)))
    putting = threading.Thread(
        target=buffer.put, args=(run(transaction(4), transaction(5, rows=2)),)
    )
    putting.start()

    first = buffer.take(DEADLINE)
    putting.join(DEADLINE)

    assert numbers(first) == ["1", "2", "3"]
    assert buffer.backlog().transactions == 5


def test_each_batch_that_has_landed_tells_when_its_oldest_change_was_committed() -> None:
    landed: list[float] = []
    buffer = telling_queue(landed.append)
    for number in (1, 2):
        buffer.put(transaction(number)._replace(committed_at=10.0 * number))
    buffer.take()
    before = [*landed]
    buffer.put(transaction(3)._replace(committed_at=30.0))

    buffer.take()
    buffer.take(within_seconds=0)
    buffer.take(within_seconds=0)

    assert before == []
    assert landed == [10.0, 30.0]


def test_what_changes_nothing_does_not_make_the_target_late() -> None:
    landed: list[float] = []
    buffer = telling_queue(landed.append)
    buffer.put(transaction(1, rows=0)._replace(committed_at=10.0))

    alone = buffer.backlog()
    buffer.put(transaction(2)._replace(committed_at=20.0))
    together = buffer.backlog()
    buffer.take()
    buffer.take(within_seconds=0)

    assert alone == Backlog(transactions=1)
    assert together == Backlog(transactions=2, operations=1, oldest_committed_at=20.0)
    assert landed == [20.0]
