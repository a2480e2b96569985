"""The native functions, if the package `mysql-mongodb-cdc-native` is installed: `native/`.

Python has each of them too, and says what is right; `CDC_NATIVE=0` leaves them alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, Protocol, cast

Path = tuple[str, ...]
"""The names of a field, from the top of a document."""

VARIABLE: Final = "CDC_NATIVE"

INTERFACE: Final = 9
"""Raised with each change of a function below: a module of another number is left alone."""


MysqlGtidParts = tuple[bytes, int, int]
"""The source's UUID, the number, and the commit time in microseconds, 0 if it is not said."""

MariadbGtidParts = tuple[int, int, int, int]
"""Domain, server id, sequence and flags."""

RowsParts = tuple[bytes, bytes, int, int, bytes, bytes, bytes, list[int], Sequence[int]]
"""The table's id and the rest of its table map, the events' type, the number of columns, the
bitmaps of those present before and after, the row images, where those of each event end, and the
number of each event's transaction in the run.
"""

Ended = tuple[MysqlGtidParts | MariadbGtidParts, int, int, int]
"""A transaction's GTID, the time of the event that ends it, and the offsets in the source's file
where it begins and ends.
"""

RunParts = tuple[
    int,
    tuple[int, int],
    Ended,
    Ended,
    Ended,
    bytes,
    Sequence[int],
    list[tuple[bytes, int]],
    list[RowsParts],
]
"""The number of transactions; place and number of the packet after them; the first, the last but
one and the last; the last one's GTID event; what each one's identity ends with: the number of its
GTID, or the offset where it begins; the table maps that no rows belong to, without the table's id,
each once, with the number of the first transaction that has it; and the rows events, those of one
kind that follow each other as one, if each is of another transaction.
"""

Source = tuple[str, Sequence[int], int, int, Sequence[str | None], object, bytes]
"""A value's source: kind, columns, two numbers, texts, a callable, and type and value for NULL."""

Field = tuple[bytes, "int | Sequence[Field]"]
"""A field's name, and the number of its source, or its fields."""

Question = tuple[Sequence[int], Callable[[tuple[bytes | None, ...]], object]]
"""Columns, and what answers by their bytes, None for NULL."""


class RowPlan(Protocol):
    """Maps a table's rows to operations, by a layout that is data."""

    def rows(
        self,
        kind: int,
        images: bytes,
        at: int,
        now: bytes,
        operations: list[Any],
        ends: list[int],
        counts: list[int],
        /,
    ) -> tuple[int, int]:
        """Append the operations of an event's rows from `at` on.

        `kind` is 0 for inserted, 1 for updated, 2 for deleted rows; `now` is the commit time, a
        date's bytes, or empty: then what holds it is left to Python. Return the offsets of the
        first row that is left to Python, and behind it: the images' end twice if there is none,
        once for a row that is damaged.

        `ends` are where the images of several events end, empty for one event: how many operations
        there are at each is appended to `counts`. A row that goes on behind its event is damaged.
        """
        ...

    def changed(self, images: bytes, needed: bytes, /) -> tuple[bytes, int]:
        """Leave out the updates that change no column which is needed, by a bitmap of columns.

        Return the images of the others, and how many are left out.
        """
        ...


class MakeRowPlan(Protocol):
    """Makes a `RowPlan`."""

    def __call__(
        self,
        columns: Sequence[tuple[int, int]],
        sources: Sequence[Source],
        row_id: Field,
        fields: Sequence[Field],
        gone: Sequence[Field] | None,
        shard: Sequence[Field],
        where: Question | None,
        operation: Callable[[tuple[object, ...]], object],
        kinds: Sequence[object],
        /,
    ) -> RowPlan:
        """Read a layout; `columns` are each one's size, and the bytes of its length.

        `shard` are the fields that name, with the id, a document that is to be deleted.
        `operation` makes an operation of (kind, id, document), and `kinds` are those of an insert,
        a replacement and a deletion.
        """
        ...


WireColumn = tuple[int, int, int, bool, str, int, int]
"""How a column of a SELECT arrives: its bytes, 0 if a length comes first, how many of them an image
keeps, the bytes of an image's length, whether a length that arrives is always one byte, and the
conversion: a name, empty for none, and two numbers.
"""


class RowImages(Protocol):
    """Turns a SELECT's rows into row images, by a layout that is data."""

    def read(
        self, buffer: bytes, at: int, number: int, most: int, /
    ) -> tuple[bytes, int, int, int, int]:
        """Return the images of the rows whose packets stand whole in a buffer.

        `at` is where a packet begins, and `number` its number as its header holds it. They end
        before the first packet that is no row, or is left to Python, and behind the row with which
        they exceed `most` bytes. Return also the number of rows, where the last of them begins, and
        place and number of the packet behind it.
        """
        ...


class MakeRowImages(Protocol):
    """Makes a `RowImages`."""

    def __call__(self, columns: Sequence[WireColumn], /) -> RowImages:
        """Read a layout."""
        ...


class Native(Protocol):
    """What the native module does."""

    INTERFACE: int
    RowImages: MakeRowImages
    RowPlan: MakeRowPlan

    def encode_json_text(self, data: bytes, /) -> tuple[bytes, bytes] | None:
        """Return BSON type byte and value of a JSON text in UTF-8.

        None for what is left to Python: numbers beyond 64 bits, keys twice, what is no JSON.
        """
        ...

    def transcode_json(self, data: bytes, /) -> tuple[bytes, bytes] | None:
        """Return BSON type byte and value of an object or array of MySQL's binary JSON.

        None for what is left to Python: scalars, some opaque values, damaged bytes.
        """
        ...

    def read_run(
        self,
        buffer: bytes,
        at: int,
        number: int,
        offset: int,
        checksum: bool,
        opens: bytes,
        image_bytes: int,
        most: int,
        /,
    ) -> RunParts | None:
        """Return the run of ordinary transactions that stands whole in a buffer; None for none.

        `at` and `number` are the place of the first packet and its number as its header holds it,
        `offset` is where the event before it ended in the source's file, `opens` the types of GTID
        events that may open a transaction, `image_bytes` the most that the row images of one may
        take, `most` the most transactions. It ends before one that is not whole, or not of the
        ordinary kind, and before one whose GTID is not the next of the same server; of MariaDB,
        whose domain, server or time is another, or whose number is not higher.
        """
        ...

    def document_id(self, raw: bytes, /) -> bytes | None:
        """Return the id of a document, which is its first field.

        None for what is left to Python, here as in the functions below: bytes that cannot be
        walked.
        """
        ...

    def values_at(self, raw: bytes, paths: Sequence[Path], /) -> tuple[bytes | None, ...] | None:
        """Return the values at some paths of a document, None for what is not there."""
        ...

    def link(
        self, raw: bytes, paths: Sequence[Path], /
    ) -> tuple[()] | tuple[tuple[object, ...], tuple[bytes, ...]] | None:
        """Return the link values of a document, to compare and as they are; empty for no link.

        Doubles, decimals and documents are left to Python too.
        """
        ...

    def linked(
        self,
        batch: bytes,
        paths: Sequence[Path],
        fields: Sequence[tuple[bytes, Path]] | None,
        /,
    ) -> list[tuple[tuple[object, ...], bytes]] | None:
        """Return the links, to compare, and the chosen fields of the documents of a batch.

        Documents without a link are left out; without `fields` they are whole.
        """
        ...

    def with_values(self, raw: bytes, values: Sequence[tuple[Path, bytes]], /) -> bytes | None:
        """Return the document with each value at its path, behind the fields that are there."""
        ...

    def set_in_place(
        self, raw: bytes, whole: bytes, values: Sequence[tuple[Path, bytes]], /
    ) -> bytes | None:
        """Return what `$set` needs to make `whole` of a document; empty if it cannot."""
        ...

    def chosen(self, raw: bytes, fields: Sequence[tuple[bytes, Path]], /) -> bytes | None:
        """Return a document of some values of another, each under its name."""
        ...

    def array(self, documents: Sequence[bytes], /) -> bytes | None:
        """Return an array of documents, as a value."""
        ...

    def among(self, values: Sequence[bytes], /) -> bytes | None:
        """Return the condition `{$in: […]}` of some values."""
        ...


def _load() -> tuple[Native | None, str]:
    if os.environ.get(VARIABLE) == "0":
        return None, f"off by {VARIABLE}=0"
    try:
        module = import_module("cdc_native")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cdc_native"
        return None, "not installed" if missing else f"cannot be loaded: {error}"
    found = getattr(module, "INTERFACE", None)
    if found is None:  # a folder alone is a module, too
        return None, "cannot be loaded: its files are not all there"
    if found != INTERFACE:
        return None, f"of another version: interface {found}, not {INTERFACE}"
    return cast(Native, module), "in use"


native, state = _load()
"""The native module or None, and why, in words."""
