"""Emits the code that splits one row image into columns.

One `struct` call splits neighbouring columns of fixed size, and reads the length prefix behind
them. Columns that no field needs are skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cdc.mapping.codegen.emitter import Emitter
from cdc.mapping.types.encoder import Raw, Wire

CODE_BYTES = {"B": 1, "H": 2, "I": 4, "Q": 8}
BYTEWISE = frozenset("Bsx0123456789")
"""The characters of struct codes of single bytes."""
PREFIX_CODES = {1: "B", 2: "H", 3: "HB", 4: "I"}


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column that an image holds; `codes` is None for one that no field needs.

    `codes` are its big-endian struct codes, empty for its bytes. `declaration` is its name and
    type.
    """

    index: int
    wire: Wire
    codes: str | None
    declaration: str


@dataclass(slots=True)
class _Run:
    """Neighbouring fixed-size columns that have not been read yet."""

    codes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    size: int = 0

    def skip(self, size: int) -> None:
        self.add(f"{size}x", (), size)

    def add(self, codes: str, names: Sequence[str], size: int) -> None:
        self.codes.append(codes)
        self.names.extend(names)
        self.size += size

    @property
    def bytewise(self) -> bool:
        """Whether both byte orders read the same."""
        return BYTEWISE.issuperset("".join(self.codes))

    def strip(self) -> int:
        """Drop the bytes to skip at either end; return the number of leading ones."""
        lead = 0
        while self.codes and self.codes[0].endswith("x"):
            lead += int(self.codes.pop(0)[:-1])
        while self.codes and self.codes[-1].endswith("x"):
            self.codes.pop()
        return lead


class ImageReader:
    """Reads columns into variables named by `prefix` and their index.

    `base` is the variable that holds the image's offset in `images`, `offset` what to add to it.
    """

    def __init__(self, code: Emitter, *, base: str, offset: int, prefix: str) -> None:
        self._code = code
        self._base = base
        self._offset = offset
        self._prefix = prefix
        self._run = _Run()

    def read(self, columns: Iterable[ImageColumn]) -> dict[int, Raw]:
        """Emit the reads; return the variables of the needed columns, by index."""
        raws: dict[int, Raw] = {}
        for column in columns:
            raw = self._variable(column) if column.wire.prefix else self._fixed(column)
            if raw is not None:
                raws[column.index] = raw
        self._flush(">")
        return raws

    def end(self) -> str:
        """Return the expression of the offset behind the columns that were read."""
        return _sum(self._base, self._offset)

    def _fixed(self, column: ImageColumn) -> Raw | None:
        size = column.wire.size
        if column.codes is None:
            self._run.skip(size)
            return None
        name = self._name(column)
        names = [f"{name}_{at}{code}" for at, code in enumerate(column.codes)]
        if len(names) < 2:
            names = [name]
        self._run.add(column.codes or f"{size}s", names, size)
        return Raw(tuple(names), str(size), size)

    def _variable(self, column: ImageColumn) -> Raw | None:
        name = self._name(column)
        length = self._length(column.wire.prefix, f"n_{name}")
        start, end = self.end(), f"q_{name}"
        self._base, self._offset = end, 0
        if column.codes is None:
            self._code.line(f"{end} = {start} + {length}")
            return None
        self._code.line(f"s_{name} = {start}")
        self._code.line(f"{end} = s_{name} + {length}")
        self._code.line(f"{name} = images[s_{name}:{end}]")
        return Raw((name,), length, (1 << 8 * column.wire.prefix) - 1)

    def _name(self, column: ImageColumn) -> str:
        """Return the column's variable, and label the next read with it."""
        name = f"{self._prefix}{column.index}"
        self._run.about.append(f"{name} {column.declaration}")
        return name

    def _length(self, prefix: int, name: str) -> str:
        """Read a little-endian length prefix together with the run before it."""
        little = self._run.bytewise
        codes = PREFIX_CODES[prefix] if little else "B" * prefix
        names = [name] if len(codes) == 1 else [f"{name}_{at}" for at in range(len(codes))]
        self._run.add(codes, names, prefix)
        self._flush("<" if little else ">")
        if len(names) > 1:
            self._code.line(f"{name} = {_little_endian(codes, names)}")
        return name

    def _flush(self, order: str) -> None:
        run, self._run = self._run, _Run()
        at = _sum(self._base, self._offset + run.strip())
        if run.codes:
            self._code.comment(", ".join(run.about))
            self._unpack(order, "".join(run.codes), run.names, at)
        self._offset += run.size

    def _unpack(self, order: str, codes: str, names: list[str], at: str) -> None:
        if codes == "B":
            self._code.line(f"{names[0]} = images[{at}]")
            return
        unpacker = _struct(order + codes)
        if codes.endswith("s") and codes[:-1].isdigit():
            self._code.line(f"{names[0]} = images[{at}:{at} + {unpacker.size}]")
            return
        name = ("unpack_little_" if order == "<" else "unpack_") + codes
        bound = self._code.bind(name, unpacker.unpack_from)
        targets = ", ".join(names) + "," * (len(names) == 1)
        self._code.line(f"{targets} = {bound}(images, {at})")


def _little_endian(codes: str, names: Iterable[str]) -> str:
    shift, terms = 0, []
    for code, name in zip(codes, names, strict=True):
        terms.append(f"{name} << {shift}" if shift else name)
        shift += 8 * CODE_BYTES[code]
    return " | ".join(terms)


def _sum(base: str, offset: int) -> str:
    return f"{base} + {offset}" if offset else base


@lru_cache(maxsize=1024)
def _struct(codes: str) -> struct.Struct:
    return struct.Struct(codes)
