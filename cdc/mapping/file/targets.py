"""One collection, one owner: refuses mappings whose documents could replace each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from cdc.mapping.file.id_constants import constant_parts
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import Problem
from cdc.mapping.file.table_globs import NamePart, source_pattern
from cdc.model.id_space import never_meet


def target_mistakes(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Yield a problem for each mapping whose ids could collide, with another's or its own.

    Only names and constants in the ids keep rows of different tables apart by construction.
    """
    for mapping in mappings:
        yield from _own_tables(mapping)
    for one, other in combinations(mappings, 2):
        if one.target != other.target:
            continue
        if not _kept_apart(one, other):
            yield other.origin.mistake(("target",), _shared(one, other))
        if one.stamp != other.stamp:
            what = f"mappings with the target `{one.target}` must agree on `stamp`"
            yield other.origin.mistake(("stamp",), what)


def _own_tables(mapping: Mapping) -> Iterator[Problem]:
    missing = [
        part for part in source_pattern(mapping.source).varying if part not in names(mapping)
    ]
    if missing:
        parts = ", ".join(f"{{source: {part}}}" for part in missing)
        yield mapping.origin.mistake(
            ("id",) if mapping.id else ("source",),
            f"`{mapping.source}` can match several tables, whose rows would share ids in"
            f" `{mapping.target}`: write {parts} into the id, as in id: [{parts}, KEY]",
        )


def _kept_apart(one: Mapping, other: Mapping) -> bool:
    """Return whether both ids hold, at one field, a name or a constant that they never share.

    No table has two mappings to one collection, whatever their ids are.
    """
    first, second = source_pattern(one.source), source_pattern(other.source)
    both = names(one) & names(other)
    if any(first.never_shares(part, second) for part in both):
        return True
    parts: tuple[NamePart, ...] = ("schema", "table")
    apart = any(first.never_shares(part, second) for part in parts)
    return apart and never_meet(constant_parts(one), constant_parts(other))


def names(mapping: Mapping) -> set[NamePart]:
    """Return the names of the table that the id holds."""
    return {
        part.source
        for part in mapping.id_parts
        if part.source is not None and part.source != "stream"
    }


def _shared(one: Mapping, other: Mapping) -> str:
    return (
        f"the target `{other.target}` belongs to {one.origin.file} already; two mappings share one"
        " only where {source: schema}, {source: table} or {value: …} in both ids keeps them apart"
    )
