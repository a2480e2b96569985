"""Refuses a draft of a mapping that shows what the mapping itself hides of its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.compile import computed_fields
from cdc.mapping.file.fields import FieldSource
from cdc.mapping.file.mapping import IdExpression, Mapping
from cdc.mapping.file.problems import Problem
from cdc.mapping.tools.preview import shown_columns
from cdc.model.table_map import TableMap


def disclosures(draft: Mapping, mapping: Mapping, table: TableMap) -> Iterator[Problem]:
    """Yield the places of a draft that could show a column which `mapping` masks or leaves out.

    What the mapping itself makes of such a column may stay: the same field under any name, the same
    `where`, the same part of the id.
    """
    if draft.source != mapping.source:
        what = f"rows of `{mapping.source}` alone are shown here: keep its `source`"
        yield draft.origin.mistake(("source",), what)
        return
    names = [column.name for column in table.columns]
    hidden = _Hidden(frozenset(names) - shown_columns(mapping, table))
    for key, columns in _uses(draft, mapping, table):
        for column in hidden.among(columns):
            what = f"column `{column}` is masked or left out in the mapping's file"
            yield draft.origin.mistake(key, f"{what}: it is not shown here in another way")


def hashes_of_its_own(draft: Mapping, mapping: Mapping) -> Iterator[FieldSource]:
    """Yield what a draft hashes that `mapping` does not.

    By the same key such a hash, as of a text that was guessed, would tell what another stands for.
    """
    known = [*_rules(mapping)]
    for rule in _rules(draft):
        if rule.mask == "hash" and rule not in known:
            yield rule


class _Hidden:
    """The hidden columns, whose names are found in any case."""

    def __init__(self, columns: frozenset[str]) -> None:
        self._by_lower = {each.lower(): each for each in columns}

    def among(self, columns: Iterable[str]) -> list[str]:
        lower = {each.lower() for each in columns}
        return sorted(self._by_lower[each] for each in lower & self._by_lower.keys())


def _uses(
    draft: Mapping, mapping: Mapping, table: TableMap
) -> Iterator[tuple[KeyPath, Iterable[str]]]:
    """Yield each place that makes something of columns, unless the mapping makes the same."""
    if draft.fields is None:
        left = {each.lower() for each in draft.exclude}
        yield ("exclude",), [each.name for each in table.columns if each.name.lower() not in left]
    known = [*(mapping.fields or {}).values()]
    for path, rule in (draft.fields or {}).items():
        if rule not in known and rule.mask != "redact":
            yield ("fields", path), _of_rule(rule)
    if draft.where is not None and draft.where != mapping.where:
        yield ("where",), computed_fields.names(draft.where)
    yield from _uses_of_id(draft, mapping, table)


def _uses_of_id(
    draft: Mapping, mapping: Mapping, table: TableMap
) -> Iterator[tuple[KeyPath, Iterable[str]]]:
    if isinstance(draft.id, IdExpression):
        if draft.id != mapping.id:
            yield ("id",), computed_fields.names(draft.id.sql)
    elif draft.id:
        parts = [each for each in draft.id if each not in mapping.id_parts]
        yield ("id",), [each.column for each in parts if each.column is not None]
    else:
        yield ("id",), [table.columns[index].name for index in table.primary_key]


def _rules(mapping: Mapping) -> Iterator[FieldSource]:
    yield from (mapping.fields or {}).values()
    yield from (part.rule for part in mapping.id_parts if part.column is not None)


def _of_rule(rule: FieldSource) -> Iterable[str]:
    if rule.sql is not None:
        return computed_fields.names(rule.sql)
    return [rule.column] if rule.column is not None else []
