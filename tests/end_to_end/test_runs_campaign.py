"""A random log comes to the same target with the native module, which reads runs, and without."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cdc.native import VARIABLE
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually
from tests.unit.native.support.module import needs_native

pytestmark = needs_native

KEYS = 12
STATEMENTS = 600
COUNTED = (
    "cdc_transactions_applied_total",
    "cdc_row_changes_total",
    "cdc_value_losses_total",
    "cdc_unchanged_rows_total",
)
LIMITS: list[dict[str, int]] = [
    {},
    {"batch_rows": 1},
    {"batch_rows": 7, "transaction_bytes": 400},
    {"batch_bytes": 5_000},
    {"mode": "at_least_once"},  # type: ignore[dict-item]
]

COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, word VARCHAR(40), number INT, data TEXT, day DATE,"
    " twice INT AS (number * 2) VIRTUAL"
)
NAMES = ("id", "word", "number", "data", "day")
MAPPINGS: dict[str, dict[str, Any]] = {
    "plain": {"fields": {"word": "word", "day": "day", "data": {"column": "data", "type": "json"}}},
    "marked": {
        "fields": {"word": "word", "number": "number"},
        "on_delete": {"set": {"gone": "$now"}},
    },
    "chosen": {"fields": {"word": "word"}, "where": "number < 50", "on_alter": "ignore"},
    "refused": {"exclude": ["data", "twice"], "on_alter": "ignore", "on_drop": "ignore"},
    "twice": {"exclude": ["data", "twice"], "on_alter": "ignore"},
}
VALIDATORS = {"refused": {"number": {"$not": {"$gt": 80}}}}


class Workload:
    """Random statements on all tables."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self._random = random.Random(seed)
        self._mariadb = stream.source.flavour == "mariadb"
        self._added = 0

    def statements(self) -> Iterator[str]:
        for _ in range(STATEMENTS):
            yield from self._random.choices(
                [self._alone, self._transaction, self._undone, self._odd], [80, 12, 4, 4]
            )[0]()
        yield "REPLACE INTO refused (id, number) VALUES (0, 99)"  # a letter that stays open

    def _alone(self) -> Iterator[str]:
        table, kind = self._table(), self._random.choices([0, 1, 2, 3], [5, 4, 2, 1])[0]
        for _ in range(self._random.choice([1, 1, 3, 8])):
            yield self._change(table if self._random.random() < 0.8 else self._table(), kind)

    def _transaction(self) -> Iterator[str]:
        yield "BEGIN"
        for _ in range(self._random.randint(1, 6)):
            yield self._change(self._table(), self._random.randrange(4))
        yield "COMMIT"

    def _undone(self) -> Iterator[str]:
        yield "BEGIN"
        yield self._change(self._table(), 0)
        yield "SAVEPOINT s"
        yield self._change(self._table(), 0)
        yield "ROLLBACK TO s"
        yield self._change(self._table(), 1)
        yield self._random.choice(["COMMIT", "ROLLBACK"])

    def _odd(self) -> Iterator[str]:
        self._added += 1
        choices: list[Callable[[], list[str]]] = [
            lambda: ["FLUSH TABLES"],
            lambda: [f"ALTER TABLE {self._table()} ADD more_{self._added} INT"],
            lambda: ["TRUNCATE chosen"],
            lambda: ["CREATE TABLE passing (id INT)", "DROP TABLE passing"],
            self._without_blobs,
            lambda: ["RENAME TABLE refused TO resting", "RENAME TABLE resting TO refused"],
        ]
        if self._mariadb:
            choices += [
                lambda: [f"SET SESSION gtid_domain_id = {self._random.randrange(3)}"],
                lambda: [f"SET SESSION server_id = {self._random.randrange(1, 4)}"],
                lambda: ["SET GLOBAL log_bin_compress = ON"],
                lambda: ["SET GLOBAL log_bin_compress = OFF"],
            ]
        else:
            choices += [
                lambda: ["SET SESSION binlog_transaction_compression = ON"],
                lambda: ["SET SESSION binlog_transaction_compression = OFF"],
            ]
        yield from self._random.choice(choices)()

    def _without_blobs(self) -> list[str]:
        """Change the table whose mapping needs none."""
        changes = [self._change("chosen", kind) for kind in (0, 1, 2, 1)]
        image = "SET SESSION binlog_row_image ="
        return [f"{image} NOBLOB", *changes, f"{image} FULL"]

    def _table(self) -> str:
        return self._random.choice([*MAPPINGS, *MAPPINGS, "unfollowed"])

    def _change(self, table: str, kind: int) -> str:
        number, choice = self._random.randrange(KEYS), self._random.random()
        if kind == 0:
            rows = ",".join(self._row(n) for n in range(number, number + 1 + (choice < 0.3)))
            return f"REPLACE INTO {table} ({', '.join(NAMES)}) VALUES {rows}"
        if kind == 1:
            column = self._random.choice(["word = CONCAT('v', RAND())", "data = '[1]'"])
            value = self._random.randrange(100)
            change = f"number = {value}" if choice < 0.4 else column
            return f"UPDATE {table} SET {change} WHERE id BETWEEN {number} AND {number + 1}"
        if kind == 2:
            return f"DELETE FROM {table} WHERE id = {number}"
        return f"UPDATE IGNORE {table} SET id = {self._random.randrange(KEYS)} WHERE id = {number}"

    def _row(self, number: int) -> str:
        word = self._random.choice(["NULL", f"'{self._random.random()}'", "REPEAT('ü', 30)"])
        data = self._random.choice(["NULL", "'{\"a\": [1, 2.5]}'", "'no JSON'", "'[7, 7]'"])
        day = self._random.choice(["NULL", "'2020-01-02'", "'0000-00-00'"])
        return f"({number}, {word}, {self._random.randrange(100)}, {data}, {day})"


def prepare(stream: Stream) -> None:
    columns = COLUMNS if stream.source.flavour == "mysql" else COLUMNS.partition(", twice")[0]
    stream.sql(f"CREATE TABLE unfollowed ({columns}) CHARACTER SET utf8mb4")
    for name, mapping in MAPPINGS.items():
        if "twice" not in columns:
            mapping = {**mapping, "exclude": ["data"]} if "exclude" in mapping else mapping
        stream.table(name, columns, mapping)
    stream.settings["http"] = {"listen": "127.0.0.1:0"}
    stream.settings["dead_letters"] = {"max": 10_000}


def replicated(stream: Stream, native: str) -> dict[str, Any]:
    """Begin anew; return what comes of it, as far as no batch shows in it."""
    stream.client.drop_database(stream.database.name)
    stream.client.drop_database(stream.state.name)
    for name, validator in VALIDATORS.items():
        stream.database.create_collection(name, validator=validator)
    stream.environment = {VARIABLE: native}
    daemon = stream.start(ledger=False)
    off = any(each.startswith(f"cdc_build_info{{off by {VARIABLE}") for each in metrics(daemon))
    assert off == (native == "0")
    stream.until_caught_up()
    applied, committed = COUNTED[0], len(stream.history.committed())
    eventually(lambda: metrics(daemon)[applied] == committed, waiting_for="the counts")
    counts = {
        key: number
        for key, number in metrics(daemon).items()
        if key.startswith(COUNTED) and ".refused}" not in key and number
    }  # what is refused is no row changed, unless a later state in the batch is taken instead
    stream.stop()
    state = stream.state_document()
    assert state is not None
    letters = stream.state["dead_letters"].find(
        {"state": "open"}, {"first_at": 0, "last_at": 0, "count": 0}
    )
    return {
        "documents": {name: stream.documents(name) for name in MAPPINGS},
        "letters": {each.pop("_id"): each for each in letters},
        "state": {each: state[each] for each in ("position", "witness", "inflight")},
        "counts": counts,
    }


def _print_differences(one: dict[Any, Any], other: dict[Any, Any]) -> None:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            print(f"{key}\n  in runs:    {one.get(key)}\n  one by one: {other.get(key)}")


@pytest.mark.long
def test_a_random_log_comes_to_the_same_in_runs(stream: Stream, budget: int, seed: int) -> None:
    prepare(stream)
    stream.sql("SET SESSION sql_mode = ''", *Workload(stream, seed).statements())

    for limits in random.Random(seed).sample(LIMITS, min(len(LIMITS), 1 + budget)):
        print(f"limits: {limits}")
        stream.settings["apply"] = {"linger_ms": 50, **limits}
        in_runs, one_by_one = replicated(stream, "1"), replicated(stream, "0")

        for name, found in in_runs.items():
            if found != one_by_one[name]:
                print(f"the runs' {name}:")
                _print_differences(found, one_by_one[name])
            assert found == one_by_one[name], name
        assert in_runs["letters"]
