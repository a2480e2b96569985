"""Compares text in the collations that are covered.

A collation compares by a key: each character becomes the string of its weights, so that keys
compare as Python strings. PAD SPACE collations compare as if spaces followed the shorter text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from cdc.mapping.expressions import weights

MAX_REMEMBERED: Final = 64
"""The length of the longest text whose key is cached."""
MAX_KEYS: Final = 1 << 14
CUT: Final = "0900"
"""The name of the cases that MySQL's LOWER and UPPER exchange in place."""


class Keys(dict[str, str]):
    """`keys[text]` is the text's key; those of short texts are cached, up to a limit."""

    __slots__ = ("_compute",)

    def __init__(self, compute: Callable[[str], str]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, text: str) -> str:
        key = self._compute(text)
        if len(text) <= MAX_REMEMBERED:
            if len(self) >= MAX_KEYS:
                self.clear()
            self[text] = key
        return key


@dataclass(frozen=True, slots=True)
class Collation:
    """A collation; `table` names its weights, empty if characters compare by themselves.

    `pad`: it is PAD SPACE.
    """

    name: str
    charset: str
    pad: bool
    table: str = ""
    cases: str = ""
    covered: bool = True

    @property
    def binary(self) -> bool:
        """Whether characters compare by their code points."""
        return not self.table

    def key(self, text: str) -> str:
        """Return the key that equal texts share: the weights without those of trailing spaces."""
        weighed = self.weigh(text)
        return weighed.rstrip(self.space) if self.pad else weighed

    def weigh(self, text: str) -> str:
        """Return the weights of a text, including trailing spaces."""
        return weights.key(self.table, text) if self.table else text

    @property
    def space(self) -> str:
        """The weight of a space."""
        return weights.key(self.table, " ") if self.table else " "

    def keys(self) -> Keys:
        """Return the cache of keys of texts."""
        return _keys(self)

    def fold(self, text: str) -> str:
        """Return a text in which characters are equal if LIKE treats those of `text` as equal."""
        return weights.fold(self.table, text) if self.table else text

    def lower(self, text: str) -> str:
        """Return the text in lower case."""
        return self._cased(text, "lower")

    def upper(self, text: str) -> str:
        """Return the text in upper case."""
        return self._cased(text, "upper")

    def _cased(self, text: str, case: str) -> str:
        """Return the text in a case, by the collation's table."""
        table = weights.cases(self.cases, case)
        if self.cases != CUT or text.isascii():
            return text.translate(table)
        return _in_place(text, table)

    def compare(self, one: str, other: str) -> int:
        """Return -1, 0 or 1, as `one` sorts before, with or behind `other`."""
        first, second = self.weigh(one), self.weigh(other)
        if self.pad and len(first) != len(second):
            size = max(len(first), len(second))
            first, second = first.ljust(size, self.space), second.ljust(size, self.space)
        return (first > second) - (first < second)


def _in_place(text: str, table: Mapping[int, str | int]) -> str:
    """Exchange characters as MySQL does, in the text's own bytes.

    A character that grows overwrites the one behind it, and that ends the text; so does its end.
    """
    found: list[str] = []
    size, read, written = len(text.encode()), 0, 0
    for character in text:
        exchanged = character.translate(table)
        written += len(exchanged.encode())
        if written > size:
            break
        found.append(exchanged)
        read += len(character.encode())
        if written > read:
            break
    return "".join(found)


@cache
def _keys(collation: Collation) -> Keys:
    return Keys(collation.key)


def _named(
    number: int, name: str, table: str = "", cases: str = "bin", *, pad: bool = True
) -> None:
    charset = name.split("_")[0]
    _COLLATIONS[number] = Collation(name, charset, pad, table, cases)


_COLLATIONS: Final[dict[int, Collation]] = {}
_named(8, "latin1_swedish_ci", "latin1_swedish", "latin1")
_named(11, "ascii_general_ci", "general")
_named(33, "utf8mb3_general_ci", "general")
_named(45, "utf8mb4_general_ci", "general")
_named(46, "utf8mb4_bin")
_named(47, "latin1_bin", "latin1_bin", "latin1")
_named(48, "latin1_general_ci", "latin1_general", "latin1")
_named(65, "ascii_bin")
_named(83, "utf8mb3_bin")
_named(192, "utf8mb3_unicode_ci", "unicode")
_named(224, "utf8mb4_unicode_ci", "unicode")
_named(255, "utf8mb4_0900_ai_ci", "0900", "0900", pad=False)
_named(309, "utf8mb4_0900_bin", pad=False)
_named(1032, "latin1_swedish_nopad_ci", "latin1_swedish", "latin1", pad=False)
_named(1069, "utf8mb4_general_nopad_ci", "general", pad=False)
_named(1070, "utf8mb4_nopad_bin", pad=False)
_named(1248, "utf8mb4_unicode_nopad_ci", "unicode", pad=False)
_named(2304, "utf8mb4_uca1400_ai_ci", "uca1400", "uca1400")
_named(2308, "utf8mb4_uca1400_nopad_ai_ci", "uca1400", "uca1400", pad=False)
_MYSQL_ONLY: Final = frozenset({255, 309})


def covered(number: int, *, mariadb: bool) -> Collation | None:
    """Return the collation of an id; None if it is not covered on that server."""
    return None if mariadb and number in _MYSQL_ONLY else _COLLATIONS.get(number)


def uncovered(number: int, charset: str) -> Collation:
    """Return a stand-in that equals only itself: its texts can be used, but not compared."""
    return Collation(f"number {number} of {charset}", charset, True, covered=False)


def named(name: str) -> Collation | None:
    """Return a collation by its name; None if it is not covered."""
    return next((one for one in _COLLATIONS.values() if one.name == name), None)


def names() -> list[str]:
    """Return the names of all covered collations."""
    return sorted(one.name for one in _COLLATIONS.values())
