"""The interface of every type: its column's place in a row image, and its conversion to BSON."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final

from cdc.mapping.codegen.emitter import Emitter, Size, Value

UNUSUAL: Final = (
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What straight-line code raises for a value or a row that it does not cover."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A column's place in a row image: `size` bytes, or a length prefix of `prefix` bytes."""

    size: int = 0
    prefix: int = 0

    def end(self, images: bytes, at: int) -> int:
        """Return the end of a column that begins at `at`; beyond images that end early."""
        length = int.from_bytes(images[at : at + self.prefix], "little")
        return at + self.prefix + length + self.size


@dataclass(frozen=True, slots=True)
class Raw:
    """A column's bytes in generated code: the variables that hold them, and their length.

    `names` are one variable of bytes, or an integer for each code of the encoder's `codes`.
    `max_length` bounds the length.
    """

    names: tuple[str, ...]
    length: str
    max_length: int

    @property
    def name(self) -> str:
        """The variable, if there is only one."""
        (name,) = self.names
        return name


class Unrepresentable(ValueError):
    """BSON has no value that equals the column's."""


@dataclass(frozen=True, slots=True)
class Encoder(ABC):
    """Turns a column's bytes in a row image into a BSON value.

    `convert` defines the conversion; `emit` generates code that does the same for ordinary values
    and raises for any other, which are then converted. A `bson_type` of b"" means that the value
    decides. `injective`: two different column values never become equal BSON values. `codes` are
    big-endian struct codes for an encoder that wants a fixed-size column as integers; empty for
    bytes.
    """

    wire: Wire

    bson_type: ClassVar[bytes] = b""
    injective: ClassVar[bool] = False
    codes: ClassVar[str] = ""

    @property
    def usual_type(self) -> bytes:
        """The BSON type of nearly all the values; empty if there is none."""
        return self.bson_type

    @abstractmethod
    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return type byte and value bytes; raises ValueError or Unrepresentable."""

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Generate the conversion of `raw`."""
        name = raw.name
        convert = code.bind(f"convert_{name}", self.convert)
        code.line(f"t_{name}, v_{name} = {convert}({name})")
        return Value(f"t_{name}", (f"v_{name}",), Size(0, (f"len(v_{name})",)))


@dataclass(frozen=True, slots=True)
class Typed(Encoder):
    """An encoder whose values all have one BSON type."""

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the class's type byte, and the bytes of `value`."""
        return self.bson_type, self.value(raw)

    @abstractmethod
    def value(self, raw: bytes) -> bytes:
        """Return the value's bytes."""

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Generate a call of `value`."""
        name = raw.name
        value = code.bind(f"value_{name}", self.value)
        code.line(f"v_{name} = {value}({name})")
        return Value(self.bson_type, (f"v_{name}",), Size(0, (f"len(v_{name})",)))
