"""Which documents of a collection are a mapping's own."""

from __future__ import annotations

from typing import Any

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.transaction import ANY_TABLE


def own_documents(mapping: Mapping, schema: str, table: str) -> dict[str, Any]:
    """Give the filter of the documents that come from `schema.table`; an empty one is for all.

    Tables that share a collection have their names in the id, so that no other's documents match.
    """
    every = {"$regex": source_pattern(mapping.source).table_regex}
    names = {"schema": schema, "table": every if table == ANY_TABLE else table}
    parts = mapping.id_parts
    return {
        f"_id.{part.name}" if len(parts) > 1 else "_id": names[part.source]
        for part in parts
        if part.source
    }
