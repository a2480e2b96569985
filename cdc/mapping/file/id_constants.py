"""Tells the constants in a mapping's ids: they keep its documents apart from others'."""

from __future__ import annotations

from cdc.mapping.file.ids import IdPart
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern


def constant_parts(mapping: Mapping) -> dict[str, str | int]:
    """Return what the ids of all its documents hold, by field.

    The name of a schema or table is a constant if `source` has no glob for it.
    """
    found = {part.field: _constant(mapping, part) for part in mapping.id_parts}
    return {field: value for field, value in found.items() if value is not None}


def _constant(mapping: Mapping, part: IdPart) -> str | int | None:
    pattern = source_pattern(mapping.source)
    if part.source == "stream":
        return mapping.stream
    if part.source is None:
        return part.value
    if part.source in pattern.varying:
        return None
    schema, table = pattern.named
    return schema if part.source == "schema" else table
