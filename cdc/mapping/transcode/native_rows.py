"""Tells the native module a layout as data: each value's source, and the tree of the document.

What the module does not know it asks of Python's converter, value by value; so each layout can be
told. `docs/native.md` says what must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cdc import native
from cdc.mapping.layout.document import Layout, Leaf, Node
from cdc.mapping.layout.sources import Computed, Constant, Encoded, FromColumn, Input
from cdc.mapping.layout.sources import Source as LayoutSource
from cdc.mapping.types import (
    binary,
    bits,
    charsets,
    decimals,
    enums,
    floats,
    integers,
    json,
    json_column,
    json_text,
    network,
    temporal,
    text,
    times,
    vector,
)
from cdc.mapping.types.encoder import Encoder
from cdc.model.operation import Operation, OperationKind
from cdc.model.transaction import RowsKind
from cdc.native import Field, Native, Question, RowPlan, Source

Conversion = tuple[str, int, int, Sequence[str | None], object]
"""The module's name of a conversion, two numbers, texts, and a callable."""


_INSERT, _UPDATE = RowsKind.INSERT, RowsKind.UPDATE


def row_plan(layout: Layout, module: Native | None = native.native) -> RowPlan | None:
    """Return the module's plan of a layout; None without the module."""
    if module is None:
        return None
    return module.RowPlan(
        [(wire.size, wire.prefix) for wire in layout.wires],
        [_source(each) for each in layout.sources],
        _field(layout.id),
        _fields(layout.fields),
        None if layout.deleted is None else _fields(layout.deleted),
        _fields(layout.shard),
        _filter(layout),
        partial(tuple.__new__, Operation),
        [OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE],
    )


def conversion(encoder: Encoder) -> Conversion:
    """Return what the module calls an encoder's conversion; Python's own if it has none."""
    return _number(encoder) or _moment(encoder) or _content(encoder) or _by_python(encoder)


def kind_number(kind: RowsKind) -> int:
    """Return the module's number of a kind of rows; without the hash of an enum, which is slow."""
    return 0 if kind is _INSERT else 1 if kind is _UPDATE else 2


def _fields(nodes: Sequence[Node]) -> list[Field]:
    return [_field(each) for each in nodes]


def _field(node: Node) -> Field:
    name = node.name.encode()
    return (name, node.source) if isinstance(node, Leaf) else (name, _fields(node.children))


def _filter(layout: Layout) -> Question | None:
    found = layout.filter
    if found is None:
        return None
    return [each.column for each in found.inputs], _decoding(found.inputs, found.is_true)


def _source(source: LayoutSource) -> Source:
    match source:
        case FromColumn():
            return _told([source.column], conversion(source.encoder), source.null)
        case Constant():
            return _told([], ("constant", 0, 0, (), None), source.value)
        case Computed():
            value = _decoding(source.inputs, source.value)
            columns = [each.column for each in source.inputs]
            return _told(columns, ("computed", 0, 0, (), value), source.null)
    return _told([], ("now", 0, 0, (), None), (b"", b""))


def _told(columns: Sequence[int], conversion: Conversion, null: Encoded) -> Source:
    kind, a, b, texts, call = conversion
    return kind, columns, a, b, texts, call, b"".join(null)


def _decoding(
    inputs: Sequence[Input], answer: Callable[[tuple[object, ...]], object]
) -> Callable[[tuple[bytes | None, ...]], object]:
    """Return `answer` for the bytes of the inputs."""
    decoders = [each.decode for each in inputs]

    def answer_bytes(raws: tuple[bytes | None, ...]) -> object:
        pairs = zip(decoders, raws, strict=True)
        return answer(tuple(None if raw is None else decode(raw) for decode, raw in pairs))

    return answer_bytes


def _by_python(encoder: Encoder) -> Conversion:
    return "python", 0, 0, (), encoder.convert


def _number(encoder: Encoder) -> Conversion | None:
    match encoder:
        case integers.Integer():
            return "integer", encoder.width, encoder.unsigned, (), None
        case integers.TinyInteger():
            return "integer", 4, encoder.unsigned, (), None
        case integers.WideInteger():
            return "integer", 8, encoder.unsigned, (), None
        case integers.IntegerDouble():
            return "integer_double", 0, encoder.unsigned, (), None
        case integers.IntegerDecimal():
            return "integer_decimal", 0, encoder.unsigned, (), None
        case integers.IntegerString():
            return "integer_string", 0, encoder.unsigned, (), None
        case integers.Boolean():
            return "boolean", 0, 0, (), None
        case integers.Year():
            return "year", 0, 0, (), None
        case bits.Bit():
            return "bit", 0, 0, (), None
        case bits.Bits():
            return "bits", encoder.count, 0, (), None
        case floats.Double():
            return "double", 0, 0, (), None
        case floats.Single():
            return "single", 0, 0, (), None
        case decimals.Decimal():
            return "decimal", encoder.precision, encoder.scale, (), None
        case decimals.DecimalString():
            return "decimal_string", encoder.precision, encoder.scale, (), None
        case decimals.DecimalDouble():
            return "decimal_double", encoder.precision, encoder.scale, (), None
    return None


def _moment(encoder: Encoder) -> Conversion | None:
    match encoder:
        case temporal.Date():
            return "date", 0, 0, (), encoder.report
        case temporal.DateTime():
            return "datetime", 0, 0, (), encoder.report
        case temporal.Timestamp():
            return "timestamp", 0, 0, (), encoder.report
        case temporal.DateString():
            return "date_string", 0, 0, (), None
        case temporal.DateTimeString():
            return "datetime_string", encoder.scale, 0, (), None
        case times.Time():
            return "time", encoder.scale, 0, (), None
    return None


def _content(encoder: Encoder) -> Conversion | None:
    match encoder:
        case text.Utf8():
            return "utf8", 0, 0, (), None
        case text.Text(decode=charsets.ByTable() as decode):
            return "table", 0, 0, decode.characters(), None
        case binary.Binary():
            return "binary", 0, 0, (), None
        case binary.FixedBinary():
            return "fixed_binary", encoder.length, binary.GENERIC[0], (), None
        case network.Uuid():
            return "fixed_binary", network.UUID_BYTES, network.UUID_SUBTYPE, (), None
        case enums.Enum():
            return "enum", 0, 0, _texts(encoder.values), None
        case enums.Set():
            return "set", 0, 0, _texts(encoder.members), None
        case enums.SetString():
            return "set_string", 0, 0, encoder.members, None
        case vector.Vector():
            return "vector", 0, 0, (), None
        case json_column.Json():
            return "json", 0, 0, (), json.transcode
        case json_text.JsonText():
            return "json_text", 0, 0, (), json_text.encode
    return None


def _texts(values: Sequence[bytes | None]) -> list[str | None]:
    """Return the texts of BSON strings."""
    return [None if value is None else value[4:-1].decode() for value in values]
