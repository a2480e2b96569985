"""Cuts a batch in two, if the target refuses it only for its size."""

from __future__ import annotations

from collections.abc import Sequence

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Inflight
from cdc.model.operation import Operation


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """Return two batches to apply in turn; None for a batch that cannot be cut.

    Cuts between transactions if there are several, else between rows events, as `Mapper` cuts large
    ones. Only then do readers see a part of a transaction.
    """
    entries = batch.entries if len(batch.entries) > 1 else batch.transactions
    if len(entries) > 1:
        middle = len(entries) // 2
        return Batch(entries[:middle]), Batch(entries[middle:])
    [only] = batch.transactions
    cut = _parts(only) if only.is_of_source else _chunk_halves(only)
    return None if cut is None else (Batch((cut[0],)), Batch((cut[1],)))


Two = tuple[MappedTransaction, MappedTransaction]


def _parts(whole: MappedTransaction) -> Two | None:
    """Cut a source transaction; the first part saves the position before it."""
    at = _boundary(whole)
    if at is None or whole.before is None:
        return None
    last = whole.origins[at - 1]
    inflight = Inflight(whole.identity, last.ordinal, last.rows)
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
    """Return the index of the change that begins the second half, in another rows event."""
    origins, half, before, best = whole.origins, whole.operation_count / 2, 0, None
    for at in range(1, len(origins)):
        before += len(whole.changes[at - 1][1])
        if origins[at].ordinal == origins[at - 1].ordinal:
            continue
        best = at
        if before >= half:
            break
    return best


def _chunk_halves(chunk: MappedTransaction) -> Two | None:
    """Cut a chunk; its progress is saved with the second half.

    If the second half never comes, the chunk is read again: each document is right by itself.
    """
    if chunk.operation_count < 2:
        return None
    left = chunk.operation_count // 2
    firsts, seconds, origins = [], [], []
    for (collection, operations), origin in zip(
        chunk.changes, [chunk.origin(at) for at in range(len(chunk.changes))], strict=True
    ):
        taken = min(left, len(operations))
        left -= taken
        firsts.append((collection, operations[:taken]))
        seconds.append((collection, operations[taken:]))
        behind = tuple(
            each._replace(operations_before=max(0, each.operations_before - taken))
            for each in origin.failures
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
