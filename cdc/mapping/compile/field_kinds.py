"""Tells the kind of a document's field: two kinds have no values that MongoDB takes for equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from cdc.mapping import bson_bytes
from cdc.mapping.layout.document import Branch, Layout, Leaf, Node, Path, leaves
from cdc.mapping.layout.sources import CommitTime, Computed, Constant, FromColumn, Source
from cdc.mapping.types.network import Uuid

MIXED: Final = "values that may be arrays or documents"

_KINDS: Final = {
    bson_bytes.DOUBLE: "numbers",
    bson_bytes.INT32: "numbers",
    bson_bytes.INT64: "numbers",
    bson_bytes.DECIMAL128: "numbers",
    bson_bytes.STRING: "texts",
    bson_bytes.BINARY: "bytes",
    bson_bytes.BOOLEAN: "truth values",
    bson_bytes.DATE: "dates",
    bson_bytes.NULL: "nulls",
}


class Kind(NamedTuple):
    """The kind of a field's values, and the columns of `table` that they come from."""

    name: str
    table: str = ""
    columns: tuple[str, ...] = ()

    @property
    def is_mixed(self) -> bool:
        """Whether some value may be an array, or any document."""
        return MIXED in self.name

    def __str__(self) -> str:
        columns = ", ".join(f"`{each}`" for each in self.columns)
        return f"{self.name} ({columns} of {self.table})" if columns else self.name


ARRAYS: Final = Kind(MIXED)
UNKNOWN: Final = Kind("unknown")
"""The kind of a field whose table is not known."""


def kind_of(layout: Layout, path: Path) -> Kind | None:
    """Return the kind of the field at a path; None if the documents have no such field."""
    for node in (layout.id, *layout.fields, *(layout.deleted or ())):
        if (found := _at(layout, node, path)) is not None:
            return found
    return None


def _at(layout: Layout, node: Node, path: Path) -> Kind | None:
    name, *below = path
    if node.name != name:
        return None
    if below and isinstance(node, Branch):
        found = (_at(layout, each, tuple(below)) for each in node.children)
        return next((each for each in found if each is not None), None)
    kind = _whole(layout, node)
    return kind if not below or kind.is_mixed else None


def _whole(layout: Layout, node: Node) -> Kind:
    columns = tuple(name for at in leaves(node) for name in _columns(layout, layout.sources[at]))
    return Kind(_named(layout, node), layout.table, columns)


def _named(layout: Layout, node: Node) -> str:
    if isinstance(node, Leaf):
        return _of_source(layout.sources[node.source])
    parts = (f"{each.name}: {_named(layout, each)}" for each in node.children)
    return f"documents {{{', '.join(parts)}}}"


def _of_source(source: Source) -> str:
    if isinstance(source, FromColumn) and isinstance(source.encoder, Uuid):
        return "UUIDs"
    return _KINDS.get(_bson_type(source), MIXED)


def _bson_type(source: Source) -> bytes:
    match source:
        case FromColumn():
            return source.encoder.usual_type
        case Constant():
            return source.value[0]
        case CommitTime():
            return bson_bytes.DATE
        case Computed():
            return source.bson_type


def _columns(layout: Layout, source: Source) -> Sequence[str]:
    if isinstance(source, FromColumn):
        return (layout.columns[source.column],)
    if isinstance(source, Computed):
        return [layout.columns[each.column] for each in source.inputs]
    return ()
