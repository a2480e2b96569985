"""The weights of characters, and their cases, as the servers' own functions return them.

Each file of `tables/` is compressed text, read from the servers and checked against them by
`tests/integration/mapping/expressions`. Lines of weights are `first weights step`: a run of
characters whose last weight grows by the step; weights are four hexadecimal digits each, `-` for
none. Lines of cases are `character others`, those of contractions `characters weights`. All numbers
are hexadecimal.
"""

from __future__ import annotations

import lzma
import re
import sys
from bisect import bisect_right
from functools import cache
from importlib.resources import files
from typing import Final

PACKAGE: Final = "cdc.mapping.expressions"
WEIGHT_DIGITS: Final = 4
IMPLICIT_BASES: Final = frozenset({0xFB40, 0xFB80, 0xFBC0})
HANGUL: Final = range(0xAC00, 0xD7A4)
"""Syllables, whose weights are computed from those of their letters."""
LAST: Final = {"unicode": 0xFFFF}
"""The last character that a table covers in LIKE, if it is not the last of Unicode."""
CONTRACTED: Final = frozenset({"uca1400"})
"""Tables in which some character sequences have weights of their own."""


class Weights(dict[int, str]):
    """`weights[character]` is the string of a character's weights, for `str.translate`."""

    __slots__ = ("_firsts", "_runs")

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._runs = [_run(line) for line in lines]
        self._firsts = [run[0] for run in self._runs]

    def __missing__(self, character: int) -> str:
        first, weights, step = self._runs[bisect_right(self._firsts, character) - 1]
        if step:
            last = ord(weights[-1]) + step * (character - first)
            weights = weights[:-1] + chr(last)
        self[character] = weights
        return weights


class Alike(dict[int, str]):
    """`alike[character]` is one character for all those that LIKE treats as equal.

    Those are the characters of the same weights. But a character whose weights are computed from
    its number, and one behind `last`, equals only itself (`my_uca_charcmp`).
    """

    __slots__ = ("_last", "_seen", "_weights")

    def __init__(self, weights: Weights, last: int) -> None:
        super().__init__()
        self._weights = weights
        self._last = last
        self._seen: dict[str, str] = {}

    def __missing__(self, character: int) -> str:
        weights = self._weights[character]
        found = chr(character)
        computed = character in HANGUL or _implicit(character, weights)
        if character <= self._last and not computed:
            found = self._seen.setdefault(weights, found)
        self[character] = found
        return found


def _implicit(character: int, weights: str) -> bool:
    """Return whether the weights are those that UCA computes for a character without any."""
    return (
        len(weights) == 2
        and ord(weights[0]) - (character >> 15) in IMPLICIT_BASES
        and ord(weights[1]) == character & 0x7FFF | 0x8000
    )


def _run(line: str) -> tuple[int, str, int]:
    first, weights, step = line.split()
    return int(first, 16), _weights(weights), int(step, 16)


def _weights(digits: str) -> str:
    digits = "" if digits == "-" else digits
    numbers = (digits[at : at + WEIGHT_DIGITS] for at in range(0, len(digits), WEIGHT_DIGITS))
    return "".join(chr(int(one, 16)) for one in numbers)


def _lines(name: str) -> list[str]:
    data = files(PACKAGE).joinpath("tables", f"{name}.xz").read_bytes()
    return lzma.decompress(data).decode().splitlines()


@cache
def weights(table: str) -> Weights:
    """Return the weights of `table`."""
    return Weights(_lines(f"weights-{table}"))


def key(table: str, text: str) -> str:
    """Return the weights of a text."""
    if table not in CONTRACTED or text.isascii():
        return text.translate(weights(table))
    found, sequences = _contractions(table)
    parts: list[str] = []
    behind = 0
    for match in sequences.finditer(text):
        parts += (text[behind : match.start()].translate(weights(table)), found[match[0]])
        behind = match.end()
    return "".join(parts) + text[behind:].translate(weights(table))


@cache
def _contractions(table: str) -> tuple[dict[str, str], re.Pattern[str]]:
    found: dict[str, str] = {}
    for line in _lines(f"contractions-{table}"):
        *characters, digits = line.split()
        found["".join(chr(int(one, 16)) for one in characters)] = _weights(digits)
    longest_first = sorted(found, key=len, reverse=True)
    return found, re.compile("|".join(map(re.escape, longest_first)))


@cache
def _alike(table: str) -> Alike:
    return Alike(weights(table), LAST.get(table, sys.maxunicode))


def fold(table: str, text: str) -> str:
    """Return a text with one character for all those that LIKE treats as equal."""
    return text.translate(_alike(table))


@cache
def cases(table: str, case: str) -> dict[int, str]:
    """Return the characters that `case` (`lower` or `upper`) changes, and their results."""
    found: dict[int, str] = {}
    for line in _lines(f"{case}-{table}"):
        one, *others = line.split()
        found[int(one, 16)] = "".join(chr(int(other, 16)) for other in others)
    return found
