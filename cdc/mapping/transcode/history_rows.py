"""Makes a document of each change of a row: when it was made, and the row before and after it.

The row's two images are mapped as if each had been inserted, so whatever a mapping hides is hidden
here. docs/architecture.md says what must hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, NamedTuple, Protocol

from cdc.errors import Corrupted, RecordError
from cdc.mapping import bson_bytes
from cdc.mapping.layout.document import Layout
from cdc.mapping.transcode.partial_image import FullImages
from cdc.mapping.transcode.reference_reader import ImageError
from cdc.model.dead_letter import Reason
from cdc.model.operation import Operation, OperationKind
from cdc.model.transaction import RowsEvent, RowsKind

MAX_BYTES: Final = 15_000_000
"""The most that a history document may have: below MongoDB's 16 MB, which its command shares."""


class Changed(NamedTuple):
    """A source transaction as its changes' history tells it; `Transaction` has more.

    `logged_at` is when it was first committed, on any server, as the log says: two transactions
    that have one `identity`, since the source was reset, differ in it. `committed_at` is that, or
    what the stream takes for it. Both are in seconds since the epoch. `number` grows with each
    transaction.
    """

    identity: str
    logged_at: float
    committed_at: float
    number: int


Side = Operation | None
"""A row's document at one side of a change; None for none. An empty one cannot be mapped."""


class ImageMapper(Protocol):
    """Maps single row images: `cdc.mapping.compile.plan.Plan`."""

    @property
    def layout(self) -> Layout:
        """The layout of the documents."""
        ...

    def map_images(self, kind: RowsKind, images: bytes, now: bytes) -> list[Operation]:
        """Map images as rows of a kind, in order; raises ImageError for one that cannot be."""
        ...

    def id_of(self, image: bytes) -> bytes:
        """Return the id of an image; empty if it has none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class HistoryRows:
    """Maps the rows events of one table to inserts into a history's `collection`.

    `mapper` has a layout of its own: without a shard key, and with counts that nobody shows.
    """

    collection: str
    mapper: ImageMapper
    full_images: FullImages

    def operations(
        self, event: RowsEvent, changed: Changed, rows_before: int
    ) -> tuple[list[Operation], int]:
        """Return the history of an event's rows, and how many rows it has.

        `rows_before` counts the rows of its table that earlier events of its transaction changed:
        a row's number in it is the same however the events are cut. Raises RefusedEvent for images
        that lack columns of the document.
        """
        maker = _Maker(event.kind.value, changed, self.mapper.layout.table)
        row, operations = rows_before, list[Operation]()
        for before, after in self._changes(event, changed.committed_at):
            row += 1
            if before is None or after is None:
                changes = before is not after
            else:
                changes = not before.document or before.document != after.document
            if changes:
                operations.append(maker.operation(row, before, after))
        return operations, row - rows_before

    def _changes(self, event: RowsEvent, committed_at: float) -> Iterable[tuple[Side, Side]]:
        """Return each row's document before and after its change."""
        images = self.full_images.images(event)
        found = self._each(images)
        if event.kind is RowsKind.INSERT:
            return zip(repeat(None), found, strict=False)
        step = 2 if event.kind is RowsKind.UPDATE else 1
        befores = found[::step]
        afters = found[1::2] if step == 2 else [None] * len(befores)
        if self.mapper.layout.deleted is None:
            return zip(befores, afters, strict=True)
        pieces, now = [*self._cut(images)][::step], _date(committed_at)
        return [
            (before, self._one(RowsKind.DELETE, piece, now) if before and not after else after)
            for before, after, piece in zip(befores, afters, pieces, strict=True)
        ]  # what is left of a deleted row is its document with its mark

    def _each(self, images: bytes) -> Sequence[Side]:
        """Return the document of each image."""
        if self.mapper.layout.filter is None:
            try:
                return self.mapper.map_images(RowsKind.INSERT, images, b"")
            except ImageError:
                pass
        return [self._one(RowsKind.INSERT, each) for each in self._cut(images)]

    def _one(self, kind: RowsKind, image: bytes, now: bytes = b"") -> Side:
        try:
            found = self.mapper.map_images(kind, image, now)
        except RecordError:
            return Operation(OperationKind.INSERT, self.mapper.id_of(image))
        return found[0] if found else None

    def _cut(self, images: bytes) -> Iterator[bytes]:
        """Yield the images one by one."""
        layout, at = self.mapper.layout, 0
        while at < len(images):
            start, at = at, at + layout.bitmap_size
            nulls = int.from_bytes(images[start:at], "little")
            for index, wire in enumerate(layout.wires):
                if not nulls >> index & 1:
                    at = wire.end(images, at)
            if at > len(images):
                raise Corrupted("the last row image ends early", table=layout.table)
            yield images[start:at]


def of_statement(action: str, changed: Changed, table: str) -> Operation:
    """Return the history document of a statement that changes rows without telling which."""
    return _Maker(action, changed, table).operation(0, None, None)


class _Maker:
    """Makes the history documents of one rows event or statement."""

    def __init__(self, action: str, changed: Changed, table: str) -> None:
        of_all = b"".join(
            (
                _element(b"transaction", _string(changed.identity)),
                _element(b"logged_at", (bson_bytes.DATE, _date(changed.logged_at))),
                _element(b"table", _string(table)),
                b"%brow\0" % bson_bytes.INT64,
            )
        )
        self._id = bson_bytes.document(of_all + bytes(8))[:-9]  # the row's number and NUL follow
        self._about = b"".join(
            (
                _element(b"action", _string(action)),
                _element(b"committed_at", (bson_bytes.DATE, _date(changed.committed_at))),
                _element(b"number", bson_bytes.long_integer(changed.number)),
            )
        )
        self._room = MAX_BYTES - len(self._id) - len(self._about)

    def operation(self, row: int, before: Side, after: Side) -> Operation:
        """Return the insert of a row's history document; `row` is its number."""
        identifier = b"%b%b\0" % (self._id, bson_bytes.pack_int64(row))
        old = b"" if before is None else before.document
        new = b"" if after is None else after.document
        missing = b""
        if before is not after and (
            (not old and before is not None)
            or (not new and after is not None)
            or len(old) + len(new) > self._room
        ):
            old, new, missing = _fitting(self._room, before, after)
        body = b"\x03_id\0%b\x04keys\0%b%b%b%b%b\0" % (
            identifier,
            _keys(before, after),
            self._about,
            b"\x03before\0%b" % old if old else b"\x0abefore\0",
            b"\x03after\0%b" % new if new else b"\x0aafter\0",
            missing,
        )
        document = bson_bytes.pack_int32(len(body) + 4) + body
        return Operation(OperationKind.INSERT, bson_bytes.DOCUMENT + identifier, document)


def _fitting(room: int, before: Side, after: Side) -> tuple[bytes, bytes, bytes]:
    """Return the documents that fit, and the element that tells why others are missing.

    Of two that do not fit together, `before` goes: most often it is an earlier change's `after`.
    """
    sides = {name: each for name, each in (("before", before), ("after", after)) if each}
    documents = {name: each.document for name, each in sides.items()}
    missing = {name: Reason.VALUE for name, document in documents.items() if not document}
    if sum(map(len, documents.values())) > room:
        alone = [name for name, document in documents.items() if len(document) > room]
        missing |= dict.fromkeys(alone or ["before"], Reason.TOO_LARGE)
    told = b"".join(
        _element(name.encode(), _string(missing[name].value)) for name in sides if name in missing
    )
    old, new = ("" if name in missing else name for name in ("before", "after"))
    return (
        documents.get(old, b""),
        documents.get(new, b""),
        _element(b"missing", (bson_bytes.DOCUMENT, bson_bytes.document(told))),
    )


def _keys(before: Side, after: Side) -> bytes:
    """Return an array of the ids, each once; one that a failed row has not is left out."""
    one, other = before.id if before else b"", after.id if after else b""
    elements = b"%b0\0%b" % (one[:1], one[1:]) if one else b""
    if other and other != one:
        elements += b"%b%d\0%b" % (other[:1], bool(one), other[1:])
    return bson_bytes.document(elements)


def _element(name: bytes, value: tuple[bytes, bytes]) -> bytes:
    return value[0] + name + b"\0" + value[1]


def _string(text: str) -> tuple[bytes, bytes]:
    return bson_bytes.STRING, bson_bytes.string(text.encode())


def _date(seconds: float) -> bytes:
    return bson_bytes.pack_int64(round(seconds * 1_000_000) // 1000)
