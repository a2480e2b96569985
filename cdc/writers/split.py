"""Cuts a batch in two, where the target refuses it for its size alone."""

from __future__ import annotations

from collections.abc import Sequence

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Inflight
from cdc.model.operation import Operation


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """Return two batches that are right one after the other; None for one that cannot be cut.

    Between transactions where there are several, else between rows events, as `Mapper` cuts large
    ones: only then do readers see a part of a transaction.
    """
    transactions = batch.transactions
    if len(transactions) > 1:
        middle = len(transactions) // 2
        return Batch(transactions[:middle]), Batch(transactions[middle:])
    [only] = transactions
    cut = _parts(only) if only.identity else _chunk_halves(only)
    return None if cut is None else (Batch((cut[0],)), Batch((cut[1],)))


Two = tuple[MappedTransaction, MappedTransaction]


def _parts(whole: MappedTransaction) -> Two | None:
    """Cut a source transaction; the first part saves the position before it, as a part does."""
    at = _boundary(whole)
    if at is None or whole.before is None:
        return None
    inflight = Inflight(whole.identity, whole.origins[at - 1].ordinal)
    first = whole._replace(
        checkpoint=whole.checkpoint._replace(position=whole.before, inflight=inflight),
        changes=whole.changes[:at],
        origins=whole.origins[:at],
    )
    rest = whole._replace(
        changes=whole.changes[at:], origins=whole.origins[at:], clears=(), writes=()
    )
    return first, rest


def _boundary(whole: MappedTransaction) -> int | None:
    """Return the index of the change that begins the second half: with another rows event."""
    origins, half, rows, best = whole.origins, whole.rows / 2, 0, None
    for at in range(1, len(origins)):
        rows += len(whole.changes[at - 1][1])
        if origins[at].ordinal == origins[at - 1].ordinal:
            continue
        best = at
        if rows >= half:
            break
    return best


def _chunk_halves(chunk: MappedTransaction) -> Two | None:
    """Cut what was read in a chunk; what is to be saved with it is saved with the second half.

    Should the second never come, the chunk is read again: each of its documents is right by itself.
    """
    if chunk.rows < 2:
        return None
    left = chunk.rows // 2
    firsts, seconds, origins = [], [], []
    for (collection, operations), origin in zip(
        chunk.changes, [chunk.origin(at) for at in range(len(chunk.changes))], strict=True
    ):
        taken = min(left, len(operations))
        left -= taken
        firsts.append((collection, operations[:taken]))
        seconds.append((collection, operations[taken:]))
        behind = tuple(
            each._replace(behind=max(0, each.behind - taken)) for each in origin.failures
        )
        origins.append(origin._replace(failures=behind))
    first = chunk._replace(
        changes=_typed(firsts),
        origins=tuple(each._replace(failures=()) for each in origins),
        writes=(),
    )
    return first, chunk._replace(changes=_typed(seconds), origins=tuple(origins))


def _typed(
    changes: list[tuple[str, Sequence[Operation]]],
) -> tuple[tuple[str, Sequence[Operation]], ...]:
    return tuple(changes)
