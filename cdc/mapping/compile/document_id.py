"""Compiles a mapping's `id`: it distinguishes the documents of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cdc.mapping.compile import computed_fields
from cdc.mapping.compile.context import CompileContext
from cdc.mapping.file.consistency import unsafe_id
from cdc.mapping.file.ids import IdExpression, IdPart
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.layout.document import ID, Branch, Leaf, Node
from cdc.mapping.layout.sources import FromColumn
from cdc.model.table_map import TableMap

ASSERTED: Final = "{sql: …, unique: asserted}"
"""An id that nothing but the operator's word makes unique."""


def id_node(context: CompileContext) -> Node:
    """Return the `_id` field; reports to the context every reason why it cannot be one."""
    expression = context.mapping.id
    if isinstance(expression, IdExpression):
        return Leaf(ID, computed_fields.identity(context, expression) or 0)
    if not context.mapping.id_parts:
        context.mistakes += unsafe_id(context.mapping, _key(context))
    parts = context.mapping.id_parts or tuple(IdPart(column=name) for name in _key(context))
    columns = {part.column for part in parts if part.column is not None}
    if all(map(context.has, columns)):
        _require_key(context, columns)
    found = [_leaf(context, part) for part in parts]
    is_value = len(found) == 1 and not context.mapping.id_is_document
    return Leaf(ID, found[0].source) if is_value else Branch(ID, tuple(found))


def id_columns(context: CompileContext) -> Iterable[str]:
    """Return the columns that stand in `_id`, and so not beside it; an expression shows none."""
    if isinstance(context.mapping.id, IdExpression):
        return ()
    return context.mapping.id_columns or _key(context)


def id_is_private(mapping: Mapping) -> bool:
    """Return whether an id is made of columns that the mapping masks or excludes.

    Documents hold such an id, but no log or error may.
    """
    if not isinstance(mapping.id, IdExpression):
        return False
    hidden = {name.lower() for name in (*mapping.exclude, *mapping.masked_columns)}
    return any(name.lower() in hidden for name in computed_fields.names(mapping.id.sql))


def no_key(table: TableMap) -> str:
    """Return what is wrong with a table that has no primary key, where nothing else is the id."""
    if table.unique_keys is None:
        lacks = "no primary key that the binlog tells of (binlog_row_metadata=FULL does)"
    else:
        lacks = "no primary key"
    others = "".join(f"`id: [{', '.join(each)}]`, or " for each in table.unique_keys or ())
    return (
        f"table {table.name} has {lacks}; cdc needs one to tell its rows apart, or {others}`id:` as"
        f" {ASSERTED}"
    )


def _key(context: CompileContext) -> list[str]:
    table = context.table
    return [table.columns[index].name for index in table.primary_key]


def _require_key(context: CompileContext, columns: set[str]) -> None:
    """Refuse an id that does not hold a whole key: two rows could have one document.

    The binlog describes the primary key only, the server's tables every key. So another key is
    verified when the daemon starts and when mappings are checked, and trusted in the stream.
    """
    table, key = context.table, _key(context)
    if not context.mapping.id_parts and not key:
        context.mistake(("source",), no_key(table))
    elif columns.issuperset(key) and key:
        if any(table.key_prefixes):
            context.mistake(("id",), "the primary key holds a prefix of a column, not all of it")
    elif table.unique_keys is not None:
        _require_unique(context, columns, table.unique_keys)


def _require_unique(
    context: CompileContext, columns: set[str], unique_keys: tuple[tuple[str, ...], ...]
) -> None:
    if any(columns.issuperset(each) for each in unique_keys):
        return
    known = " or ".join("(" + ", ".join(each) + ")" for each in unique_keys)
    context.mistake(
        ("id",),
        "the id must hold a whole primary or NOT NULL unique key"
        + (f": {known}" if known else f"; table {context.table.name} has none"),
    )


def _leaf(context: CompileContext, part: IdPart) -> Leaf:
    if part.value is not None:
        return Leaf(part.field, context.constant(part.value))
    if part.source is not None:
        return Leaf(part.field, context.name_of(part.source))
    name = part.column or ""
    found = context.source(("id",), part.rule)
    if found is None:
        return Leaf(part.field, 0)
    source = context.sources[found]
    assert isinstance(source, FromColumn)
    column = context.table.columns[source.column]
    if column.nullable:
        context.mistake(("id",), f"column `{name}` of the id may be NULL")
    if not source.encoder.injective:
        context.mistake(
            ("id",),
            f"column `{name}` ({column.sql_type}) is no id: two of its values could become "
            "one, or none, in MongoDB",
        )
    if "." in part.field or part.field.startswith("$"):
        context.mistake(("id",), f"column `{name}` cannot be the name of a field")
    return Leaf(part.field, found)
