"""What every type offers: how its column lies in a row image, and how its bytes become BSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping.transcode.emitter import Emitter, Size, Value


@dataclass(frozen=True, slots=True)
class Wire:
    """How a column lies in a row image: `size` bytes, or a length prefix of `prefix` bytes."""

    size: int = 0
    prefix: int = 0


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
        """The variable, where there is only one."""
        (name,) = self.names
        return name


class Unrepresentable(ValueError):
    """BSON has no value that equals the column's."""


@dataclass(frozen=True, slots=True)
class Encoder(ABC):
    """Turns a column's bytes in a row image into a BSON value.

    `convert` is the meaning; `emit` generates code that does the same for ordinary values and
    raises for any other, which are then converted. A `bson_type` of b"" means that the value
    decides. `injective` says that two different column values never become equal BSON values.
    `codes` are struct codes, big-endian, for an encoder that wants a fixed-size column as
    integers; empty for bytes.
    """

    wire: Wire

    bson_type: ClassVar[bytes] = b""
    injective: ClassVar[bool] = False
    codes: ClassVar[str] = ""

    @property
    def usual_type(self) -> bytes:
        """The BSON type that nearly all the values have, empty if there is none."""
        return self.bson_type

    @abstractmethod
    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Type byte and value bytes; raises ValueError or Unrepresentable."""

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
        """See `Encoder`."""
        return self.bson_type, self.value(raw)

    @abstractmethod
    def value(self, raw: bytes) -> bytes:
        """Give the value's bytes."""

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """See `Encoder`."""
        name = raw.name
        value = code.bind(f"value_{name}", self.value)
        code.line(f"v_{name} = {value}({name})")
        return Value(self.bson_type, (f"v_{name}",), Size(0, (f"len(v_{name})",)))
