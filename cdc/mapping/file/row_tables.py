"""Tells the table of a document's row, by the names that its id holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.table_name import full_name


def row_table(mappings: Iterable[Mapping], identifier: Any) -> str:
    """Return the `schema.table` of a document's row; empty if its id does not tell.

    `mappings` are those of its collection; `identifier` is its `_id`.
    """
    for mapping in mappings:
        pattern = source_pattern(mapping.source)
        names = dict(zip(("schema", "table"), pattern.named, strict=True))
        for part in mapping.id_parts:
            if part.source in names:
                names[part.source] = _part(identifier, part.source)
        if pattern.matches(names["schema"], names["table"]):
            return full_name(names["schema"], names["table"])
    return ""


def _part(identifier: Any, name: str) -> str:
    return str(identifier.get(name, "") if isinstance(identifier, dict) else identifier)
