"""Finds the columns of its table that a mapping names."""

from __future__ import annotations

from cdc.mapping.compile import computed_fields
from cdc.mapping.file.ids import IdExpression
from cdc.mapping.file.mapping import Mapping


def is_about(mapping: Mapping, columns: frozenset[str]) -> bool:
    """Return whether new columns, named in lower case, can be in the mapping's documents."""
    return mapping.fields is None or not columns.isdisjoint(_mentioned(mapping))


def _mentioned(mapping: Mapping) -> frozenset[str]:
    """Return the columns that the mapping names, in lower case."""
    rules = (mapping.fields or {}).values()
    plain = [rule.column for rule in rules if rule.column]
    sql = [rule.sql for rule in rules if rule.sql]
    sql += [mapping.where] if mapping.where else []
    sql += [mapping.id.sql] if isinstance(mapping.id, IdExpression) else []
    computed = [name for one in sql for name in computed_fields.names(one)]
    return frozenset(name.lower() for name in (*plain, *mapping.id_columns, *computed))
