"""Finds the documents of a collection that belong to a mapping."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from bson import MaxKey

from cdc.mapping.file.id_constants import constant_parts
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.transaction import ANY_TABLE


def own_documents(mapping: Mapping, schema: str, table: str) -> dict[str, Any]:
    """Return the filter of the documents that come from `schema.table`; empty for all.

    Tables that share a collection have their names in the id, and streams that do a constant, so no
    other's documents match. What the ids begin with is told as a range of them, for the index.
    """
    every = {"$regex": source_pattern(mapping.source).table_regex}
    names = {"schema": schema, "table": every if table == ANY_TABLE else table}
    known: dict[str, Any] = constant_parts(mapping)
    known |= {part.source: names[part.source] for part in mapping.id_parts if part.source in names}
    fields = (part.field for part in mapping.id_parts)
    exact = takewhile(lambda field: isinstance(known.get(field), str | int), fields)
    first = {field: known[field] for field in exact}
    return {f"_id.{field}": value for field, value in known.items()} | _beginning_with(first)


def _beginning_with(first: dict[str, Any]) -> dict[str, Any]:
    """Return the filter of the ids that begin so; documents compare field by field, type first."""
    return {"_id": {"$gte": first, "$lt": {**first, "": MaxKey()}}} if first else {}
