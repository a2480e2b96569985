"""Compiles a mapping against the columns of a table; what is wrong between them surfaces here."""

from __future__ import annotations

from collections import Counter

from cdc.columns import Column, TableMap
from cdc.mapping.computing import row_filter
from cdc.mapping.contents import contents, contents_when_gone
from cdc.mapping.full_images import FullImages
from cdc.mapping.identity import id_is_private, id_node
from cdc.mapping.language import Mapping
from cdc.mapping.layout import Layout, nest
from cdc.mapping.losses import Losses
from cdc.mapping.meeting import Meeting
from cdc.mapping.mistakes import MappingError
from cdc.mapping.patterns import Patterns
from cdc.mapping.plan import Plan
from cdc.mapping.types.encoder import Wire
from cdc.mapping.types.registry import Unsupported, wire


def compile_plan(mapping: Mapping, table: TableMap, losses: Losses | None = None) -> Plan:
    """Give the plan of `mapping` for rows of `table`; `losses` is to grow as rows are mapped.

    Raises one MappingError with every mistake: unknown columns, an id that is missing or not
    injective, types and charsets that are not supported.
    """
    losses = Counter() if losses is None else losses
    layout = _layout(Meeting(mapping, table, losses))
    patterns = Patterns(layout)
    halts = mapping.on_error == "halt"
    full = FullImages(layout)
    return Plan(mapping.target, layout, patterns.source(), losses, patterns, full, halts)


def _layout(meeting: Meeting) -> Layout:
    """Give the layout, or a MappingError with every mistake."""
    id_field = id_node(meeting)
    found = contents(meeting)
    gone = contents_when_gone(meeting, found)
    kept = row_filter(meeting)
    wires = tuple(_wire(meeting, column) for column in meeting.table.columns)
    if meeting.mistakes:
        raise MappingError(dict.fromkeys(meeting.mistakes), table=meeting.table.name)
    return Layout(
        table=meeting.table.name,
        columns=tuple(column.name for column in meeting.table.columns),
        wires=wires,
        sources=tuple(meeting.sources),
        id=id_field,
        fields=nest(found),
        filter=kept,
        deleted=None if gone is None else nest(gone),
        id_is_private=id_is_private(meeting.mapping),
    )


def _wire(meeting: Meeting, column: Column) -> Wire:
    try:
        return wire(column)
    except Unsupported as error:
        meeting.mistake((), f"column `{column.name}`: {error}")
        return Wire()
