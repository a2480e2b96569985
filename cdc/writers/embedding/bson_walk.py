"""What `bson_paths` does, in Python: the definition of what is right (bsonspec.org)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cdc.mapping import bson_bytes
from cdc.writers.documents import value_end

Path = tuple[str, ...]

_DOCUMENT: Final = bson_bytes.DOCUMENT[0]


def value_at(raw: bytes, path: Path) -> bytes | None:
    """Return the value at a path of a document; None if there is none."""
    begin = 0
    for depth, name in enumerate(path):
        found = _find(raw, begin, name.encode())
        if found is None:
            return None
        at, begin, end = found
        if depth == len(path) - 1:
            return raw[at : at + 1] + raw[begin:end]
        if raw[at] != _DOCUMENT:
            return None
    return None


def values_at(raw: bytes, paths: Iterable[Path]) -> tuple[bytes | None, ...]:
    """Return the values at some paths of a document."""
    return tuple(value_at(raw, path) for path in paths)


def with_values(raw: bytes, values: Iterable[tuple[Path, bytes]]) -> bytes:
    """Return the document with each value at its path, behind the fields that are there.

    What stood at a path before goes, and the documents around it that hold nothing else: a document
    that has been spliced already comes out the same. A path makes the documents that it goes
    through.
    """
    values = [*values]
    for path, _ in values:
        raw = _without(raw, path)
    for path, value in values:
        raw = _with_value(raw, path, value)
    return raw


def chosen(raw: bytes, fields: Sequence[tuple[bytes, Path]]) -> bytes:
    """Return a document of some values of another, each under its name, as far as it has them."""
    parts = [
        value[:1] + name + b"\0" + value[1:]
        for name, path in fields
        if (value := value_at(raw, path)) is not None
    ]
    return bson_bytes.document(b"".join(parts))


def array(documents: Sequence[bytes]) -> bytes:
    """Return an array of documents, as a value."""
    items = [b"\x03%d\0%b" % (at, document) for at, document in enumerate(documents)]
    return bson_bytes.ARRAY + bson_bytes.document(b"".join(items))


def among(values: Sequence[bytes]) -> bytes:
    """Return the condition `{$in: […]}` of some values, which are not decoded for it."""
    items = [b"%b%d\0%b" % (value[:1], at, value[1:]) for at, value in enumerate(values)]
    return bson_bytes.document(b"\x04$in\0" + bson_bytes.document(b"".join(items)))


def set_in_place(raw: bytes, whole: bytes, values: Iterable[tuple[Path, bytes]]) -> bytes | None:
    """Return what `$set` needs to make `whole`, which has the values, of a document without some.

    A document by dotted paths; None if it would not come to the same bytes: `$set` keeps a field's
    place, and adds others at the end.
    """
    changed: list[bytes] = []
    for path, value in values:
        if value == value_at(raw, path):
            continue
        replaced = _replaced(raw, path, value)
        if replaced is None:
            return None
        raw = replaced
        changed.append(b"%b%b\0%b" % (value[:1], ".".join(path).encode(), value[1:]))
    return bson_bytes.document(b"".join(changed)) if raw == whole else None


def _replaced(raw: bytes, path: Path, value: bytes) -> bytes | None:
    """Return the document with another value in the place of the one at a path; None without."""
    found = _find(raw, 0, path[0].encode())
    if found is None:
        return None
    at, begin, end = found
    if len(path) > 1:
        inner = None if raw[at] != _DOCUMENT else _replaced(raw[begin:end], path[1:], value)
        if inner is None:
            return None
        value = bson_bytes.DOCUMENT + inner
    return bson_bytes.document(
        raw[4:at] + value[:1] + raw[at + 1 : begin] + value[1:] + raw[end:-1]
    )


def _without(raw: bytes, path: Path) -> bytes:
    found = _find(raw, 0, path[0].encode())
    if found is None:
        return raw
    at, begin, end = found
    if len(path) > 1:
        if raw[at] != _DOCUMENT:
            return raw
        inner = _without(raw[begin:end], path[1:])
        if len(inner) > len(bson_bytes.document(b"")):
            return bson_bytes.document(raw[4:begin] + inner + raw[end:-1])
    return bson_bytes.document(raw[4:at] + raw[end:-1])


def _with_value(raw: bytes, path: Path, value: bytes) -> bytes:
    name = path[0].encode()
    found = _find(raw, 0, name)
    if len(path) == 1:
        body = raw[4:-1] if found is None else raw[4 : found[0]] + raw[found[2] : -1]
        return bson_bytes.document(body + value[:1] + name + b"\0" + value[1:])
    if found is None or raw[found[0]] != _DOCUMENT:
        inner = _with_value(bson_bytes.document(b""), path[1:], value)
        return _with_value(raw, path[:1], bson_bytes.DOCUMENT + inner)
    at, inner_at, end = found
    inner = _with_value(raw[inner_at:end], path[1:], value)
    return bson_bytes.document(raw[4:at] + b"\x03" + name + b"\0" + inner + raw[end:-1])


def _find(raw: bytes, begin: int, name: bytes) -> tuple[int, int, int] | None:
    """Return where a field's type byte is, where its value begins and ends.

    `begin` is the offset of the document in `raw`.
    """
    field = name + b"\0"
    if raw.find(field, begin + 4) < 0:  # most often, and far cheaper than the walk
        return None
    at = begin + 4
    while kind := raw[at]:
        if raw.startswith(field, at + 1):
            start = at + 1 + len(field)
            return at, start, value_end(raw, kind, start)
        at = value_end(raw, kind, raw.index(b"\0", at + 1) + 1)
    return None
