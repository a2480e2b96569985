"""Changes of the source, all the time, each thread with a connection and a chance of its own."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any, Final

import pymysql
from pymongo.errors import PyMongoError

from tests.end_to_end.support.bank import create_bank, transfer
from tests.end_to_end.support.stream import LEDGER_NAME, Stream
from tests.faults import heavy, kinds, wide
from tests.faults.threads import Threads

COUNTERS: Final = 12
LONG_COUNT: Final = ["UPDATE counters SET version = version + 1"] * 200
"""A transaction of more changes than a small part of one holds."""
THINGS: Final = 400
REFUSED_NUMBER: Final = 1e300
"""A number that a validator refuses, where rows are to be refused."""
ORDERS: Final = 40

WORDS: Final = 60
BULK: Final = 3_000
AT_ONCE: Final = 400
"""So many rows does one statement on `bulk` change, at most."""
MOST_AHEAD: Final = 3_000
"""So many transactions is the source ahead, at most."""
MOST_AHEAD_PUBLISHING: Final = 1_000
"""The same of a stream that publishes: each batch is a transaction of Kafka, too."""
LOOK_SECONDS: Final = 1.0
OURS: Final = "ours"
FOREIGN: Final[tuple[dict[str, Any], ...]] = tuple(
    {"_id": {"of": "another", "id": n}, "word": "kept"} for n in range(1, 21)
)
"""Documents of somebody else, in the collection that is emptied by faults."""
INDEXED: Final = "bulk"
INDEX: Final = "by_word"
"""A collection, and the index that its mapping asks for."""
COUNTED: Final = "counters_history"
"""The collection that has a document for each change of a counter."""

AWAY: Final = (
    pymysql.err.OperationalError,
    pymysql.err.InternalError,
    pymysql.err.InterfaceError,
    OSError,
)
"""The source is being restarted, its disk is full, or a deadlock was broken."""


def create(
    stream: Stream,
    *,
    is_transactional: bool,
    keeps_history: bool,
    tables: int = 0,
    is_heavy: bool = False,
) -> None:
    """Create the tables, and follow them; embeds and histories need a target with transactions.

    `tables` more are those of `wide`.
    """
    create_bank(stream)
    stream.table(
        "counters",
        "id INT NOT NULL PRIMARY KEY, version BIGINT NOT NULL",
        {"history": COUNTED} if keeps_history else None,
    )
    stream.sql(f"INSERT INTO counters VALUES {','.join(f'({n}, 0)' for n in range(COUNTERS))}")
    stream.table(
        "things",
        "id INT NOT NULL PRIMARY KEY, word VARCHAR(40), body MEDIUMTEXT, number DOUBLE,"
        " flag BIT(1)",
        {"fields": {"word": "word", "body": "body", "number": "number"}},
    )
    stream.table(
        "scratch",
        "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)",
        {"id": [{"value": OURS, "name": "of"}, "id"]},
    )
    stream.database["scratch"].insert_many([*FOREIGN])
    stream.table(
        "orders",
        "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)",
        {"embed": {"lines": {"many": "order_lines", "on": "order_id"}}}
        if is_transactional
        else None,
    )
    stream.table("order_lines", "id INT NOT NULL PRIMARY KEY, order_id INT NOT NULL, amount INT")
    stream.table("words", "word VARCHAR(20) NOT NULL PRIMARY KEY, number INT")
    stream.table(
        INDEXED,
        "id INT NOT NULL PRIMARY KEY, number INT NOT NULL, word VARCHAR(20)",
        {"indexes": [{"keys": {"word": 1, "number": -1}, "name": INDEX}]},
    )
    values = ",".join(f"({n}, 0, 'w')" for n in range(BULK))
    stream.sql(f"INSERT INTO bulk VALUES {values}")
    kinds.create(stream)
    if tables:
        wide.create(stream, tables)
    if is_heavy:
        heavy.create(stream)


class Pace:
    """How far the source may be ahead of the target, for a machine that does other things, too."""

    def __init__(self, stream: Stream) -> None:
        self._applied = stream.state[LEDGER_NAME]
        publishes = "publish" in stream.settings
        self._most_ahead = MOST_AHEAD_PUBLISHING if publishes else MOST_AHEAD
        self._looked_at = 0.0
        self._committed = 0
        self._passed_over = 0
        self._far_ahead = False
        self._lock = threading.Lock()

    def commit(self) -> None:
        """Count one more."""
        with self._lock:
            self._committed += 1

    def begin_anew(self) -> None:
        """Take what is not applied now for what will not be: the stream has passed over it."""
        with self._lock:
            self._passed_over = self._committed - self._applied.count_documents({})

    def is_too_fast(self) -> bool:
        """Return whether the target has to come nearer first; it is looked at now and then."""
        with self._lock:
            if time.monotonic() - self._looked_at > LOOK_SECONDS:
                with suppress(PyMongoError):  # while it is away, as it was
                    applied = self._applied.count_documents({})
                    self._far_ahead = (
                        self._committed - self._passed_over - applied > self._most_ahead
                    )
                self._looked_at = time.monotonic()
            return self._far_ahead


class Worker(ABC):
    """One thread of changes; a source that is away is waited for."""

    pause_seconds = 0.004

    def __init__(self, stream: Stream, seed: str, pace: Pace, stopping: threading.Event) -> None:
        self.stream = stream
        self.chance = random.Random(seed)
        self.pace = pace
        self.committed = 0
        self.rows = 0
        self.turn = threading.Lock()
        """Held for each transaction: who takes it has the thread rest."""
        self._stopping = stopping

    @abstractmethod
    def statements(self) -> Iterator[str]:
        """Yield the statements of the next transaction."""

    def __call__(self) -> None:
        while not self._stopping.is_set():
            try:
                with self.stream.source.connect(self.stream.schema, autocommit=False) as connection:
                    self._work(connection)
            except AWAY:
                self._stopping.wait(0.2)

    def _work(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
        while not self._stopping.wait(self.pause_seconds):
            if self.pace.is_too_fast() or self._is_ahead(connection):
                self._stopping.wait(LOOK_SECONDS)
                continue
            with self.turn:
                self._transaction(connection)

    def _is_ahead(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> bool:
        """Return whether the target has to come nearer to what this thread has done."""
        return False

    def _transaction(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
        try:
            with connection.cursor() as cursor:
                rows = sum(cursor.execute(each) for each in self.statements())
            if self.chance.random() < 0.1:
                connection.rollback()
                return
            connection.commit()
        except pymysql.err.IntegrityError:
            connection.rollback()  # a key that is taken
        else:
            self.committed += 1
            self.rows += rows
            self.pace.commit()


class Transfers(Worker):
    """Money between two tables: the sum stays."""

    def statements(self) -> Iterator[str]:
        return transfer(self.chance)


class Counters(Worker):
    """Versions that only grow; now and then in a transaction that is applied in parts."""

    def statements(self) -> Iterator[str]:
        if self.chance.random() < 0.004:
            yield from LONG_COUNT
            return
        for _ in range(self.chance.randrange(1, 4)):
            yield f"UPDATE counters SET version = version + 1 WHERE id = {self._any()}"

    def _any(self) -> int:
        return self.chance.randrange(COUNTERS)


class Things(Worker):
    """Rows that come and go, move, swap their keys, and are sometimes large."""

    def statements(self) -> Iterator[str]:
        one, other = self.chance.randrange(THINGS), self.chance.randrange(THINGS)
        size = self.chance.choice((10, 10, 10, 10, 2_000, 100_000))
        number = self.chance.choice(("0", "-0.0", f"{REFUSED_NUMBER}", "0.1", "NULL"))
        match self.chance.randrange(6):
            case 0 | 1:
                yield (
                    f"REPLACE INTO things VALUES ({one}, 'ä{one}', REPEAT('x', {size}), {number},"
                    f" b'{one % 2}')"
                )
            case 2:
                yield f"UPDATE things SET word = 'w{other}', number = {number} WHERE id = {one}"
            case 3:
                yield f"UPDATE things SET flag = NOT flag WHERE id BETWEEN {one} AND {one + 20}"
            case 4:
                yield f"DELETE FROM things WHERE id = {one}"
            case _:
                yield f"UPDATE things SET id = -1 WHERE id = {one}"
                yield f"UPDATE things SET id = {one} WHERE id = {other}"
                yield f"UPDATE things SET id = {other} WHERE id = -1"


class Orders(Worker):
    """Orders whose lines move between them."""

    def __init__(self, stream: Stream, seed: str, pace: Pace, stopping: threading.Event) -> None:
        super().__init__(stream, seed, pace, stopping)
        self._lines = count(1)

    def statements(self) -> Iterator[str]:
        order, other = self.chance.randrange(ORDERS), self.chance.randrange(ORDERS)
        match self.chance.randrange(5):
            case 0:
                yield f"REPLACE INTO orders VALUES ({order}, 'order {self.chance.random():.3f}')"
            case 1 | 2:
                yield (
                    f"REPLACE INTO order_lines VALUES ({next(self._lines) % 500}, {order},"
                    f" {self.chance.randrange(100)})"
                )
            case 3:
                yield f"UPDATE order_lines SET order_id = {other} WHERE order_id = {order} LIMIT 2"
            case _:
                yield f"DELETE FROM order_lines WHERE order_id = {order} ORDER BY id LIMIT 1"


class Words(Worker):
    """Keys that the source takes for one and the target for two, and that collide."""

    def statements(self) -> Iterator[str]:
        number = self.chance.randrange(WORDS)
        word = self.chance.choice((f"ärger{number}", f"Ärger{number}", f"ARGER{number}"))
        match self.chance.randrange(4):
            case 0:
                yield f"INSERT INTO words VALUES ('{word}', {number})"
            case 1:
                yield f"REPLACE INTO words VALUES ('{word}', {self.chance.randrange(100)})"
            case 2:
                other = self.chance.randrange(WORDS)
                yield f"UPDATE words SET word = '{word}' WHERE word = 'arger{other}'"
            case _:
                yield f"DELETE FROM words WHERE word = '{word}'"


class Bulk(Worker):
    """Hundreds of rows at once."""

    pause_seconds = 0.05

    def statements(self) -> Iterator[str]:
        first = self.chance.randrange(BULK)
        last = first + self.chance.randrange(AT_ONCE)
        yield (
            f"UPDATE bulk SET number = number + 1, word = 'w{self.chance.randrange(1000)}'"
            f" WHERE id BETWEEN {first} AND {last}"
        )


class Kinds(Worker):
    """Values of every type."""

    def statements(self) -> Iterator[str]:
        return kinds.statements(self.chance)


class Scratch(Worker):
    """Inserts alone, into the table that is changed and emptied by faults."""

    pause_seconds = 0.02

    def statements(self) -> Iterator[str]:
        yield f"INSERT INTO scratch (word) VALUES ('w{self.chance.randrange(1000)}')"


class Tenants(Worker):
    """Rows of any of thousands of tables."""

    def __init__(self, tables: int, *others: Any) -> None:
        super().__init__(*others)
        self._names = wide.names(tables)

    def statements(self) -> Iterator[str]:
        return wide.statements(self.chance, *self._names)


class Landlord(Worker):
    """Tables that come, change and go."""

    pause_seconds = 0.3

    def statements(self) -> Iterator[str]:
        yield wide.change_of_tables(self.chance)

    def _transaction(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
        with suppress(pymysql.err.ProgrammingError):  # it is not there
            super()._transaction(connection)


class Heavy(Worker):
    """Rows of megabytes."""

    pause_seconds = 0.1

    def statements(self) -> Iterator[str]:
        return heavy.statements(self.chance)

    def _is_ahead(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> bool:
        """Count bytes: few transactions are minutes of work."""
        with connection.cursor() as cursor:
            is_enough, written = heavy.is_enough(cursor), heavy.written(cursor)
        connection.rollback()
        try:
            return is_enough or heavy.is_ahead(written, self.stream.database)
        except PyMongoError:
            return True


KINDS: Final[tuple[type[Worker], ...]] = (
    *(Transfers, Transfers, Counters, Things, Orders),
    *(Words, Bulk, Kinds, Scratch),
)


class Workload:
    """All of them, each a thread."""

    def __init__(
        self,
        stream: Stream,
        seed: int,
        *,
        embeds: bool = True,
        tables: int = 0,
        is_heavy: bool = False,
    ) -> None:
        """Without `embeds` no order changes; the others are as of `create`."""
        self._stopping = threading.Event()
        self.pace = Pace(stream)
        made: list[Callable[..., Worker]] = [*KINDS]
        if tables:
            made += [partial(Tenants, tables), Landlord]
        if is_heavy:
            made.append(Heavy)
        self._workers = [
            kind(stream, f"{seed}/{number}", self.pace, self._stopping)
            for number, kind in enumerate(made)
            if embeds or kind is not Orders
        ]
        self.threads = Threads(self._workers, self._stopping)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Have none of them in a transaction, and none begin one."""
        with ExitStack() as stack:
            for each in self._workers:
                stack.enter_context(each.turn)
            yield

    @property
    def committed(self) -> int:
        """How many transactions were committed."""
        return sum(each.committed for each in self._workers)

    @property
    def rows(self) -> int:
        """How many rows they touched, by the source's own count."""
        return sum(each.rows for each in self._workers)
