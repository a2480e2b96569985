"""Shows single rows beside their documents, for people who write mappings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import bson

from cdc.errors import RecordError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.fields import FieldSource
from cdc.mapping.file.mapping import IdExpression, Mapping
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.mapping.types.value_types import ValueType
from cdc.model.any_time import ANY_TIME
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsEvent

HIDDEN: Final = "***"
"""Shown instead of a column that the mapping masks or excludes."""

LEFT_OUT: Final = "`where` in the mapping's file is not true for it: it is not shown here"

_AS_TEXT: Final = frozenset(
    {FieldType.NEWDECIMAL, FieldType.DATE, FieldType.DATETIME2, FieldType.TIMESTAMP2}
)
"""Types that are shown as SELECT prints them."""

_PROBE: Final = "column_{}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row by its columns, and its document as BSON: None if it has none, as `note` says why."""

    row: dict[str, Any]
    document: bytes | None
    note: str = ""


class Preview:
    """Shows rows of one table as a mapping sees them."""

    def __init__(self, mapping: Mapping, table: TableMap, *, within: Mapping | None = None) -> None:
        """Compile the mapping; raises MappingError if it does not fit the table.

        Rows that the `where` of `within` leaves out are hidden.
        """
        self._plan = compile_plan(mapping, table)
        self._within = None
        if within is not None and within.where is not None:
            self._within = compile_plan(_with_fields(within, {}, where=within.where), table)
        self._names = [column.name for column in table.columns]
        self._shown = shown_columns(mapping, table)
        self._rows = compile_plan(_probe(mapping, table, self._shown), table)

    def pair(self, event: RowsEvent, committed_at: float) -> Pair:
        """Map an event of one row, an insert."""
        if self._is_left_out(event, committed_at):
            return Pair(dict.fromkeys(self._names, HIDDEN), None, LEFT_OUT)
        row = self._row(event, committed_at)
        try:
            operations = self._plan.operations(event, committed_at)
        except RecordError as error:
            return Pair(row, None, error.message)
        if not operations:
            return Pair(row, None, "`where` is not true for it")
        return Pair(row, operations[0].document)

    def _is_left_out(self, event: RowsEvent, committed_at: float) -> bool:
        if self._within is None:
            return False
        try:
            return not self._within.operations(event, committed_at)
        except RecordError:
            return True  # so it has no document either

    def _row(self, event: RowsEvent, committed_at: float) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def seen(document: bytes) -> None:
            found.update(bson.decode(document, ANY_TIME))

        for operation in self._rows.operations(
            event, committed_at, lambda failed: seen(failed.document)
        ):
            seen(operation.document)
        return {
            name: found.get(_PROBE.format(at)) if name in self._shown else HIDDEN
            for at, name in enumerate(self._names)
        }


def shown_columns(mapping: Mapping, table: TableMap) -> frozenset[str]:
    """Return the columns that documents hold as they are: neither masked nor excluded."""
    key = [table.columns[index].name for index in table.primary_key]
    rules = mapping.fields
    if rules is None:
        plain = {column.name for column in table.columns} - {*mapping.exclude}
    else:
        plain = {rule.column for rule in rules.values() if rule.column} - _masked(mapping)
    ids = {part.column for part in mapping.id_parts if part.column and not part.mask}
    if not mapping.id_parts and not isinstance(mapping.id, IdExpression):
        ids = {*key}
    return frozenset(name for name in (plain | ids) - _masked(mapping) if name)


def _masked(mapping: Mapping) -> set[str]:
    fields = {rule.column for rule in (mapping.fields or {}).values() if rule.mask and rule.column}
    return fields | {part.column for part in mapping.id_parts if part.mask and part.column}


def _probe(mapping: Mapping, table: TableMap, shown: frozenset[str]) -> Mapping:
    """Return a mapping whose documents hold the columns that may be shown, by their numbers."""
    fields = {
        _PROBE.format(at): FieldSource(column=column.name, type=_type(column))
        for at, column in enumerate(table.columns)
        if column.name in shown
    }
    return _with_fields(mapping, fields, where=None)


def _with_fields(mapping: Mapping, fields: dict[str, FieldSource], *, where: str | None) -> Mapping:
    return mapping.model_copy(
        update={
            "fields": fields,
            "exclude": (),
            "where": where,
            "case": "keep",
            "nulls": "keep",
            "on_delete": "delete",
        }
    )


def _type(column: Column) -> ValueType | None:
    if column.type not in _AS_TEXT:
        return None
    try:
        encoder(column, ValueType.STRING, lambda _: None)
    except Unsupported:
        return None
    return ValueType.STRING
