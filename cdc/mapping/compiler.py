"""Compiles a mapping against the columns of a table; what is wrong between them surfaces here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from cdc.columns import Column, TableMap
from cdc.mapping import bson_bytes
from cdc.mapping.language import FieldSource, Mapping
from cdc.mapping.layout import ID, Branch, Layout, Leaf, Node, Source, nest
from cdc.mapping.mistakes import MappingError, Mistake, did_you_mean
from cdc.mapping.patterns import Patterns
from cdc.mapping.plan import Losses, Plan
from cdc.mapping.types.defaults import UnfitDefault, default
from cdc.mapping.types.encoder import Wire
from cdc.mapping.types.registry import Unsupported, encoder, wire
from cdc.yaml_file import Path as KeyPath


def compile_plan(mapping: Mapping, table: TableMap) -> Plan:
    """Give the plan of `mapping` for rows of `table`.

    Raises one MappingError with every mistake: unknown columns, an id that is missing or not
    injective, types and charsets that are not supported.
    """
    losses: Losses = Counter()
    layout = _Compilation(mapping, table, losses).layout()
    patterns = Patterns(layout)
    return Plan(mapping.target, layout, patterns.source(), losses, patterns)


class _Compilation:
    """One mapping meeting one table; collects mistakes until the layout is asked for."""

    def __init__(self, mapping: Mapping, table: TableMap, losses: Losses) -> None:
        self._mapping = mapping
        self._table = table
        self._losses = losses
        self._index = {column.name: at for at, column in enumerate(table.columns)}
        self._sources: list[Source] = []
        self._mistakes: list[Mistake] = []

    def layout(self) -> Layout:
        """Give the layout, or a MappingError with every mistake."""
        id_node = self._id()
        fields = self._columns() if self._mapping.fields is None else self._fields()
        wires = [self._wire(column) for column in self._table.columns]
        if self._mistakes:
            raise MappingError(dict.fromkeys(self._mistakes), table=self._table.name)
        names = tuple(column.name for column in self._table.columns)
        sources = tuple(self._sources)
        return Layout(self._table.name, names, tuple(wires), sources, id_node, fields)

    def _mistake(self, path: KeyPath, what: str) -> None:
        self._mistakes.append(self._mapping.origin.mistake(path, what))

    def _wire(self, column: Column) -> Wire:
        try:
            return wire(column)
        except Unsupported as error:
            self._mistake((), f"column `{column.name}`: {error}")
            return Wire()

    def _column(self, path: KeyPath, name: str) -> int | None:
        index = self._index.get(name)
        if index is None:
            what = f"unknown column `{name}`{did_you_mean(name, [*self._index])}"
            self._mistake(path, what)
        return index

    def _source(self, path: KeyPath, field: FieldSource) -> int | None:
        """Add a source; its number, None where there was a mistake."""
        index = self._column(path, str(field.column))
        if index is None:
            return None
        column = self._table.columns[index]
        try:
            found = encoder(column, field.type, self._reporter(column.name))
            null = (bson_bytes.NULL, b"")
            if field.default is not None:
                null = default(field.default, found)
        except (Unsupported, UnfitDefault) as error:
            self._mistake(path, f"column `{column.name}`: {error}")
            return None
        self._sources.append(Source(index, found, null))
        return len(self._sources) - 1

    def _reporter(self, column: str) -> Callable[[str], None]:
        def report(reason: str) -> None:
            self._losses[column, reason] += 1

        return report

    def _id(self) -> Node:
        names = self._id_columns()
        leaves = [self._id_leaf(name) for name in names]
        if len(leaves) == 1:
            return Leaf(ID, leaves[0].source)
        return Branch(ID, tuple(leaves))

    def _id_columns(self) -> list[str]:
        key = [self._table.columns[index].name for index in self._table.primary_key]
        if not key:
            self._mistake(
                ("source",),
                f"table {self._table.name} has no primary key that the binlog tells of "
                "(binlog_row_metadata=FULL does); cdc needs one to tell its rows apart",
            )
        if any(self._table.key_prefixes):
            self._mistake(("id",), "the primary key holds a prefix of a column, not all of it")
        missing = [f"`{name}`" for name in key if name not in (self._mapping.id_columns or key)]
        if missing:
            self._mistake(
                ("id",), f"the id must hold the whole primary key; {', '.join(missing)} is missing"
            )
        return [*self._mapping.id_columns] or key

    def _id_leaf(self, name: str) -> Leaf:
        field = FieldSource(column=name)
        source = self._source(("id",), field)
        if source is None:
            return Leaf(name, 0)
        column = self._table.columns[self._sources[source].column]
        if column.nullable:
            self._mistake(("id",), f"column `{name}` of the id may be NULL")
        if not self._sources[source].encoder.injective:
            self._mistake(
                ("id",),
                f"column `{name}` ({column.type.name}) is no id: two of its values could become "
                "one, or none, in MongoDB",
            )
        if "." in name or name.startswith("$"):
            self._mistake(("id",), f"column `{name}` cannot be the name of a field")
        return Leaf(name, source)

    def _columns(self) -> tuple[Node, ...]:
        """Give a field for every column that is neither excluded nor part of the id."""
        for name in self._mapping.exclude:
            self._column(("exclude",), name)
        left_out = {*self._mapping.exclude, *self._id_columns_silently()}
        return tuple(
            leaf
            for column in self._table.columns
            if column.name not in left_out
            for leaf in self._own_name(column.name)
        )

    def _id_columns_silently(self) -> Iterable[str]:
        if self._mapping.id_columns:
            return self._mapping.id_columns
        return (self._table.columns[index].name for index in self._table.primary_key)

    def _own_name(self, name: str) -> tuple[Leaf, ...]:
        if "." in name or name.startswith("$") or name == ID:
            self._mistake(
                ("source",), f"column `{name}` cannot be the name of a field; list `fields`"
            )
            return ()
        source = self._source(("source",), FieldSource(column=name))
        return () if source is None else (Leaf(name, source),)

    def _fields(self) -> tuple[Node, ...]:
        found = []
        for path, field in (self._mapping.fields or {}).items():
            source = self._source(("fields", path), field)
            if source is not None:
                found.append((tuple(path.split(".")), source))
        return nest(found)
