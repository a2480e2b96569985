"""Random tables, and random mappings of them that embed one another."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo.collection import Collection as MongoCollection

from tests.end_to_end.embedding.support.hiding import hidden_collection
from tests.end_to_end.support.stream import Stream

LINKS: Final = ("a", "b", "c")
"""Columns that may be NULL, and that refer to keys or are referred to."""

PLAIN: Final = ("v", "w")
"""Columns that mean nothing to any link."""

NUMBERS: Final = ("INT", "BIGINT", "DECIMAL(6,0)", "SMALLINT UNSIGNED")
TEXT: Final = "VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
STAMP: Final = "written_at"
GONE: Final = "gone"
"""The mark of a document whose row is gone, in collections that keep it."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Rows of `child` in each document, at `path`; `on` pairs our column with theirs.

    `fields` are names and what they name, a column or a path at which the child embeds; None for
    whole documents.
    """

    path: str
    many: bool
    child: Table
    on: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...] | None
    order: tuple[str, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its mapping; `is_filtered`: only rows with `live = 1` have documents.

    `is_soft`: documents of rows that are gone stay and are marked; the rows stay in another table.
    """

    name: str
    key: tuple[str, ...]
    types: dict[str, str]
    is_text: bool
    is_filtered: bool
    is_stamped: bool
    is_soft: bool
    embeds: tuple[Embedded, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *LINKS, "u", "seq", *PLAIN, "hidden", "live")

    @property
    def definition(self) -> str:
        columns = [f"{name} {self.types[name]}" for name in self.columns]
        return ", ".join([*columns, f"PRIMARY KEY ({', '.join(self.key)})", "UNIQUE (u)"])

    @property
    def mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.is_soft:  # a row and one that is gone may have a unique value in common
            found["on_delete"] = {"set": {GONE: True}}
        else:
            found["indexes"] = [{"keys": {"u": 1}, "unique": True}]
        if len(self.key) > 1:
            found["id"] = [*self.key]
        if self.is_filtered:
            found["where"] = "live = 1"
        if self.is_stamped:
            found["stamp"] = STAMP
        if self.embeds:
            found["embed"] = {each.path: self._embed(each) for each in self.embeds}
        return found

    def _embed(self, embed: Embedded) -> dict[str, Any]:
        ours, theirs = self.field, embed.child.field
        found: dict[str, Any] = {
            "many" if embed.many else "one": embed.child.name,
            "on": {ours(our): theirs(their) for our, their in embed.on},
        }
        if embed.fields is not None:
            found["fields"] = {name: theirs(what) for name, what in embed.fields}
        if embed.order:
            found["order"] = [theirs(each) for each in embed.order]
        if embed.limit is not None:
            found["limit"] = embed.limit
        return found

    def field(self, column: str) -> str:
        """Return the field of a column; a path at which something is embedded is its own."""
        if column not in self.key:
            return column
        return "_id" if len(self.key) == 1 else f"_id.{column}"

    def literal(self, column: str, number: int | None) -> str:
        """Return a value of a key's or a link's column; equal numbers are equal anywhere."""
        if number is None:
            return "NULL"
        if not self.is_text or column not in (*self.key, *LINKS, "u"):
            return str(number)
        return f"'{'kK'[number % 2]}{number // 2}'"  # two that differ in their case only


class Schema:
    """Tables in an order in which each embeds only those before it; some may be `hidden`."""

    def __init__(self, tables: Sequence[Table], hidden: Collection[str] = ()) -> None:
        self.tables = tuple(tables)
        self._hidden = hidden

    @classmethod
    def random(cls, chance: random.Random) -> Schema:
        names = ["ash", "beech", "cedar", "elm"]
        chance.shuffle(names)  # no order of names tells who embeds whom
        is_text = chance.random() < 0.25
        tables: list[Table] = []
        for name in names[: chance.randint(2, 4)]:
            tables.append(_table(name, tables, is_text, chance))
        embedded = sorted({embed.child.name for table in tables for embed in table.embeds})
        return cls(tables, [each for each in embedded if chance.random() < 0.3])

    def create(self, stream: Stream) -> None:
        for table in self.tables:
            stream.table(table.name, table.definition, self._mapping(table))

    def _mapping(self, table: Table) -> dict[str, Any]:
        return {**table.mapping, **({"hidden": True} if table.name in self._hidden else {})}

    def collection(self, stream: Stream, table: Table) -> MongoCollection[dict[str, Any]]:
        """Return the collection of a table's documents."""
        if table.name in self._hidden:
            return hidden_collection(stream, table.name)
        return stream.database[table.name]

    def __str__(self) -> str:
        return "\n".join(
            f"{each.name} ({each.definition})\n    {self._mapping(each)}" for each in self.tables
        )


def _table(name: str, below: Sequence[Table], is_text: bool, chance: random.Random) -> Table:
    key = ("id",) if chance.random() < 0.7 else ("id", "k")

    def kind() -> str:
        return TEXT if is_text else chance.choice(NUMBERS)

    return Table(
        name,
        key,
        {
            **{each: f"{kind()} NOT NULL" for each in (*key, "u")},
            **{each: f"{kind()} NULL" for each in LINKS},
            **dict.fromkeys(("seq", "v", "hidden"), "INT"),
            "w": "VARCHAR(20)",
            "live": "INT NOT NULL",
        },
        is_text=is_text,
        is_filtered=chance.random() < 0.3,
        is_stamped=chance.random() < 0.2,
        is_soft=chance.random() < 0.25,
        embeds=tuple(_embeds(key, below, chance)),
    )


def _embeds(
    key: tuple[str, ...], below: Sequence[Table], chance: random.Random
) -> Iterator[Embedded]:
    if not below:
        return
    paths = ["e0", "x.e1", "e2", "x.e3", "y.z.e4"]
    chance.shuffle(paths)
    for number in range(chance.randint(1, 3)):
        # The one before it, mostly: chains are where values travel far.
        child = below[-1] if chance.random() < 0.6 else chance.choice(below)
        yield _embedded(paths[number], key, child, chance)


def _embedded(path: str, key: tuple[str, ...], child: Table, chance: random.Random) -> Embedded:
    many = chance.random() < 0.6
    ours = [*LINKS, "u"]
    if not many:
        theirs = ("u",) if not child.is_soft and chance.random() < 0.3 else child.key
        on = tuple(zip(chance.sample([*ours, *key], len(theirs)), theirs, strict=True))
    elif chance.random() < 0.6:
        on = tuple(zip(key, chance.sample(LINKS, len(key)), strict=True))
    else:
        pairs = chance.randint(1, 2)
        on = tuple(zip(chance.sample(ours, pairs), chance.sample(LINKS, pairs), strict=True))
    return Embedded(
        path,
        many,
        child,
        on,
        _fields(child, chance),
        tuple(chance.sample(["seq", "v"], chance.randint(0, 2))) if many else (),
        chance.randint(1, 3) if many and chance.random() < 0.3 else None,
    )


def _fields(child: Table, chance: random.Random) -> tuple[tuple[str, str], ...] | None:
    if chance.random() < 0.3:
        return None
    columns = [*child.key, *LINKS, "u", "seq", *PLAIN]
    chosen = [(f"f_{each}", each) for each in chance.sample(columns, chance.randint(1, 4))]
    nested = [(f"n{at}", each.path) for at, each in enumerate(child.embeds)]
    return (*chosen, *(each for each in nested if chance.random() < 0.8))
