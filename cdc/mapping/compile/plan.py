"""A mapping compiled against the columns of one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from cdc.errors import Corrupted, RecordError
from cdc.mapping import bson_bytes
from cdc.mapping.counts import Losses, TableCounts
from cdc.mapping.layout.document import Layout
from cdc.mapping.transcode.changed_rows import ChangedRows
from cdc.mapping.transcode.history_rows import HistoryRows
from cdc.mapping.transcode.native_rows import kind_number
from cdc.mapping.transcode.null_patterns import NullPatternFunctions
from cdc.mapping.transcode.partial_image import FullImages
from cdc.mapping.transcode.reference_reader import ImageError
from cdc.model.dead_letter import FailedRow
from cdc.model.mapped_run import MustBeApart, RunOperations
from cdc.model.operation import Operation
from cdc.model.transaction import RowsEvent, RowsKind, RunRows
from cdc.native import RowPlan

_NO_TIME: Final = b""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Maps the rows of one table to operations on one collection.

    `generated_source` is the Python made for rows without NULLs; `counts` grow as rows are mapped.
    """

    collection: str
    layout: Layout
    generated_source: str
    counts: TableCounts = field(repr=False)
    _patterns: NullPatternFunctions = field(repr=False)
    _full_images: FullImages = field(repr=False)
    _changed_rows: ChangedRows = field(repr=False)
    _native: RowPlan | None = field(repr=False, default=None)
    halts: bool = True
    """Whether a row that cannot be mapped stops the stream."""
    _timeless: frozenset[RowsKind] = field(repr=False, default=frozenset())
    """What makes no document that is sure to hold the time of its commit."""
    _marks_time: bool = field(repr=False, default=True)
    """Whether a document whose row is gone is marked with that time."""
    history: HistoryRows | None = field(repr=False, default=None)
    """What keeps the changes of the rows, if the mapping asks for it."""

    @property
    def losses(self) -> Losses:
        """The lossy conversions so far."""
        return self.counts.losses

    @property
    def needed(self) -> frozenset[str]:
        """The columns without which an update or a delete may be refused."""
        return frozenset(self.layout.columns[each] for each in self._full_images.needed)

    def operations(
        self,
        event: RowsEvent,
        committed_at: float,
        failed: Callable[[FailedRow], None] | None = None,
    ) -> list[Operation]:
        """Map each row of `event`, in order; `committed_at` is seconds since the epoch.

        Raises RefusedEvent for images that lack needed columns, Corrupted for damaged ones. A row
        that BSON or the mapping cannot hold raises RecordError; with `failed`, it is passed to
        that, and the rows behind it continue. An update that changes nothing of the document has no
        operation.
        """
        images = self._full_images.images(event)
        if event.kind is RowsKind.UPDATE and self._changed_rows.possible:
            images = self._changed(event, images)
        now = bson_bytes.pack_int64(round(committed_at * 1_000_000) // 1000)
        walk = _Walk(event.kind, now, failed)
        self._map(images, walk)
        return walk.operations

    def maps_runs_of(self, event: RowsEvent) -> bool:
        """Return whether `run_operations` takes such rows: natively read, whatever their time.

        Rows of a history belong to a transaction each.
        """
        return (
            self._native is not None
            and self.history is None
            and event.kind in self._timeless
            and self._full_images.are_whole(event)
        )

    def run_operations(self, rows: RunRows) -> RunOperations:
        """Map the rows of a run, as `operations` does each of its events.

        Raises what it does, and MustBeApart for an update that marks a document with its time.
        """
        event, ends, _ = rows
        images = event.images
        if event.kind is RowsKind.UPDATE and self._changed_rows.possible:
            images, ends = self._changed_of_run(rows)
        failed: list[tuple[int, FailedRow]] = []
        walk = _Walk(event.kind, _NO_TIME, None, ends)
        if not self.halts:
            walk.failed = lambda row: failed.append((len(walk.counts), row))
        self._map(images, walk)
        counts = walk.counts + [len(walk.operations)] * (len(ends) - len(walk.counts))
        return RunOperations(self.collection, self.halts, walk.operations, counts, failed)

    def map_images(self, kind: RowsKind, images: bytes, now: bytes) -> list[Operation]:
        """Map images as rows of a kind, in order, as `cdc.mapping.transcode.history_rows` asks."""
        walk = _Walk(kind, now, None)
        self._map(images, walk)
        return walk.operations

    def id_of(self, image: bytes) -> bytes:
        """Return the id of an image; empty if it has none."""
        try:
            return self._patterns.reference.row_id(image, 0)
        except RecordError:
            return b""

    def _map(self, images: bytes, walk: _Walk) -> None:
        """Append the operations of rows: by the native module, or by generated Python."""
        end, at, native = len(images), 0, self._native
        if native is None:
            self._read(images, walk)
            return
        kind = kind_number(walk.kind)
        while at < end:
            first, at = native.rows(
                kind, images, at, walk.now, walk.operations, walk.ends, walk.counts
            )
            if first < at:  # a row that the module leaves to Python
                if walk.ends and (at > walk.ends[len(walk.counts)] or self._marks_time):
                    raise MustBeApart("of one transaction", table=self.layout.table)
                self.counts.left_rows += 1
                self._read(images[first:at], walk)

    def _changed_of_run(self, rows: RunRows) -> tuple[bytes, list[int]]:
        images = rows.event.images
        kept = [
            self._changed(rows.event, images[begin:end]) for begin, end in pairwise((0, *rows.ends))
        ]
        return b"".join(kept), list(accumulate(map(len, kept)))

    def _changed(self, event: RowsEvent, images: bytes) -> bytes:
        if not self._full_images.are_whole(event):
            return images
        changed, left_out = self._changed_rows.of(images)
        self.counts.unchanged_rows += left_out
        return changed

    def _read(self, images: bytes, walk: _Walk) -> None:
        """Append the operations of rows: all of an event, or one that the native module left."""
        rows = self._patterns.rows(walk.kind)
        end, size = len(images), self.layout.bitmap_size
        append, now, at = walk.operations.append, walk.now, 0
        while at < end:
            try:  # one function for each NULL pattern; it reads all successive rows of it
                at = rows[images[at : at + size]](images, at, append, now)
            except ImageError as error:
                if walk.failed is None:
                    raise
                row = self._patterns.reference.failed(walk.kind, images, at, error.image_at)
                walk.operations += row.remaining(now)
                behind = len(walk.operations)
                walk.failed(FailedRow(error, walk.kind, row.id(), row.document(), behind))
                at = row.end
        if at != end:
            raise Corrupted("the last row image ends early", table=self.layout.table)


@dataclass(slots=True)
class _Walk:
    """One walk over row images: what happened to the rows, and where their operations go.

    `now` is the commit time, a BSON date's bytes, or `_NO_TIME`. Without `failed` a row that cannot
    be mapped raises. `ends` and `counts` as in `cdc.native.RowPlan.rows`.
    """

    kind: RowsKind
    now: bytes
    failed: Callable[[FailedRow], None] | None
    ends: list[int] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
