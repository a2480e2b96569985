"""ENUM and SET: an index or a bitmap of 1 to 8 little-endian bytes (`Field_enum`, `Field_set`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.emitter import Emitter, Size, Value
from cdc.mapping.types.encoder import Raw, Typed


@dataclass(frozen=True, slots=True)
class Enum(Typed):
    """An ENUM as the string of its member; index 0, an invalid value, is the empty string."""

    values: tuple[bytes, ...]

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether all the members, and the invalid value, differ."""
        return len(set(self.values)) == len(self.values)

    @property
    def codes(self) -> str:  # type: ignore[override]
        """One byte is read as an integer."""
        return "B" if self.wire.size == 1 else ""

    def value(self, raw: bytes) -> bytes:
        """See `Typed`."""
        return self.values[int.from_bytes(raw, "little")]

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look a single byte up."""
        if self.wire.size != 1:
            return Typed.emit(self, code, raw)
        name = raw.name
        members = code.bind(f"MEMBERS_{name}", self.values)
        code.line(f"v_{name} = {members}[{name}]")
        return Value(self.bson_type, (f"v_{name}",), Size(0, (f"len(v_{name})",)))


def enum_values(members: tuple[str, ...]) -> tuple[bytes, ...]:
    """Give the BSON strings of index 0 and of each member."""
    return tuple(bson_bytes.string(member.encode()) for member in ("", *members))


@dataclass(frozen=True, slots=True)
class Set(Typed):
    """A SET as the array of its members' strings, in the order of the definition."""

    members: tuple[bytes, ...]

    bson_type: ClassVar[bytes] = bson_bytes.ARRAY

    def value(self, raw: bytes) -> bytes:
        """See `Typed`."""
        bits = int.from_bytes(raw, "little")
        if bits >> len(self.members):
            raise ValueError("a member that the SET does not have")
        chosen = (one for at, one in enumerate(self.members) if bits >> at & 1)
        return bson_bytes.document(
            b"".join(b"\x02%d\0%b" % (index, one) for index, one in enumerate(chosen))
        )


@dataclass(frozen=True, slots=True)
class SetString(Typed):
    """A SET as SELECT prints it, its members joined by commas (`type: string`)."""

    members: tuple[str, ...]

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = False

    def value(self, raw: bytes) -> bytes:
        """See `Typed`."""
        bits = int.from_bytes(raw, "little")
        if bits >> len(self.members):
            raise ValueError("a member that the SET does not have")
        chosen = (one for at, one in enumerate(self.members) if bits >> at & 1)
        return bson_bytes.string(",".join(chosen).encode())
