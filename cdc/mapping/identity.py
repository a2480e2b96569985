"""Compiles a mapping's `id`: what tells the documents of a table apart."""

from __future__ import annotations

from collections.abc import Iterable

from cdc.mapping import computing
from cdc.mapping.consistency import unsafe_id
from cdc.mapping.fields import FieldSource
from cdc.mapping.ids import IdExpression, IdPart
from cdc.mapping.language import Mapping
from cdc.mapping.layout import ID, Branch, Leaf, Node
from cdc.mapping.meeting import Meeting
from cdc.mapping.sources import FromColumn


def id_node(meeting: Meeting) -> Node:
    """Give the `_id` field; tells the meeting every reason why it would not be one."""
    expression = meeting.mapping.id
    if isinstance(expression, IdExpression):
        return Leaf(ID, computing.identity(meeting, expression) or 0)
    if not meeting.mapping.id_parts:
        meeting.mistakes += unsafe_id(meeting.mapping, _key(meeting))
    parts = meeting.mapping.id_parts or tuple(IdPart(column=name) for name in _key(meeting))
    _require_key(meeting, {part.column for part in parts if part.column is not None})
    found = [_leaf(meeting, part) for part in parts]
    return Leaf(ID, found[0].source) if len(found) == 1 else Branch(ID, tuple(found))


def id_columns(meeting: Meeting) -> Iterable[str]:
    """Give the columns that stand in `_id`, and so not beside it; an expression shows none."""
    if isinstance(meeting.mapping.id, IdExpression):
        return ()
    return meeting.mapping.id_columns or _key(meeting)


def id_is_private(mapping: Mapping) -> bool:
    """Tell whether an id is made of columns that the mapping masks or leaves out.

    Documents hold such an id, but no log or error may.
    """
    if not isinstance(mapping.id, IdExpression):
        return False
    hidden = {name.lower() for name in (*mapping.exclude, *mapping.masked_columns)}
    return any(name.lower() in hidden for name in computing.names(mapping.id.sql))


def _key(meeting: Meeting) -> list[str]:
    table = meeting.table
    return [table.columns[index].name for index in table.primary_key]


def _require_key(meeting: Meeting, columns: set[str]) -> None:
    """Refuse an id that does not hold a whole key: two rows could have one document.

    The binlog tells of the primary key only, the server's tables of every key. So another one is
    verified when the daemon starts and when mappings are checked, and believed in the stream.
    """
    table, key = meeting.table, _key(meeting)
    if not meeting.mapping.id_parts and not key:
        meeting.mistake(
            ("source",),
            f"table {table.name} has no primary key that the binlog tells of "
            "(binlog_row_metadata=FULL does); cdc needs one to tell its rows apart, or `id:` as "
            "{sql: …, unique: asserted}",
        )
    elif columns.issuperset(key) and key:
        if any(table.key_prefixes):
            meeting.mistake(("id",), "the primary key holds a prefix of a column, not all of it")
    elif table.unique_keys is not None:
        _require_unique(meeting, columns, table.unique_keys)


def _require_unique(
    meeting: Meeting, columns: set[str], unique_keys: tuple[tuple[str, ...], ...]
) -> None:
    if any(columns.issuperset(each) for each in unique_keys):
        return
    known = " or ".join("(" + ", ".join(each) + ")" for each in unique_keys)
    meeting.mistake(
        ("id",),
        "the id must hold a whole primary or NOT NULL unique key"
        + (f": {known}" if known else f"; table {meeting.table.name} has none"),
    )


def _leaf(meeting: Meeting, part: IdPart) -> Leaf:
    if part.source is not None:
        return Leaf(part.name, meeting.name_of_table(part.source))
    name = part.name
    found = meeting.source(("id",), FieldSource(column=name, type=part.type, mask=part.mask))
    if found is None:
        return Leaf(name, 0)
    source = meeting.sources[found]
    assert isinstance(source, FromColumn)
    column = meeting.table.columns[source.column]
    if column.nullable:
        meeting.mistake(("id",), f"column `{name}` of the id may be NULL")
    if not source.encoder.injective:
        meeting.mistake(
            ("id",),
            f"column `{name}` ({column.sql_type}) is no id: two of its values could become "
            "one, or none, in MongoDB",
        )
    if "." in name or name.startswith("$"):
        meeting.mistake(("id",), f"column `{name}` cannot be the name of a field")
    return Leaf(name, found)
