"""Primary keys of each kind, by number, as SQL."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

Literals = tuple[str, ...]


@dataclass(frozen=True)
class Keys:
    """The columns of a key, their definitions, and how the key of a number is written."""

    names: tuple[str, ...]
    definitions: str
    literals: Callable[[int, random.Random], Literals]

    def __repr__(self) -> str:
        return self.definitions

    def inserted(self, literals: Literals) -> str:
        return ", ".join(literals)

    def assigned(self, literals: Literals) -> str:
        return ", ".join(self._equal(literals))

    def found(self, literals: Literals) -> str:
        return " AND ".join(self._equal(literals))

    def _equal(self, literals: Literals) -> list[str]:
        return [f"{name} = {value}" for name, value in zip(self.names, literals, strict=True)]


def _text(number: int, chance: random.Random) -> Literals:
    """Two texts that are one key to the server, and two documents."""
    return (chance.choice([f"'key {number}'", f"'KEY {number}'"]),)


def _bytes(number: int, _: random.Random) -> Literals:
    return (f"X'{hashlib.sha256(b'%d' % number).hexdigest()[:32]}'",)


INTEGER = Keys(("id",), "id INT NOT NULL", lambda number, _: (str(number),))
KEYS = (
    INTEGER,
    Keys(("id",), "id VARCHAR(20) NOT NULL", _text),
    Keys(("id",), "id BINARY(16) NOT NULL", _bytes),
    Keys(
        ("a", "b"),
        "a SMALLINT NOT NULL, b VARCHAR(20) NOT NULL",
        lambda number, _: (str(number % 7), f"'{number}'"),
    ),
)
