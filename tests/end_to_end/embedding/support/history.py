"""Random transactions on random tables: rows come, go, move, and change their keys."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pymysql
from pymysql.cursors import Cursor

from tests.end_to_end.embedding.support.graveyard import truncating
from tests.end_to_end.embedding.support.schemas import LINKS, Schema, Table
from tests.end_to_end.support.stream import Stream

NUMBERS = 8
"""The values of keys and links: few, so that they meet."""

UNIQUE = 40
LIVELY = 0.9


class Statements:
    """Draws the statements of transactions."""

    def __init__(self, schema: Schema, chance: random.Random) -> None:
        self._schema = schema
        self._chance = chance
        self.is_copied = False
        """Whether every row has its document: one that has none yet leaves no marked one."""

    def filling(self) -> Iterator[str]:
        for table in self._schema.tables:
            yield self._insert(table, 30)

    def transaction(self) -> list[str]:
        """Return the statements of one; a TRUNCATE stands alone."""
        if self._chance.random() < 0.03:
            table = self._chance.choice(self._schema.tables)
            if self.is_copied or not table.is_soft:
                return truncating(table)
        count = self._chance.choice([1, 1, 1, 2, 3, 5])
        tables = self._chance.choices(self._schema.tables, k=count)
        return [each for table in tables for each in self._statements(table)]

    def _statements(self, table: Table) -> list[str]:
        draw = self._chance.choices(
            [
                self._inserted,
                self._moved,
                self._changed,
                self._changed_all,
                self._deleted,
                self._key_changed,
                self._swapped,
                self._put_back,
                self._filtered,
                self._many,
                self._all_there_and_back,
            ],
            [20, 25, 12, 2, 8, 8, 1, 5, 6, 1, 1],
        )[0]
        return draw(table)

    def _inserted(self, table: Table) -> list[str]:
        return [self._insert(table, 1)]

    def _many(self, table: Table) -> list[str]:
        return [self._insert(table, 50)]

    def _moved(self, table: Table) -> list[str]:
        column = self._chance.choice([*LINKS, "seq"])
        value = self._value(table, column)
        if self._chance.random() < 0.15:
            where = f"{column} = {self._value(table, column)}"
            return [f"UPDATE {table.name} SET {column} = {value} WHERE {where}"]
        return [f"UPDATE {table.name} SET {column} = {value} WHERE {self._row(table)}"]

    def _changed(self, table: Table) -> list[str]:
        change = self._chance.choice(["v = v + 1", "v = NULL", "v = 0", f"w = '{self._word()}'"])
        return [f"UPDATE {table.name} SET {change} WHERE {self._row(table)}"]

    def _changed_all(self, table: Table) -> list[str]:
        column = self._chance.choice(["v", "hidden"])
        return [f"UPDATE {table.name} SET {column} = {self._chance.randrange(100)}"]

    def _deleted(self, table: Table) -> list[str]:
        if self._chance.random() < 0.1:
            column = self._chance.choice(LINKS)
            return [f"DELETE FROM {table.name} WHERE {column} = {self._value(table, column)}"]
        return [f"DELETE FROM {table.name} WHERE {self._row(table)}"]

    def _key_changed(self, table: Table) -> list[str]:
        column = self._chance.choice(table.key)
        value = self._value(table, column)
        return [f"UPDATE {table.name} SET {column} = {value} WHERE {self._row(table)}"]

    def _swapped(self, table: Table) -> list[str]:
        """Return statements by which two rows change a unique value."""
        one, other = (table.literal("u", self._chance.randrange(UNIQUE)) for _ in range(2))
        between = table.literal("u", UNIQUE)
        steps = [(one, between), (other, one), (between, other)]
        return [f"UPDATE {table.name} SET u = {to} WHERE u = {of}" for of, to in steps]

    def _put_back(self, table: Table) -> list[str]:
        """Return statements that take a row away and put another one in its place."""
        values = [*self._values(table)]
        key = zip(table.key, values, strict=False)
        where = " AND ".join(f"{column} = {value}" for column, value in key)
        return [
            f"DELETE FROM {table.name} WHERE {where}",
            f"INSERT IGNORE INTO {table.name} VALUES ({', '.join(values)})",
        ]

    def _all_there_and_back(self, table: Table) -> list[str]:
        """Return statements that change the key of every row, twice."""
        if table.is_text:
            return []
        there = f"UPDATE {table.name} SET id = id + 1 ORDER BY id DESC"
        return [there, f"UPDATE {table.name} SET id = id - 1 ORDER BY id"]

    def _filtered(self, table: Table) -> list[str]:
        return [f"UPDATE {table.name} SET live = 1 - live WHERE {self._row(table)}"]

    def _insert(self, table: Table, count: int) -> str:
        rows = ", ".join(f"({', '.join(self._values(table))})" for _ in range(count))
        return f"INSERT IGNORE INTO {table.name} VALUES {rows}"

    def _values(self, table: Table) -> Iterator[str]:
        for column in table.columns:
            yield self._value(table, column)

    def _value(self, table: Table, column: str) -> str:
        chance = self._chance
        if column in table.key:
            return table.literal(column, chance.randrange(NUMBERS * (2 if column == "id" else 1)))
        if column in LINKS:
            return table.literal(
                column, None if chance.random() < 0.15 else chance.randrange(NUMBERS)
            )
        if column == "u":
            return table.literal(column, chance.randrange(UNIQUE))
        if column == "w":
            return f"'{self._word()}'"
        if column == "live":
            return str(int(chance.random() < LIVELY))
        return "NULL" if chance.random() < 0.1 else str(chance.randrange(4))

    def _row(self, table: Table) -> str:
        return " AND ".join(f"{each} = {self._value(table, each)}" for each in table.key)

    def _word(self) -> str:
        return "".join(self._chance.choices("aäz😀", k=self._chance.randrange(5)))


class Writer:
    """Commits random transactions on a thread of its own, but for pauses."""

    def __init__(self, stream: Stream, statements: Statements, chance: random.Random) -> None:
        self._stream = stream
        self._statements = statements
        self._chance = chance
        self._stopping = threading.Event()
        self._may_write = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self.committed: list[list[str]] = []

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def paused(self) -> threading.Lock:
        """Whoever holds it: nothing is written meanwhile."""
        return self._may_write

    def _run(self) -> None:
        with (
            self._stream.source.connect(self._stream.schema, autocommit=False) as connection,
            connection.cursor() as cursor,
        ):
            while not self._stopping.is_set():
                with self._may_write:
                    self._transaction(cursor)
                self._stopping.wait(self._chance.choice([0, 0.01, 0.05]))

    def _transaction(self, cursor: Cursor) -> None:
        statements = self._statements.transaction()
        try:
            for statement in statements:
                cursor.execute(statement)
        except pymysql.err.IntegrityError:
            end = "ROLLBACK"  # a key that is taken
        else:
            end = "ROLLBACK" if self._chance.random() < 0.05 else "COMMIT"
        cursor.execute(end)
        if end == "COMMIT":
            self.committed.append(statements)
