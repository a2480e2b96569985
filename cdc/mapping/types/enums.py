"""ENUM and SET: an index or a bitmap of 1 to 8 little-endian bytes (`Field_enum`, `Field_set`).

SELECT spells them. A member can be bytes that are no text: servers accept a hexadecimal literal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types.encoder import Raw, Typed, Unrepresentable

T = TypeVar("T")

NO_TEXT = "a member that is no text in the column's charset"


@dataclass(frozen=True, slots=True)
class Enum(Typed):
    """An ENUM as the string of its member; index 0, an invalid value, is the empty string."""

    values: tuple[bytes | None, ...]

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether all the members that are text, and the invalid value, differ."""
        texts = [each for each in self.values if each is not None]
        return len(set(texts)) == len(texts)

    @property
    def codes(self) -> str:  # type: ignore[override]
        """The code of one byte, read as an integer; else bytes."""
        return "B" if self.wire.size == 1 else ""

    def value(self, raw: bytes) -> bytes:
        """Return the member's string; raises Unrepresentable if it is no text."""
        return known(self.values[int.from_bytes(raw, "little")])

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up a single byte."""
        if self.wire.size != 1 or None in self.values:
            return Typed.emit(self, code, raw)
        name = raw.name
        members = code.bind(f"MEMBERS_{name}", self.values)
        code.line(f"v_{name} = {members}[{name}]")
        return Value(self.bson_type, (f"v_{name}",), Size(0, (f"len(v_{name})",)))


def enum_values(members: tuple[str | None, ...]) -> tuple[bytes | None, ...]:
    """Return the BSON strings of index 0 and of each member; None for a member that is no text."""
    return tuple(
        None if member is None else bson_bytes.string(member.encode()) for member in ("", *members)
    )


def chosen(bits: int, members: tuple[T | None, ...]) -> list[T]:
    """Return the members whose bits are set; raises ValueError for bits beyond them."""
    if bits >> len(members):
        raise ValueError("a member that the SET does not have")
    return [known(one) for at, one in enumerate(members) if bits >> at & 1]


def known(member: T | None) -> T:
    """Return the member; raises Unrepresentable for one that is no text."""
    if member is None:
        raise Unrepresentable(NO_TEXT)
    return member


@dataclass(frozen=True, slots=True)
class Set(Typed):
    """A SET as the array of its members' strings, in the order of the definition."""

    members: tuple[bytes | None, ...]

    bson_type: ClassVar[bytes] = bson_bytes.ARRAY

    def value(self, raw: bytes) -> bytes:
        """Return the array of the members' strings."""
        return _array(chosen(int.from_bytes(raw, "little"), self.members))


def _array(strings: list[bytes]) -> bytes:
    return bson_bytes.document(
        b"".join(b"\x02%d\0%b" % (index, one) for index, one in enumerate(strings))
    )


@dataclass(frozen=True, slots=True)
class SetString(Typed):
    """A SET as SELECT prints it, its members joined by commas (`type: string`)."""

    members: tuple[str | None, ...]

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = False

    def value(self, raw: bytes) -> bytes:
        """Return the members, joined by commas, as a BSON string."""
        names = chosen(int.from_bytes(raw, "little"), self.members)
        return bson_bytes.string(",".join(names).encode())


@dataclass(frozen=True, slots=True)
class SpelledSet(Typed):
    """A SET whose members, none of which can hold a comma, SELECT joins by commas."""

    decode: Callable[[bytes], str]

    bson_type: ClassVar[bytes] = bson_bytes.ARRAY

    def value(self, raw: bytes) -> bytes:
        """Return the array of the spelled members."""
        names = spelling(raw, self.decode).split(",") if raw else []
        return _array([bson_bytes.string(name.encode()) for name in names])


def ascii_text(raw: bytes) -> str:
    """Decode ASCII, if the charset of other bytes is unknown; raises Unrepresentable for them."""
    return raw.decode("ascii")


def spelling(raw: bytes, decode: Callable[[bytes], str]) -> str:
    """Decode ASCII, if the charset of other bytes is unknown; raises ValueError for those."""
    try:
        return decode(raw)
    except ValueError:
        raise Unrepresentable(NO_TEXT) from None
