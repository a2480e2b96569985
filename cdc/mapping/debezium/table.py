"""A table as consumers see it: the columns that its mappings show, and how rows are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple, Protocol

from cdc.errors import Corrupted, Unmappable
from cdc.mapping.debezium.json_bytes import json_bytes
from cdc.mapping.debezium.values import Decimals, Decode, decoder
from cdc.mapping.file.mapping import IdExpression, Mapping
from cdc.mapping.layout.document import ID, Branch, Layout, Leaf
from cdc.mapping.layout.sources import Filter, FromColumn
from cdc.mapping.transcode.partial_image import FullImages
from cdc.mapping.transcode.reference_reader import FAILURES
from cdc.mapping.types.registry import encoder, wire
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, RowsKind

Row = dict[str, Any]
"""A row as JSON holds it, by the columns' names."""


class Shown(NamedTuple):
    """A row that consumers see: its key, None without a primary key, and its values."""

    key: bytes | None
    row: Row


class Compiled(Protocol):
    """A mapping compiled against the table: `cdc.mapping.compile.plan.Plan`."""

    @property
    def layout(self) -> Layout:
        """The layout of the documents."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PublishedTable:
    """Reads the rows of one table map; `columns` are (number, name, decoder) of those shown."""

    table: TableMap
    columns: tuple[tuple[int, str, Decode], ...]
    key: tuple[str, ...]
    full_images: FullImages
    layout: Layout
    admits: Callable[[Sequence[bytes | None]], bool]

    def changes(self, event: RowsEvent) -> Iterator[tuple[Shown | None, Shown | None]]:
        """Yield each row before and after its change; None for a side that nobody sees.

        Raises RefusedEvent for images that lack what is shown, Corrupted for damaged ones, and
        Unmappable for a value that cannot be read.
        """
        rows = (row for _, row in self.rows(event))
        match event.kind:
            case RowsKind.INSERT:
                yield from ((None, row) for row in rows)
            case RowsKind.DELETE:
                yield from ((row, None) for row in rows)
            case RowsKind.UPDATE:
                yield from zip(rows, rows, strict=True)

    def rows(self, event: RowsEvent) -> Iterator[tuple[bytes, Shown | None]]:
        """Yield each row image of an event, and what is seen of it; None for one that nobody sees.

        Raises as `changes`.
        """
        images = self.full_images.images(event)
        at, layout = 0, self.layout
        while at < len(images):
            start, at = at, at + layout.bitmap_size
            nulls = int.from_bytes(images[start:at], "little")
            raws: list[bytes | None] = []
            for index, each in enumerate(layout.wires):
                if nulls >> index & 1:
                    raws.append(None)
                    continue
                end = each.end(images, at) if each.prefix else at + each.size
                raws.append(images[at + each.prefix : end])
                at = end
            if at > len(images):
                raise Corrupted("the last row image ends early", table=layout.table)
            yield images[start:at], self._shown(raws)

    def _shown(self, raws: Sequence[bytes | None]) -> Shown | None:
        if not self.admits(raws):
            return None
        row: Row = {}
        for index, name, decode in self.columns:
            raw = raws[index]
            try:
                row[name] = None if raw is None else decode(raw)
            except FAILURES as error:
                # The cause is not chained: its text may hold the value.
                raise self._unreadable(name, error) from None
        key = json_bytes({name: row[name] for name in self.key}) if self.key else None
        return Shown(key, row)

    def _unreadable(self, column: str, error: Exception) -> Unmappable:
        return Unmappable(
            f"column `{column}` holds what cannot be published: {type(error).__name__}",
            table=self.table.name,
            remedy="exclude the column from the mapping, and start again: cdc run"
            " --accept-mapping-change",
        )


def published_table(
    table: TableMap, mappings: Sequence[Mapping], plans: Sequence[Compiled], decimals: Decimals
) -> PublishedTable:
    """Compile what is published of a table; raises Unmappable for a key that is hidden.

    `plans` are those of `mappings`. What a mapping excludes or masks is not there, nor what none of
    them shows. A row is shown if a mapping has a document of it.
    """
    shown = _shown_columns(table, mappings)
    key = tuple(table.columns[index].name for index in table.primary_key)
    if hidden := [name for name in key if name not in shown]:
        raise Unmappable(
            f"column `{hidden[0]}` is of the primary key, which is a message's key, and the"
            " mapping does not show it",
            table=table.name,
            remedy="leave the table out of the mappings of this stream, or show the column, and"
            " start again: cdc run --accept-mapping-change",
        )
    numbered = [(at, each) for at, each in enumerate(table.columns) if each.name in shown]
    filters = [plan.layout.filter for plan in plans]
    layout = _layout(table, [at for at, _ in numbered], _any(filters))
    return PublishedTable(
        table,
        tuple((at, column.name, decoder(column, decimals)) for at, column in numbered),
        key,
        FullImages(layout, whole_before=True),
        layout,
        _admission(layout.filter),
    )


def _shown_columns(table: TableMap, mappings: Iterable[Mapping]) -> frozenset[str]:
    """Return the columns that some mapping shows as they are, and none hides."""
    shown: set[str] = set()
    hidden: set[str] = set()
    every = {column.name for column in table.columns if not column.hidden}
    key = [table.columns[index].name for index in table.primary_key]
    for mapping in mappings:
        masked_ids = {part.column for part in mapping.id_parts if part.mask and part.column}
        hidden |= {*mapping.exclude, *mapping.masked_columns, *masked_ids}
        if mapping.fields is None:
            shown |= every
            continue
        shown.update(rule.column for rule in mapping.fields.values() if rule.column)
        shown.update(mapping.id_columns or ([] if isinstance(mapping.id, IdExpression) else key))
    lowered = {name.lower() for name in hidden}
    return frozenset(name for name in every & shown if name.lower() not in lowered)


def _layout(table: TableMap, shown: Sequence[int], kept: Filter | None) -> Layout:
    """Return a layout that needs what is shown, as FullImages asks."""
    columns = table.columns
    sources = tuple(FromColumn(at, encoder(columns[at], None, lambda _: None)) for at in shown)
    return Layout(
        table=table.name,
        columns=tuple(column.name for column in columns),
        declarations=tuple(column.declaration for column in columns),
        wires=tuple(map(wire, columns)),
        sources=sources,
        id=Branch(ID, ()),
        fields=tuple(Leaf(columns[at].name, number) for number, at in enumerate(shown)),
        filter=kept,
    )


def _any(filters: Sequence[Filter | None]) -> Filter | None:
    """Return a filter that is true where one of several is; None if one admits every row."""
    found = [each for each in filters if each is not None]
    if len(found) < len(filters) or not found:
        return None
    ends = [0, *accumulate(len(each.inputs) for each in found)]
    cuts = list(zip(found, pairwise(ends), strict=True))
    return Filter(
        " OR ".join(each.text for each in found),
        tuple(each for one in found for each in one.inputs),
        lambda values: any(each.is_true(values[begin:end]) for each, (begin, end) in cuts),
    )


_EVERY_ROW: Final[Callable[[Sequence[bytes | None]], bool]] = lambda _: True  # noqa: E731


def _admission(kept: Filter | None) -> Callable[[Sequence[bytes | None]], bool]:
    """Return whether a row is shown; one on which the filter fails has no document either."""
    if kept is None:
        return _EVERY_ROW

    def admits(raws: Sequence[bytes | None]) -> bool:
        found = [(each, raws[each.column]) for each in kept.inputs]
        try:
            return kept.is_true(
                tuple([None if raw is None else each.decode(raw) for each, raw in found])
            )
        except FAILURES:
            return False

    return admits
