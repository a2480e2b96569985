"""Changes within JSON values, as a partial update logs them, applied to MySQL's binary JSON.

Format: `Json_diff_vector` in MySQL's `sql-common/json_diff.h`: for each change, in order, an
operation byte, the length and text of a path, and, except for REMOVE, the length and bytes of a
binary JSON value. Lengths are length-encoded integers. `apply_json_diff` in `json_diff.cc` defines
the changes, and when one does not fit its value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cdc.mapping.types.json_tree import (
    BadJson,
    Member,
    Value,
    container,
    members,
    parse,
    serialized,
)

MAX_DEPTH = 100
"""MySQL's `JSON_DOCUMENT_MAX_DEPTH`: no path is longer."""


class Operation(IntEnum):
    """The values of `enum_json_diff_operation`."""

    REPLACE = 0
    INSERT = 1
    REMOVE = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A step into an array: `index` from its beginning, or from its end."""

    index: int
    from_end: bool = False

    def position(self, size: int) -> int:
        """Return its index in an array of `size` cells; `size` or 0 if there is no such cell."""
        if self.from_end:
            return max(size - self.index - 1, 0)
        return min(self.index, size)

    def within(self, size: int) -> bool:
        """Return whether an array of `size` cells has it."""
        return self.index < size


Leg = bytes | Cell
"""A step of a path: an object's member, or an array's cell."""


@dataclass(frozen=True, slots=True)
class Diff:
    """One change: an operation at a path, and the value to put there."""

    operation: Operation
    path: tuple[Leg, ...]
    value: Value | None


def patched(document: bytes, diffs: bytes) -> bytes:
    """Return a JSON column's bytes after all the changes; raises BadJson if one does not fit."""
    value = parse(document)
    for diff in parse_diffs(diffs):
        value = _changed(value, diff.path, diff)
    return serialized(value)


def parse_diffs(data: bytes) -> Iterator[Diff]:
    """Yield changes that stand back to back; raises BadJson."""
    at = 0
    while at < len(data):
        try:
            operation = Operation(data[at])
        except ValueError as error:
            raise BadJson("an unknown operation on a JSON value") from error
        text, at = _text(data, at + 1)
        value = None
        if operation is not Operation.REMOVE:
            raw, at = _text(data, at)
            value = parse(raw)
        yield Diff(operation, parse_path(text), value)


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    """Read bytes behind their length-encoded length; return them and the offset behind them."""
    first = data[at : at + 1]
    width = {b"\xfc": 2, b"\xfd": 3, b"\xfe": 8}.get(first, 0)
    start = at + 1 + width
    length = int.from_bytes(data[at + 1 : start] if width else first, "little")
    end = start + length
    if not first or first in (b"\xfb", b"\xff") or end > len(data):
        raise BadJson("a change of a JSON value ends early")
    return data[start:end], end


_LEG = re.compile(
    r"""
    \.(?P<quoted>"(?:[^"\\]|\\.)*")
    | \.(?P<name>[^."\[\]\s*]+)
    | \[(?P<index>[0-9]{1,10})\]
    | \[last(?:-(?P<last>[0-9]{1,10}))?\]
    """,
    re.VERBOSE | re.DOTALL,
)


def parse_path(text: bytes) -> tuple[Leg, ...]:
    """Parse a path as the server writes it: `$`, then `.name`, `."name"`, `[3]`, `[last-3]`."""
    path = _decoded(text)
    legs: list[Leg] = []
    at = 1
    while at < len(path) and len(legs) <= MAX_DEPTH:
        match = _LEG.match(path, at)
        if match is None:
            break
        legs.append(_leg(match))
        at = match.end()
    if path[:1] != "$" or not legs or at != len(path):
        raise BadJson("a path into a JSON value that cannot be read")
    return tuple(legs)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise BadJson("a path into a JSON value is not UTF-8") from error


def _leg(match: re.Match[str]) -> Leg:
    if match["index"] is not None:
        return Cell(int(match["index"]))
    if match["name"] is not None:
        return match["name"].encode()
    if match["quoted"] is None:
        return Cell(int(match["last"] or 0), from_end=True)
    try:
        return str(json.loads(match["quoted"])).encode()
    except ValueError as error:
        raise BadJson("a name in a path into a JSON value cannot be read") from error


def _changed(value: Value, path: tuple[Leg, ...], diff: Diff) -> Value:
    """Return `value` after `diff`; `path` is the rest of the diff's path."""
    leg, rest = path[0], path[1:]
    found = members(value)
    at, exists = _find(value, found, leg)
    if rest or diff.operation is not Operation.INSERT:
        if not exists:
            raise BadJson("a change of a JSON value that is not there")
        name, old = found[at]
        found[at : at + 1] = _instead(name, old, rest, diff)
        return container(value.kind, found)
    if isinstance(leg, bytes) and exists:
        raise BadJson("a JSON member is inserted that is there already")
    assert diff.value is not None
    found.insert(at, (leg if isinstance(leg, bytes) else b"", diff.value))
    return container(value.kind, found)


def _instead(name: bytes, old: Value, rest: tuple[Leg, ...], diff: Diff) -> list[Member]:
    if rest:
        return [(name, _changed(old, rest, diff))]
    return [] if diff.value is None else [(name, diff.value)]


def _find(value: Value, found: list[Member], leg: Leg) -> tuple[int, bool]:
    """Return the index of a leg's member, or its place if absent; and whether it is there."""
    if isinstance(leg, Cell) and value.is_array:
        return leg.position(len(found)), leg.within(len(found))
    if isinstance(leg, bytes) and value.is_object:
        order = (len(leg), leg)
        at = sum((len(name), name) < order for name, _ in found)
        return at, at < len(found) and found[at][0] == leg
    raise BadJson("a change of a JSON value goes another way than the value")
