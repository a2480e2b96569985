"""Emits the code that reads one row image and converts what a document needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.layout.document import Layout, leaves
from cdc.mapping.layout.sources import (
    ABSENT,
    CommitTime,
    Computed,
    Constant,
    Encoded,
    FromColumn,
    Input,
)
from cdc.mapping.transcode.image_reader import ImageColumn, ImageReader
from cdc.mapping.types.encoder import Encoder, Raw

Users = dict[int, list[Encoder | None]]
"""The users of each column: an encoder, or None for an expression, which takes it decoded."""


class RowReaderCode:
    """Emits what reads the columns of one NULL pattern that `sources` and the layout's filter need.

    `nulls` is the pattern's bitmap; `prefix` begins the names of all variables.
    """

    def __init__(
        self, code: Emitter, layout: Layout, nulls: int, *, sources: Iterable[int], prefix: str
    ) -> None:
        self._code = code
        self._layout = layout
        self._nulls = nulls
        self._prefix = prefix
        self._ids = frozenset(leaves(layout.id))
        self._wanted = tuple(dict.fromkeys(sources))
        self._users = self._find_users()
        self._raws: dict[int, Raw] = {}

    def read(self, base: str, offset: int) -> None:
        """Emit the reads from `base` + `offset` on; sets `q` behind the image."""
        reader = ImageReader(self._code, base=base, offset=offset, prefix=self._prefix)
        self._raws = reader.read(self._columns())
        self._code.line(f"q = {reader.end()}")

    def keep(self, name: str) -> None:
        """Emit `name`, whether the filter is true of the row."""
        found = self._layout.filter
        assert found is not None
        self._code.comment(f"where: {found.text}")
        values = self._decoded(found.inputs, "where")
        is_true = self._code.bind("where", found.is_true)
        self._code.line(f"{name} = {is_true}({values})")

    def values(self) -> dict[int, Value]:
        """Emit the conversions of all the sources."""
        return {number: self._value(number) for number in self._wanted}

    def _find_users(self) -> Users:
        users: Users = {}
        for number in self._wanted:
            source = self._layout.sources[number]
            if isinstance(source, FromColumn):
                users.setdefault(source.column, []).append(source.encoder)
            elif isinstance(source, Computed):
                self._add_inputs(users, source.inputs)
        if self._layout.filter is not None:
            self._add_inputs(users, self._layout.filter.inputs)
        return users

    @staticmethod
    def _add_inputs(users: Users, inputs: Sequence[Input]) -> None:
        for each in inputs:
            users.setdefault(each.column, []).append(None)

    def _columns(self) -> Iterator[ImageColumn]:
        for index, wire in enumerate(self._layout.wires):
            if self._is_null(index):
                continue
            yield ImageColumn(index, wire, self._codes(index), self._layout.declarations[index])

    def _codes(self, column: int) -> str | None:
        """Return the struct codes that a column's only user wants; several users get the bytes."""
        users = self._users.get(column, [])
        if not users:
            return None
        return users[0].codes if len(users) == 1 and users[0] is not None else ""

    def _is_null(self, column: int) -> bool:
        return bool(self._nulls >> column & 1)

    def _value(self, number: int) -> Value:
        source = self._layout.sources[number]
        match source:
            case Constant():
                return _constant(source.value)
            case CommitTime():
                return Value(bson_bytes.DATE, ("now",), Size(8))
            case Computed():
                return self._computed(number, source)
        if self._is_null(source.column):
            if number in self._ids:
                self._code.line("raise ValueError")
            return _constant(source.null)
        with self._code.about(self._layout.declarations[source.column]):
            return self._converted(number, source)

    def _converted(self, number: int, source: FromColumn) -> Value:
        raw = self._raws[source.column]
        if len(self._users[source.column]) == 1:
            return source.encoder.emit(self._code, raw)
        alias = Raw((f"{raw.name}_{number}",), raw.length, raw.max_length)
        self._code.line(f"{alias.name} = {raw.name}")
        return Encoder.emit(source.encoder, self._code, alias)

    def _computed(self, number: int, source: Computed) -> Value:
        self._code.comment(f"{source.name}: {source.text}")
        values = self._decoded(source.inputs, f"computed_{number}")
        compute = self._code.bind(f"computed_{number}", source.value)
        kind, name = f"t_computed_{number}", f"v_computed_{number}"
        self._code.line(f"{kind}, {name} = {compute}({values})")
        if number in self._ids:
            self._code.line(f"if not {kind}: raise ValueError")
        optional = source.null == ABSENT and number not in self._ids
        return Value(kind, (name,), Size(0, (f"len({name})",)), optional)

    def _decoded(self, inputs: Sequence[Input], user: str) -> str:
        """Return the expression of a tuple of the inputs' Python values."""
        values = []
        for at, each in enumerate(inputs):
            if self._is_null(each.column):
                values.append("None")
                continue
            decode = self._code.bind(f"decode_{user}_{at}", each.decode)
            values.append(f"{decode}({self._raws[each.column].name})")
        return f"({', '.join(values)}{',' * (len(values) == 1)})"


def _constant(value: Encoded) -> Value:
    bson_type, content = value
    return Value(bson_type, (content,), Size(len(content)))
