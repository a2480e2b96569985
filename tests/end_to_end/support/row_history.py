"""What statements did to the rows of a table, as the server shows it, and what a history kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.end_to_end.support.stream import Document, Stream

COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, nr INT NOT NULL, word VARCHAR(1000), note VARCHAR(20),"
    " number INT NOT NULL DEFAULT 0, secret VARCHAR(20), UNIQUE (nr)"
)
"""`nr` is given once, so it tells which row one was, whatever its key has become."""

MAPPING: Document = {
    "fields": {
        "word": "word",
        "note": {"column": "note", "mask": {"truncate": 2}},
        "number": "number",
    },
    "history": "orders_history",
}

Row = dict[str, Any]


def mapped(row: Row) -> Document:
    """The document that MAPPING makes of a row."""
    note = row["note"]
    return {
        "_id": row["id"],
        "word": row["word"],
        "note": note if note is None else note[:2],
        "number": row["number"],
    }


class Kept(NamedTuple):
    """A change as a history keeps it."""

    action: str
    before: Document | None
    after: Document | None


class Recorder:
    """Runs transactions, and records each statement's changes, by SELECTs around it."""

    def __init__(
        self,
        stream: Stream,
        table: str = "orders",
        document: Callable[[Row], Document | None] = mapped,
    ) -> None:
        self._stream = stream
        self._table = table
        self._document = document
        self.transactions: list[list[list[Kept]]] = []

    def transaction(self, *statements: str) -> None:
        with (
            self._stream.source.connect(self._stream.schema) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("BEGIN")
            done = []
            for statement in statements:
                before = self._rows(cursor)
                cursor.execute(statement)
                done.append(sorted(self._changes(before, self._rows(cursor)), key=repr))
            cursor.execute("COMMIT")
        if any(done):
            self.transactions.append([each for each in done if each])

    def _rows(self, cursor: Any) -> dict[int, Row]:
        cursor.execute(f"SELECT * FROM {self._table}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row["nr"]: row for row in rows}

    def _changes(self, before: dict[int, Row], after: dict[int, Row]) -> Iterator[Kept]:
        for nr in {*before, *after}:
            old, new = before.get(nr), after.get(nr)
            action = "insert" if old is None else "delete" if new is None else "update"
            was = None if old is None else self._document(old)
            now = None if new is None else self._document(new)
            if was != now:
                yield Kept(action, was, now)


def history(stream: Stream, collection: str = "orders_history") -> list[Document]:
    """What is kept, in the order of the changes."""
    order = [("number", 1), ("_id.row", 1)]
    return [*stream.database[collection].find().sort(order)]


def assert_kept(stream: Stream, recorder: Recorder, collection: str = "orders_history") -> None:
    """Require that each change is kept once, in order, and nothing else."""
    found = history(stream, collection)
    transactions: dict[str, list[Document]] = {}
    for each in found:
        transactions.setdefault(each["_id"]["transaction"], []).append(each)
    told = [
        _by_statement(changes, recorder.transactions[at : at + 1])
        for at, changes in enumerate(transactions.values())
    ]
    assert told == recorder.transactions
    committed = stream.history.committed()
    assert {*transactions} <= {*committed}
    now = datetime.now(UTC)
    for each in found:
        ids = [side["_id"] for side in (each["before"], each["after"]) if side is not None]
        assert each["keys"] == [*dict.fromkeys(ids)]
        assert abs((now - each["committed_at"]).total_seconds()) < 600


def _by_statement(
    changes: Sequence[Document], expected: Sequence[list[list[Kept]]]
) -> list[list[Kept]]:
    """Cut a transaction's changes as the statements' are; those of one have no order."""
    kept = [Kept(each["action"], each["before"], each["after"]) for each in changes]
    sizes = [len(statement) for transaction in expected for statement in transaction]
    cut: list[list[Kept]] = []
    for size in sizes:
        cut.append(sorted(kept[:size], key=repr))
        kept = kept[size:]
    return [*cut, kept] if kept else cut


def replayed(changes: Sequence[Document]) -> dict[Any, Document]:
    """The documents that a history comes to; each change must begin where the last ones ended."""
    documents: dict[Any, Document] = {}
    for each in changes:
        before, after = each["before"], each["after"]
        if before is not None:
            assert documents.pop(before["_id"]) == before, each["_id"]
        if after is not None:
            assert after["_id"] not in documents, each["_id"]
            documents[after["_id"]] = after
    return documents


class Workload:
    """Random transactions on a table of COLUMNS."""

    def __init__(self, seed: int, keys: int = 12) -> None:
        self._random = random.Random(seed)
        self._keys = keys
        self._next = 0

    def transactions(self, count: int) -> Iterator[list[str]]:
        for _ in range(count):
            yield [self._statement() for _ in range(self._random.choice([1, 1, 1, 2, 4]))]

    def _statement(self) -> str:
        key, other = self._random.randrange(self._keys), self._random.randrange(self._keys)
        value = self._random.randrange(100)
        choice = self._random.randrange(8)
        if choice < 2:
            self._next += 1
            word = self._random.choice(["NULL", f"'{value}'", "REPEAT('ü', 400)"])
            return (
                f"INSERT IGNORE INTO orders VALUES ({key}, {self._next}, {word},"
                f" 'note {value}', {value}, 'secret')"
            )
        if choice == 2:
            return f"DELETE FROM orders WHERE id = {key}"
        if choice == 3:
            return f"UPDATE IGNORE orders SET id = {other} WHERE id = {key}"
        if choice == 4:
            return f"UPDATE orders SET secret = '{value}' WHERE id > {key}"
        if choice == 5:
            return f"UPDATE orders SET note = CONCAT('no', {value}) WHERE id < {key}"
        return f"UPDATE orders SET number = {value} WHERE id BETWEEN {key} AND {key + 3}"
