"""Refuses to ignore followed tables: statements on a table that is both would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import Problem
from cdc.mapping.file.table_globs import source_pattern


def ignored_mistakes(mappings: Iterable[Mapping], ignored: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each mapping that may follow a table of the `ignored` patterns."""
    for mapping in mappings:
        for pattern in ignored:
            if _may_share(mapping.source, pattern):
                yield mapping.origin.mistake(
                    ("source",),
                    f"`{mapping.source}` may be a table of `{pattern}`, which"
                    " source.ignore_statements_on has statements pass on: make either narrower",
                )


def _may_share(source: str, pattern: str) -> bool:
    one, other = source_pattern(source), source_pattern(pattern)
    if not other.varying:
        return one.matches(*other.named)
    if not one.varying:
        return other.matches(*one.named)
    return not (one.never_shares("schema", other) or one.never_shares("table", other))
