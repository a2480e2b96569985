"""Emits the code that builds ids and documents from encoded values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Part, Size, Value, joined, literal
from cdc.mapping.layout.document import ID, Leaf, Node

END = b"\0"
DOCUMENT_OVERHEAD = 5
"""The bytes of a document's length field and its final NUL."""


ABSENT = Value(b"", (), Size(0))


@dataclass(slots=True)
class _Elements:
    """The elements of a document; `certain` if one of them is never left out."""

    parts: list[Part] = field(default_factory=list)
    size: Size = field(default_factory=lambda: Size(0))
    certain: bool = False

    def add(self, parts: Iterable[Part], size: Size) -> None:
        self.parts += parts
        self.size += size


class DocumentBuilder:
    """Joins the values of a layout's sources; constants are folded into their neighbours."""

    def __init__(self, code: Emitter, values: Mapping[int, Value]) -> None:
        self._code = code
        self._values = values

    def id(self, node: Node, name: str) -> Value:
        """Emit `name`, the id as type byte and value; return the value alone."""
        value = self._value(node)
        parts = value.parts or (b"",)  # a damaged row may lack all of an id
        inner = parts[0] if len(parts) == 1 else self._joined(parts)
        self._code.line(f"id_value = {literal(inner)}")
        self._code.line(f"{name} = {literal(value.type)} + id_value")
        return Value(value.type, ("id_value",), value.size)

    def document(self, id_value: Value, fields: Iterable[Node], name: str) -> None:
        """Emit `name`, the whole document."""
        parts, size = _element(ID, id_value)
        content = self._elements(fields)
        size += content.size + Size(DOCUMENT_OVERHEAD)
        whole = [self._length(size), *parts, *content.parts, END]
        self._code.line(f"{name} = {self._joined(whole)}")

    def _elements(self, nodes: Iterable[Node]) -> _Elements:
        elements = _Elements()
        for node in nodes:
            value = self._value(node)
            if value.type == b"":
                continue
            if value.optional:
                elements.add(*self._optional(node.name, value))
            else:
                elements.add(*_element(node.name, value))
                elements.certain = True
        return elements

    def _optional(self, name: str, value: Value) -> tuple[list[Part], Size]:
        """Emit a variable that holds the whole element, or nothing."""
        parts, _ = _element(name, value)
        variable = self._code.fresh("field")
        self._code.line(f"{variable} = {self._joined(parts)} if {value.type!s} else b''")
        return [variable], Size(0, (f"len({variable})",))

    def _value(self, node: Node) -> Value:
        if isinstance(node, Leaf):
            return self._values[node.source]
        elements = self._elements(node.children)
        if not elements.parts:
            return ABSENT
        if not elements.certain:
            return self._optional_branch(elements)
        size = elements.size + Size(DOCUMENT_OVERHEAD)
        parts = (self._length(size), *elements.parts, END)
        return Value(bson_bytes.DOCUMENT, parts, size)

    def _optional_branch(self, elements: _Elements) -> Value:
        """Return a document that is left out if all its fields are."""
        content = self._code.fresh("fields")
        self._code.line(f"{content} = {self._joined(elements.parts)}")
        kind = f"t_{content}"
        self._code.line(f"{kind} = {bson_bytes.DOCUMENT!r} if {content} else b''")
        size = Size(DOCUMENT_OVERHEAD, (f"len({content})",))
        return Value(kind, (self._length(size), content, END), size, optional=True)

    def _length(self, size: Size) -> Part:
        """Return a length field: a constant, or an expression over an emitted variable."""
        if not size.terms:
            return bson_bytes.pack_int32(size.constant)
        name = self._code.fresh("size")
        self._code.line(f"{name} = {size.expression()}")
        table = self._code.bind("LENGTHS", bson_bytes.LENGTHS)
        pack = self._code.bind("pack_int32", bson_bytes.pack_int32)
        return f"({table}[{name}] if {name} < {bson_bytes.TABLE_SIZE} else {pack}({name}))"

    def _joined(self, parts: Sequence[Part]) -> str:
        return joined(self._code, parts)


def _element(name: str, value: Value) -> tuple[list[Part], Size]:
    encoded = name.encode() + b"\0"
    return [value.type, encoded, *value.parts], Size(1 + len(encoded)) + value.size
