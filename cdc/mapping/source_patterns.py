"""Which tables a mapping's `source` names: one, or those that its globs match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, Literal

NamePart = Literal["schema", "table"]

_WILDCARD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class SourcePattern:
    """The two globs of `schema.table`: `*`, `?`, `[abc]` and `[!abc]`; case counts."""

    schema: str
    table: str

    @property
    def varying(self) -> tuple[NamePart, ...]:
        """The names that differ between the tables it matches; none for a plain `schema.table`."""
        parts: tuple[tuple[NamePart, str], ...] = (("schema", self.schema), ("table", self.table))
        return tuple(part for part, glob in parts if _WILDCARD.search(glob))

    def matches(self, schema: str, table: str) -> bool:
        """Tell whether it names the table."""
        return self.matches_schema(schema) and fnmatchcase(table, self.table)

    def matches_schema(self, schema: str) -> bool:
        """Tell whether it names tables of the schema."""
        return fnmatchcase(schema, self.schema)

    def never_shares(self, part: NamePart, other: SourcePattern) -> bool:
        """Tell whether the tables of both always differ in this name; False where it is unclear."""
        return _disjoint(getattr(self, part), getattr(other, part))


@lru_cache(maxsize=1024)
def source_pattern(source: str) -> SourcePattern:
    """Read a mapping's `source`: everything before the first dot is the schema's name."""
    schema, _, table = source.partition(".")
    return SourcePattern(schema, table)


def _disjoint(one: str, other: str) -> bool:
    """Tell whether no name matches both globs, judged by what stands around their wildcards."""
    if not _WILDCARD.search(one):
        return not fnmatchcase(one, other)
    if not _WILDCARD.search(other):
        return not fnmatchcase(other, one)
    return _differ(_head(one), _head(other)) or _differ(_tail(one)[::-1], _tail(other)[::-1])


def _differ(one: str, other: str) -> bool:
    return not (one.startswith(other) or other.startswith(one))


def _head(glob: str) -> str:
    return _WILDCARD.split(glob, maxsplit=1)[0]


def _tail(glob: str) -> str:
    return re.split(r"[*?\]]", glob)[-1]
