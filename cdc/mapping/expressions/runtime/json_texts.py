r"""JSON texts as MariaDB's functions see them.

MariaDB keeps JSON as it was written: numbers keep their digits, strings their escapes, members
their order, and a name that comes twice is there twice. So a value is its text, with the blanks
that MariaDB puts between. A path finds names as they are written: `$.a` does not find "\u0061".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cdc.mapping.expressions.json_paths import Path
from cdc.mapping.expressions.runtime.casts import text_to_double
from cdc.mapping.types.encoder import Unrepresentable

MAX_DEPTH: Final = 31
"""Below `JSON_DEPTH_LIMIT`: what nests deeper is no JSON to MariaDB."""
_HEX: Final = "[0-9a-fA-F]"
_TOKEN: Final = re.compile(
    rf"""[ \t\n\r]*(?:
    (?P<string>"(?:
        [^"\\\x00-\x1f]
        | \\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}
        | \\u(?![dD][89a-fA-F]){_HEX}{{4}}
        | \\[^u\x00-\x1f]
    )*")
    | (?P<number>
        (?=[-0-9])-?(?:0|[1-9][0-9]*)?(?:(?<=[0-9])\.[0-9]*)?(?:(?<=[0-9.])[eE][-+]?[0-9]*)?
      )(?=[ \t\n\r,\]}}]|$)
    | (?P<word>true|false|null)(?=[ \t\n\r,\]}}]|$)
    | (?P<mark>[][{{}}:,])
    )[ \t\n\r]*""",
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_ESCAPE: Final = re.compile(
    rf"\\(?:u([dD][89abAB]{_HEX}{{2}})\\u({_HEX}{{4}})|u({_HEX}{{4}})|(.))", re.DOTALL
)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ENDS: Final = {"{": "}", "[": "]"}


class NotJson(Unrepresentable):
    """A text holds a number that JSON does not know, and MariaDB takes."""


class _Broken(ValueError):
    """A text that is no JSON to MariaDB either."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A value: its text, its content, and the names of its members in an object."""

    text: str
    items: tuple[_Node, ...] = ()
    names: tuple[str, ...] = ()


def extract(text: str, path: Path) -> str | None:
    """Compute JSON_EXTRACT; None if nothing stands at the path, or the text is no JSON.

    `path` has no cell from the end. Raises NotJson.
    """
    try:
        node = _Reader(text).whole()
    except _Broken:
        return None
    found = next(_at(node, path), None)
    return None if found is None else found.text


def _at(node: _Node, path: Path) -> Iterator[_Node]:
    """Yield the values at a path, in their order: names can occur twice."""
    if not path:
        yield node
        return
    leg, rest = path[0], path[1:]
    if isinstance(leg, str):
        for name, item in zip(node.names, node.items, strict=False):
            if name == leg:
                yield from _at(item, rest)
    elif node.text.startswith("["):
        if leg < len(node.items):
            yield from _at(node.items[leg], rest)
    elif leg == 0:
        yield from _at(node, rest)


class _Reader:
    """A cursor over a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> _Node:
        node = self._value(self._token(), MAX_DEPTH)
        if self._at != len(self._text):
            raise _Broken
        return node

    def _token(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise _Broken
        number = match["number"]
        if number is not None and not _NUMBER.fullmatch(number):
            raise NotJson("a JSON text holds what is no number in JSON")
        self._at = match.end()
        return match[0].strip(" \t\n\r")

    def _value(self, token: str, depth: int) -> _Node:
        if token not in _ENDS:
            if token in ("}", "]", ":", ","):
                raise _Broken
            return _Node(token)
        if not depth:
            raise _Broken
        return self._object(depth - 1) if token == "{" else self._array(depth - 1)

    def _object(self, depth: int) -> _Node:
        names: list[str] = []
        items: list[_Node] = []
        for token in self._members("}"):
            if not token.startswith('"') or self._token() != ":":
                raise _Broken
            names.append(token)
            items.append(self._value(self._token(), depth))
        shown = (f"{name}: {item.text}" for name, item in zip(names, items, strict=True))
        text = f"{{{', '.join(shown)}}}"
        return _Node(text, tuple(items), tuple(name[1:-1] for name in names))

    def _array(self, depth: int) -> _Node:
        items = tuple(self._value(token, depth) for token in self._members("]"))
        return _Node(f"[{', '.join(item.text for item in items)}]", items)

    def _members(self, end: str) -> Iterator[str]:
        """Yield the first token of each member; the caller reads the rest of it."""
        token = self._token()
        if token == end:
            return
        while True:
            yield token
            separator = self._token()
            if separator == end:
                return
            if separator != ",":
                raise _Broken
            token = self._token()


def unquoted(text: str) -> str:
    """Compute JSON_UNQUOTE: a string without quotes and escapes, anything else as it is."""
    return _ESCAPE.sub(_character, text[1:-1]) if text.startswith('"') else text


def _character(match: re.Match[str]) -> str:
    high, low, code, character = match.groups()
    if high:
        return (bytes.fromhex(high) + bytes.fromhex(low)).decode("utf-16-be")
    if code:
        return chr(int(code, 16))
    return _ESCAPED.get(character, character)


def to_double(text: str) -> float:
    """Return the number that a value becomes when compared with a number."""
    return 1.0 if text == "true" else text_to_double(unquoted(text))
