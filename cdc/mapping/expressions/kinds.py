"""The SQL types that a value of an expression can have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cdc.mapping.expressions.collations import Collation

MAX_PRECISION = 65
MAX_SCALE = 30
BIGINT_DIGITS = 19


class Strength(IntEnum):
    """The strength of a text's collation; the lower wins (the servers' coercibility)."""

    EXPLICIT = 0
    COLUMN = 2
    LITERAL = 4


@dataclass(frozen=True, slots=True)
class Null:
    """NULL and nothing else."""

    def __str__(self) -> str:
        return "NULL"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number of `bits` bits and at most `digits` digits; a truth value if `boolean`."""

    unsigned: bool = False
    bits: int = 64
    digits: int = BIGINT_DIGITS
    boolean: bool = False

    def __str__(self) -> str:
        return "an unsigned integer" if self.unsigned else "an integer"


BOOLEAN = Integer(bits=32, digits=1, boolean=True)
COUNT = Integer(bits=32, digits=10)
BIGINT = Integer()
UNSIGNED = Integer(unsigned=True, digits=20)


@dataclass(frozen=True, slots=True)
class Decimal:
    """An exact number of `precision` digits, `scale` of them behind the point."""

    precision: int
    scale: int

    def __str__(self) -> str:
        return f"a DECIMAL({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Double:
    """A double."""

    def __str__(self) -> str:
        return "a DOUBLE"


@dataclass(frozen=True, slots=True)
class Single:
    """A FLOAT column: a double in arithmetic, but SELECT prints six digits of it."""

    def __str__(self) -> str:
        return "a FLOAT"


@dataclass(frozen=True, slots=True)
class Year:
    """A YEAR column: an integer in arithmetic, but with comparisons of its own."""

    def __str__(self) -> str:
        return "a YEAR"


@dataclass(frozen=True, slots=True)
class Bits:
    """A BIT column: an integer in arithmetic, bytes elsewhere."""

    def __str__(self) -> str:
        return "a BIT"


@dataclass(frozen=True, slots=True)
class Text:
    """Characters; `ascii`: they are certainly ASCII.

    `numbered` are those of an ENUM or SET: they are member numbers where a number is needed.
    """

    collation: Collation
    strength: Strength
    ascii: bool = False
    numbered: bool = False

    def __str__(self) -> str:
        return f"a text ({self.collation.name})"


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes."""

    def __str__(self) -> str:
        return "a binary"


@dataclass(frozen=True, slots=True)
class Date:
    """A DATE; `read`: it comes from a text."""

    read: bool = False

    def __str__(self) -> str:
        return "a DATE"


@dataclass(frozen=True, slots=True)
class DateTime:
    """A DATETIME, or a TIMESTAMP in UTC, with `scale` digits of the second.

    `read`: it comes from a text.
    """

    scale: int
    read: bool = False

    def __str__(self) -> str:
        return "a DATETIME"


@dataclass(frozen=True, slots=True)
class Time:
    """A TIME with `scale` digits of the second."""

    scale: int

    def __str__(self) -> str:
        return "a TIME"


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value, whose text compares by `collation`.

    MySQL's is a value, MariaDB's `written`: a text.
    """

    collation: Collation
    written: bool = False

    def __str__(self) -> str:
        return "a JSON value"


Kind = (
    Null
    | Integer
    | Decimal
    | Double
    | Single
    | Year
    | Bits
    | Text
    | Binary
    | Date
    | DateTime
    | Time
    | Json
)
Number = Integer | Decimal | Double
Moment = Date | DateTime
