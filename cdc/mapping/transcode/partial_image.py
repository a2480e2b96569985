"""Row images that lack columns: completed if the mapping needs none of these, else refused.

Images lack columns if `binlog_row_image` is not FULL. Those of updates and deletes by MariaDB 11.8
(not by 10.11) lack virtual and stored generated columns even then. The null bitmap of an image has
a bit for each column that is present.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle

from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.layout.document import Layout, Node, leaves
from cdc.mapping.layout.sources import Computed, FromColumn
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, RowsKind


def require_full(event: RowsEvent) -> None:
    """Raise RefusedEvent, which names the columns and the remedy, for partial images."""
    count = len(event.table.columns)
    for present in (event.present, event.present_after):
        lacking = set(range(count)).difference(_columns(present, count))
        if lacking:
            raise _refusal(event.table, lacking)


class FullImages:
    """Completes the images of a table's events: every column, NULL if nothing needs it.

    A before image must hold the columns that identify the document, an after image those that make
    it.
    """

    def __init__(self, layout: Layout, *, whole_before: bool = False) -> None:
        """With `whole_before` a before image must hold what makes the document, too."""
        self._wires = layout.wires
        self._bitmap_size = size = layout.bitmap_size
        self._full = frozenset(
            (((1 << len(layout.wires)) - 1).to_bytes(size, "little"), b"\xff" * size)
        )
        self._before = frozenset(_needed(layout, layout.id, *layout.shard, *(layout.deleted or ())))
        self._after = frozenset(_needed(layout, layout.id, *layout.fields))
        if whole_before:
            self._before |= self._after

    @property
    def needed(self) -> frozenset[int]:
        """The columns without which an update or a delete may be refused."""
        return self._before | self._after

    def are_whole(self, event: RowsEvent) -> bool:
        """Return whether the images hold every column as they are."""
        return event.present in self._full and event.present_after in self._full

    def images(self, event: RowsEvent) -> bytes:
        """Return the completed images; raises RefusedEvent, with columns and remedy, otherwise."""
        if self.are_whole(event):
            return event.images
        needs = {
            RowsKind.INSERT: ((event.present, self._after),),
            RowsKind.UPDATE: ((event.present, self._before), (event.present_after, self._after)),
            RowsKind.DELETE: ((event.present, self._before),),
        }[event.kind]
        lists = [_columns(present, len(self._wires)) for present, _ in needs]
        for columns, (_, needed) in zip(lists, needs, strict=True):
            if not needed.issubset(columns):
                raise _refusal(event.table, needed.difference(columns))
        return b"".join(self._filled(event, lists))

    def _filled(self, event: RowsEvent, lists: list[list[int]]) -> Iterator[bytes]:
        images, at = event.images, 0
        for columns in cycle(lists):
            if at >= len(images):
                return
            bitmap = images[at : at + (len(columns) + 7) // 8]
            start = at = at + len(bitmap)
            nulls = int.from_bytes(bitmap, "little")
            present = [each for bit, each in enumerate(columns) if not nulls >> bit & 1]
            for each in present:
                at = self._wires[each].end(images, at)
            if at > len(images):
                raise Corrupted("a row image ends early", table=event.table.name)
            yield self._bitmap(present) + images[start:at]

    def _bitmap(self, present: Iterable[int]) -> bytes:
        bits = (1 << 8 * self._bitmap_size) - 1 - sum(1 << each for each in present)
        return bits.to_bytes(self._bitmap_size, "little")


def _columns(present: bytes, count: int) -> list[int]:
    bits = int.from_bytes(present, "little")
    return [each for each in range(count) if bits >> each & 1]


def _needed(layout: Layout, *nodes: Node) -> Iterator[int]:
    """Yield the columns that the values of `nodes`, and the filter, come from."""
    for number in leaves(*nodes):
        source = layout.sources[number]
        if isinstance(source, FromColumn):
            yield source.column
        elif isinstance(source, Computed):
            yield from (each.column for each in source.inputs)
    if layout.filter is not None:
        yield from (each.column for each in layout.filter.inputs)


def _refusal(table: TableMap, lacking: Iterable[int]) -> RefusedEvent:
    names = ", ".join(f"`{table.columns[each].name}`" for each in sorted(lacking))
    generated = (
        "; or, since newer versions of MariaDB log no generated columns in updates and deletes,"
        " leave these out of the mapping or have `sql` compute them there"
    )
    return RefusedEvent(
        f"the binlog holds row images that lack columns: {names}",
        table=table.name,
        remedy="run on the source: SET GLOBAL binlog_row_image = FULL; let sessions reconnect; then"
        " step over this transaction: cdc position skip" + generated * table.mariadb,
    )
