"""A table whose rows become embedded documents: how these are found among them, and made."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.mapping.layout.document import source_at
from cdc.mapping.layout.sources import FromColumn
from cdc.mapping.types.registry import encoder
from cdc.model.dead_letter import FailedRow
from cdc.model.transaction import RowsEvent
from cdc.readers.select.keys import Key as RowKey
from cdc.readers.select.keys import found
from cdc.readers.select.select_table import SelectTable, TableKey
from cdc.writers.documents import bson_value
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.links import Values


class EmbeddedTable:
    """A table of the source, and the mapping that makes documents of its rows."""

    def __init__(self, mapping: TableMapping, rows: SelectTable) -> None:
        """Compile the mapping; raises MappingError if it does not fit the table."""
        self.rows = rows
        self._plan = compile_plan(mapping, rows.map)

    def columns(self, edge: Edge) -> dict[str, int]:
        """Return the columns that hold values of an embed's link as they are, by the numbers there.

        One that the mapping casts, masks or computes is none of them.
        """
        named = [(self._column(path), at) for at, path in enumerate(edge.theirs)]
        return {name: at for name, at in named if name is not None}

    def _column(self, path: Path) -> str | None:
        source = source_at(self._plan.layout, path)
        if not isinstance(source, FromColumn):
            return None
        column = self.rows.map.columns[source.column]
        usual = encoder(column, None, lambda _: None)
        return column.name if type(source.encoder) is type(usual) else None

    def keys(
        self, by: TableKey, columns: Mapping[str, int], links: Sequence[Values]
    ) -> list[RowKey] | None:
        """Return the keys of the rows that links may find; None if one is of another type."""
        keys = [
            found(by.columns, [bson_value(values[columns[each.name]]) for each in by.columns])
            for values in links
        ]
        known = [each for each in keys if each is not None]
        return [*dict.fromkeys(known)] if len(known) == len(keys) else None

    def documents(self, event: RowsEvent) -> tuple[list[bytes], int]:
        """Return the documents of rows, and how many of these can be carried over to none."""
        failed: list[FailedRow] = []
        operations = self._plan.operations(event, time.time(), failed.append)
        return [each.document for each in operations], len(failed)
