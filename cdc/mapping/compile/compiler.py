"""Compiles a mapping against the columns of a table, and reports their mismatches."""

from __future__ import annotations

from collections.abc import Sequence

from cdc.mapping.compile.computed_fields import row_filter
from cdc.mapping.compile.context import CompileContext
from cdc.mapping.compile.document_fields import contents, contents_when_gone
from cdc.mapping.compile.document_id import id_is_private, id_node
from cdc.mapping.compile.embed_links import own_link_mistakes
from cdc.mapping.compile.plan import Plan
from cdc.mapping.compile.shard_fields import shard_nodes
from cdc.mapping.counts import TableCounts
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import LinkError, MappingError
from cdc.mapping.layout.document import Layout, Node, leaves, nest
from cdc.mapping.layout.sources import CommitTime
from cdc.mapping.transcode.changed_rows import ChangedRows
from cdc.mapping.transcode.history_rows import HistoryRows
from cdc.mapping.transcode.native_rows import row_plan
from cdc.mapping.transcode.null_patterns import NullPatternFunctions
from cdc.mapping.transcode.partial_image import FullImages
from cdc.mapping.types.encoder import Wire
from cdc.mapping.types.registry import Unsupported, wire
from cdc.model.table_map import Column, TableMap
from cdc.model.transaction import RowsKind


def compile_plan(mapping: Mapping, table: TableMap, *, counts: TableCounts | None = None) -> Plan:
    """Compile `mapping` for rows of `table`; `counts` grow as rows are mapped.

    Raises one MappingError with every mistake: unknown columns, an id that is missing or not
    injective, types and charsets that are not supported, embeds that the columns cannot make.
    """
    counts = counts or TableCounts()
    layout = _layout(CompileContext(mapping, table, counts.losses))
    if mistakes := [*own_link_mistakes(mapping, layout)]:
        raise LinkError(mistakes, table=table.name)
    patterns = NullPatternFunctions(layout, counts)
    halts = mapping.on_error == "halt"
    full, native = FullImages(layout), row_plan(layout)
    return Plan(
        collection=mapping.target,
        layout=layout,
        generated_source=patterns.generated_source(),
        counts=counts,
        halts=halts,
        _timeless=_timeless(layout),
        _marks_time=_holds_time(layout, layout.deleted),
        _patterns=patterns,
        _full_images=full,
        _changed_rows=ChangedRows(layout, full.needed | _copied_by(table), native),
        _native=native,
        history=_history(mapping, table),
    )


def _copied_by(table: TableMap) -> frozenset[int]:
    """Return the columns by whose order a copy reads the table; all, if no primary key says."""
    return frozenset(table.primary_key or range(len(table.columns)))


def _history(mapping: Mapping, table: TableMap) -> HistoryRows | None:
    """Return what keeps the changes of the rows; None if the mapping does not ask for it."""
    if mapping.history is None:
        return None
    apart = mapping.model_copy(update={"history": None, "shard_key": None})
    plan = compile_plan(apart, table)  # with counts of its own: each row is counted once
    images = FullImages(plan.layout, whole_before=True)
    return HistoryRows(mapping.history.collection, plan, images)


def _layout(context: CompileContext) -> Layout:
    """Return the layout; raises MappingError with every mistake."""
    id_field = id_node(context)
    found = contents(context)
    gone = contents_when_gone(context, found)
    shard = shard_nodes(context, id_field, found)
    kept = row_filter(context)
    wires = tuple(_wire(context, column) for column in context.table.columns)
    if context.mistakes:
        raise MappingError(dict.fromkeys(context.mistakes), table=context.table.name)
    return Layout(
        table=context.table.name,
        columns=tuple(column.name for column in context.table.columns),
        declarations=tuple(column.declaration for column in context.table.columns),
        wires=wires,
        sources=tuple(context.sources),
        id=id_field,
        fields=nest(found),
        filter=kept,
        deleted=None if gone is None else nest(gone),
        shard=shard,
        id_is_private=id_is_private(context.mapping),
    )


def _timeless(layout: Layout) -> frozenset[RowsKind]:
    """Return the kinds of rows that may come to no document that holds its commit's time."""
    if _holds_time(layout, layout.fields):
        return frozenset()
    marked = {RowsKind.DELETE} if _holds_time(layout, layout.deleted) else set()
    return frozenset(RowsKind) - marked


def _holds_time(layout: Layout, nodes: Sequence[Node] | None) -> bool:
    return any(isinstance(layout.sources[each], CommitTime) for each in leaves(*nodes or ()))


def _wire(context: CompileContext, column: Column) -> Wire:
    try:
        return wire(column)
    except Unsupported as error:
        context.mistake((), f"column `{column.name}`: {error}")
        return Wire()
