"""Routes tables to the mappings that follow them, by name or by glob, and to their plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import structlog

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.embed_links import their_link_mistakes
from cdc.mapping.compile.plan import Plan
from cdc.mapping.counts import MappingCounts
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import LinkError
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.table_map import TableMap
from cdc.model.transaction import ANY_TABLE, TableChange

log = structlog.get_logger(__name__)

_OF_A_SEQUENCE: Final = (
    "next_not_cached_value",
    "minimum_value",
    "maximum_value",
    "start_value",
    "increment",
    "cache_size",
    "cycle_option",
    "cycle_count",
)
REMEMBERED_TABLES: Final = 10_000
"""The most tables whose mappings are cached: a source may have many that nobody follows."""


class TableRouter:
    """The tables that the mappings follow; a table can feed several mappings."""

    def __init__(
        self,
        mappings: Iterable[Mapping],
        require_fit: Callable[[str, str], None] | None = None,
        counts: MappingCounts | None = None,
    ) -> None:
        """`require_fit` raises Unfit for a table that a glob matches and no start has checked.

        `counts` counts lossy conversions and the rows that generated code does not cover.
        """
        self._counts = counts or MappingCounts()
        self._mappings = tuple(mappings)
        self._patterns = [source_pattern(each.source) for each in self._mappings]
        self._globs = [at for at, each in enumerate(self._patterns) if each.varying]
        self._named: dict[tuple[str, str], list[int]] = {}
        for at, pattern in enumerate(self._patterns):
            if not pattern.varying:
                self._named.setdefault(pattern.named, []).append(at)
        self._require_fit = require_fit
        self._found_fit: set[tuple[str, str]] = set()
        self._by_table: dict[tuple[str, str], tuple[Mapping, ...]] = {}

    def follows(self, schema: str, table: str) -> bool:
        """Return whether the table is followed; ANY_TABLE asks for any table of the schema."""
        if table == ANY_TABLE:
            return any(each.matches_schema(schema) for each in self._patterns)
        return bool(self.mappings(schema, table))

    def mappings(self, schema: str, table: str) -> tuple[Mapping, ...]:
        """Return the mappings that follow a table."""
        found = self._by_table.get((schema, table))
        if found is None:
            if len(self._by_table) >= REMEMBERED_TABLES:
                self._by_table.clear()
            there = sorted([*self._named.get((schema, table), ()), *self._globs])
            found = tuple(
                self._mappings[at] for at in there if self._patterns[at].matches(schema, table)
            )
            self._by_table[schema, table] = found
        return found

    def concerned(self, change: TableChange) -> Iterator[tuple[TableChange, Mapping]]:
        """Yield the mappings that follow a changed table, each with the change of its table.

        A change of a whole schema becomes that of the one table that the mapping names, if any.
        """
        if change.table != ANY_TABLE:
            yield from ((change, each) for each in self.mappings(change.schema, change.table))
            return
        for mapping, pattern in zip(self._mappings, self._patterns, strict=True):
            if pattern.matches_schema(change.schema):
                table = ANY_TABLE if "table" in pattern.varying else pattern.named[1]
                yield change._replace(table=table), mapping

    def plans(self, table: TableMap) -> tuple[Plan, ...]:
        """Compile every mapping of a table against its columns.

        A table that only a glob names may be younger than the daemon's start: it is checked first.
        """
        mappings = self.mappings(table.schema, table.table)
        if _is_sequence(table):
            return ()
        self._require_fit_once(table, mappings)
        return tuple(self.plan(mapping, table) for mapping in mappings)

    def plan(self, mapping: Mapping, table: TableMap) -> Plan:
        """Compile one mapping of a table against its columns.

        Raises MappingError as `compile_plan`, LinkError if what embeds it cannot link to it.
        """
        plan = compile_plan(mapping, table, counts=self._counts.of(table.name))
        if mistakes := [*their_link_mistakes(mapping, plan.layout, self._mappings)]:
            raise LinkError(mistakes, table=table.name)
        return plan

    def _require_fit_once(self, table: TableMap, mappings: Iterable[Mapping]) -> None:
        name = (table.schema, table.table)
        named = any(not source_pattern(each.source).varying for each in mappings)
        if named or self._require_fit is None or name in self._found_fit:
            return
        self._require_fit(*name)
        self._found_fit.add(name)
        log.info(
            "table_followed", table=table.name, targets=[mapping.target for mapping in mappings]
        )


def _is_sequence(table: TableMap) -> bool:
    """Return whether it is a SEQUENCE of MariaDB's, whose state is logged as rows of a table.

    No table whose rows could have ids has just these columns. A start refuses a sequence that a
    mapping names; a glob skips it.
    """
    return table.mariadb and tuple(column.name for column in table.columns) == _OF_A_SEQUENCE
