"""The facts of a table's definition beyond the columns that the binlog describes."""

from __future__ import annotations

from dataclasses import dataclass

from cdc.model.table_map import TableMap


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column's declaration: its type as the server writes it, and its comment.

    `json`: the server stores it as text, but it holds only JSON (MariaDB's JSON). `generated` is
    its expression, if the server computes it.
    """

    name: str
    declared: str
    comment: str = ""
    json: bool = False
    generated: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of the table refer to `referenced_columns` of `schema.table`."""

    columns: tuple[str, ...]
    schema: str
    table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table as it was declared; `columns` stand in the order of `table_map.columns`."""

    table_map: TableMap
    columns: tuple[ColumnDefinition, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str = ""
