"""Compiles a mapping's `shard_key`: the fields outside `_id` that say where a document is."""

from __future__ import annotations

from cdc.mapping import bson_bytes
from cdc.mapping.compile.context import CompileContext
from cdc.mapping.compile.document_fields import Contents
from cdc.mapping.file.shard_keys import ID, is_of_id, no_column, unknown
from cdc.mapping.layout.document import Branch, Node, nest
from cdc.mapping.layout.sources import FromColumn


def shard_nodes(context: CompileContext, row_id: Node, contents: Contents) -> tuple[Node, ...]:
    """Return the key's fields outside `_id`; reports to the context what none can be made of."""
    found: Contents = []
    sources = {".".join(path): (path, source) for path, source in contents}
    for path in context.mapping.shard_key or ():
        if is_of_id(path):
            _require_part(context, path, row_id)
        elif path not in sources:
            context.mistake(("shard_key", path), unknown(path, [*sources]))
        else:
            _require_value(context, path, sources[path][1])
            found.append(sources[path])
    return nest(found)


def _require_part(context: CompileContext, path: str, row_id: Node) -> None:
    name = path.partition(".")[2]
    if path == ID:
        return
    parts = [each.name for each in row_id.children] if isinstance(row_id, Branch) else []
    if name not in parts:
        known = [f"{ID}.{each}" for each in parts]
        context.mistake(("shard_key", path), unknown(path, [*known, ID]))


def _require_value(context: CompileContext, path: str, number: int) -> None:
    """Refuse a field that may be no single value: null, missing, an array, a document."""
    source = context.sources[number]
    if not isinstance(source, FromColumn):
        context.mistake(("shard_key", path), no_column(path))
        return
    column = context.table.columns[source.column]
    named = f"column `{column.name}` of `{path}`"
    if column.nullable and source.null[0] in (b"", bson_bytes.NULL):
        what = f"{named} may be NULL: make it NOT NULL, or write `default`"
        context.mistake(("shard_key", path), what)
    if source.encoder.usual_type not in bson_bytes.OF_COLUMNS:
        what = f"{named} ({column.sql_type}) may hold an array or a document"
        context.mistake(("shard_key", path), what)
