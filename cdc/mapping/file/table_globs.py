"""The tables that a mapping's `source` names: one, or those that its globs match.

A glob is `*`, `?`, `[abc]` or `[!abc]`; a bracketed single character is that character, so `[*]`
names an asterisk, `[.]` a dot within a schema's name, `[!]` an exclamation mark. Globs of excluded
tables follow, each behind ` !`: `shop_*.orders !shop_test.orders`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import Final, Literal

NamePart = Literal["schema", "table"]

_WILDCARD: Final = re.compile(r"[*?\[]")
_CHARACTER: Final = re.compile(r"\[(.)\]", re.DOTALL)
_TOKEN: Final = re.compile(r"\[.[^\]]*\]| !|.", re.DOTALL)
_ESCAPED: Final = re.compile(r"[*?\[!]")
_ESCAPED_IN_SCHEMA: Final = re.compile(r"[*?\[!.]")
EXCLUDING: Final = " !"
REMEMBERED_SOURCES: Final = 100_000
"""More than a stream has mappings: a cache that is too small for a walk over them finds nothing."""


@dataclass(frozen=True, slots=True)
class SourcePattern:
    """The two globs of `schema.table`, and the patterns of excluded tables; case-sensitive."""

    schema: str
    table: str
    excluded: tuple[SourcePattern, ...] = ()

    @property
    def varying(self) -> tuple[NamePart, ...]:
        """The names that differ between matching tables; none for a plain `schema.table`."""
        parts: tuple[tuple[NamePart, str], ...] = (("schema", self.schema), ("table", self.table))
        return tuple(part for part, glob in parts if _varies(glob))

    @property
    def named(self) -> tuple[str, str]:
        """The schema and the table that it names, if neither varies."""
        return _unescaped(self.schema), _unescaped(self.table)

    @property
    def table_regex(self) -> str:
        """A regular expression of the table names that it matches."""
        return translate(_glob(self.table))

    def matches(self, schema: str, table: str) -> bool:
        """Return whether it names the table."""
        return (
            self.matches_schema(schema)
            and fnmatchcase(table, _glob(self.table))
            and not any(each.matches(schema, table) for each in self.excluded)
        )

    def matches_schema(self, schema: str) -> bool:
        """Return whether it names tables of the schema."""
        return fnmatchcase(schema, _glob(self.schema))

    def never_shares(self, part: NamePart, other: SourcePattern) -> bool:
        """Return whether tables of both always differ in this name; False if that is unclear."""
        return _disjoint(getattr(self, part), getattr(other, part))


@lru_cache(maxsize=REMEMBERED_SOURCES)
def source_pattern(source: str) -> SourcePattern:
    """Parse a mapping's `source`: the schema's name ends at the first dot outside brackets."""
    first, *excluded = map(_one, _pieces(source))
    return SourcePattern(first.schema, first.table, tuple(excluded))


def listed(source: object) -> object:
    """Join the list that a mapping may write: a pattern, then excluded ones, each behind `!`."""
    if not isinstance(source, Sequence) or isinstance(source, str):
        return source
    if not all(isinstance(each, str) for each in source) or not source:
        raise ValueError("must be `schema.table`, or a list of it and `!schema.table`")
    first, *rest = source
    if first.startswith("!") or not all(each.startswith("!") for each in rest):
        raise ValueError("a list begins with `schema.table`; each other item begins with `!`")
    return " ".join(source)


def literal(schema: str, table: str) -> str:
    """Return the source that names just this table."""
    return _ESCAPED_IN_SCHEMA.sub(r"[\g<0>]", schema) + "." + _ESCAPED.sub(r"[\g<0>]", table)


def _pieces(source: str) -> Iterator[str]:
    """Yield the pattern and the excluded ones."""
    piece = ""
    for token in _TOKEN.findall(source):
        if token == EXCLUDING:
            yield piece
            piece = ""
        else:
            piece += token
    yield piece


def _one(piece: str) -> SourcePattern:
    schema = ""
    for token in _TOKEN.findall(piece):
        if token == ".":
            return SourcePattern(schema, piece[len(schema) + 1 :])
        schema += token
    return SourcePattern(schema, "")


def _varies(glob: str) -> bool:
    return _WILDCARD.search(_CHARACTER.sub("", glob)) is not None


def _unescaped(glob: str) -> str:
    return _CHARACTER.sub(r"\1", glob)


def _glob(glob: str) -> str:
    """Rewrite a glob for `fnmatch`, which reads `[!]` as an unfinished class."""
    return glob.replace("[!]", "!") if "[!]" in glob else glob


def _disjoint(one: str, other: str) -> bool:
    """Return whether no name matches both globs, judged by the text around their wildcards."""
    if not _varies(one):
        return not fnmatchcase(_unescaped(one), _glob(other))
    if not _varies(other):
        return not fnmatchcase(_unescaped(other), _glob(one))
    return _differ(_head(one), _head(other)) or _differ(_tail(one)[::-1], _tail(other)[::-1])


def _differ(one: str, other: str) -> bool:
    return not (one.startswith(other) or other.startswith(one))


def _head(glob: str) -> str:
    return _WILDCARD.split(glob, maxsplit=1)[0]


def _tail(glob: str) -> str:
    return re.split(r"[*?\]]", glob)[-1]
