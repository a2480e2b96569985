"""Rows that cannot be carried over are set aside, and the stream goes on."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pymysql
import pytest

from cdc import cli
from cdc_sandbox.servers import MongoServer
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.commit_trap import CommitTrap
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.http import get
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.waiting import eventually

ON_MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), secret VARCHAR(40), notes LONGTEXT,"
    " data TEXT, number INT"
)
MAPPING = {
    "fields": {
        "word": "word",
        "hidden": {"column": "secret", "mask": "redact"},
        "notes": "notes",
        "data": {"column": "data", "type": "json"},
        "number": "number",
    }
}
JSON = {"fields": {"data": {"column": "data", "type": "json"}}}
SECRET = "swordfish-4711"
BELOW_100 = {"number": {"$not": {"$gt": 100}}}


@pytest.fixture
def items(stream: Stream) -> Stream:
    """A table, and a collection that takes numbers below 100."""
    stream.table("items", COLUMNS, MAPPING)
    stream.database.create_collection("items", validator=BELOW_100)
    return stream


@pytest.fixture
def running(items: Stream) -> Stream:
    items.start()
    items.until_streaming()
    return items


class Told(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run a command of the command-line on a stream, in this process."""

    def run(stream: Stream, *arguments: str) -> Told:
        capsys.readouterr()
        code = cli.run([*arguments, "--config", str(stream.config)])
        return Told(code, *capsys.readouterr())

    return run


def letters(stream: Stream, state: str = "open") -> dict[Any, dict[str, Any]]:
    """The letters in a state by key."""
    return {each["key"]: each for each in stream.state["dead_letters"].find({"state": state})}


def insert(key: int, **values: str) -> str:
    row = {"id": str(key), "secret": f"'{SECRET}'", **values}
    return f"INSERT INTO items ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def update(key: int, change: str) -> str:
    return f"UPDATE items SET {change} WHERE id = {key}"


def take_anything(stream: Stream) -> None:
    stream.client[stream.database.name].command({"collMod": "items", "validator": {}})


def assert_each_transaction_counts_once(stream: Stream) -> None:
    assert sorted(stream.ledger()) == sorted(stream.history.committed())


@ON_MYSQL
def test_what_fails_is_set_aside_beside_the_rest_of_its_transaction(running: Stream) -> None:
    running.database["items"].create_index("word", unique=True)
    running.transaction(
        insert(1, word="'one'", number="1"),
        insert(2, word="'two'", data="'no JSON'"),
        insert(3, word="'three'", number="500"),
        insert(4, word="'one'"),
        "SET @filling = REPEAT('x', 1 << 20)",
        insert(5, word="'five'", notes="REPEAT(@filling, 17)"),
        insert(6, word="'six'"),
    )

    running.until_caught_up()

    assert running.documents("items").keys() == {1, 6}
    found = letters(running)
    assert {key: each["reason"] for key, each in found.items()} == {
        2: "value",
        3: "validator",
        4: "duplicate",
        5: "too_large",
    }
    assert_each_transaction_counts_once(running)
    assert {each["count"] for each in found.values()} == {1}
    assert {each["transaction"] for each in found.values()} <= running.history.committed()
    assert {each["truncated"] for key, each in found.items() if key != 5} == {False}
    assert found[5]["truncated"]
    assert found[5]["row_bytes"] > 17 << 20
    assert len(found[5]["row"]) < 100_000
    assert found[3]["row"] == (
        '{"_id": 3, "word": "three", "hidden": "***", "notes": null, "data": null, "number": 500}'
    )
    said = running.daemon.events("dead_letter")
    assert {each["reason"] for each in said} == {"value", "validator", "duplicate", "too_large"}
    assert SECRET not in str(found) + running.daemon.stderr


@ON_MYSQL
def test_a_document_stays_as_it_was_until_its_row_can_be_carried_over(
    running: Stream, command: Callable[..., Told]
) -> None:
    running.sql(insert(1, number="1"), insert(2, number="2"), insert(3, number="3"))
    running.sql(update(1, "number = 500"), update(1, "word = 'later'"), update(2, "number = 501"))
    running.until_caught_up()

    assert running.documents("items")[1]["number"] == 1
    assert {key: each["count"] for key, each in letters(running).items()} == {1: 2, 2: 1}
    verified = command(running, "verify", "--output", "json")
    assert verified.returncode == 1, verified.stderr
    [job] = json.loads(verified.stdout)
    found = {each["id"]: each for each in job["findings"]}
    assert {key: each["kind"] for key, each in found.items()} == {1: "different", 2: "different"}
    assert f"dead letter {letters(running)[1]['_id']} is open" in found[1]["note"]

    running.sql(update(1, "number = 5"), "DELETE FROM items WHERE id = 2")
    running.until_caught_up()

    assert letters(running) == {}
    assert letters(running, "resolved").keys() == {1, 2}
    assert {key: each["number"] for key, each in running.documents("items").items()} == {1: 5, 3: 3}
    assert len(running.daemon.events("dead_letter_resolved")) == 2
    assert_each_transaction_counts_once(running)


@ON_MYSQL
def test_a_letter_that_is_opened_again_is_not_told_as_resolved(running: Stream) -> None:
    running.sql(insert(1, number="500"))
    running.until_caught_up()  # what is right again within a batch has no letter
    running.sql(update(1, "number = 5"))
    running.until_caught_up()
    assert letters(running, "resolved")[1]["resolved_at"]

    running.sql(update(1, "number = 501"))
    running.until_caught_up()

    assert "resolved_at" not in letters(running)[1]


@ON_MYSQL
def test_letters_are_shown_retried_and_discarded(
    items: Stream, command: Callable[..., Told]
) -> None:
    items.settings["http"] = {"listen": "127.0.0.1:0"}
    items.start()
    running = items
    running.sql(*(insert(key, number="500") for key in (1, 2, 3)), insert(4, data="'no JSON'"))
    running.until_caught_up()
    listed = command(running, "dead-letters", "list", "--output", "json")
    by_key = {each["key"]: each["id"] for each in json.loads(listed.stdout)}
    status = command(running, "status", "--output", "json")
    _, metrics = get(running.daemon, "/metrics")

    failed = command(running, "dead-letters", "retry", by_key[1])
    shown = command(running, "dead-letters", "show", by_key[1])
    take_anything(running)
    running.sql("SET SESSION sql_log_bin = 0", "DELETE FROM items WHERE id = 2")
    running.database["items"].insert_one({"_id": 2, "word": "left over"})
    retried = command(running, "dead-letters", "retry", by_key[1], by_key[2], "--output", "json")
    running.stop()
    alone = command(running, "dead-letters", "retry", "--all")
    discarded = command(running, "dead-letters", "discard", by_key[4][:8])
    unknown = command(running, "dead-letters", "show", "no-such-letter")

    assert json.loads(status.stdout)["dead_letters_open"] == 4
    stream = f'stream="{running.name}"'
    table = f'{stream},table="{running.schema}.items"'
    assert f'cdc_dead_letters_total{{reason="validator",{table}}} 3.0' in metrics
    assert f'cdc_dead_letters_total{{reason="value",{table}}} 1.0' in metrics
    assert f"cdc_dead_letters_open{{{stream}}} 4.0" in metrics
    assert failed.returncode == 1, failed.stderr
    assert "Document failed validation" in shown.stdout
    assert '"hidden": "***"' in shown.stdout
    assert re.search(r"^truncated +no$", shown.stdout, re.MULTILINE)
    assert re.search(r"^\w+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", shown.stdout, re.MULTILINE)
    assert retried.returncode == 0, retried.stderr
    assert [each["state"] for each in json.loads(retried.stdout)] == ["resolved", "resolved"]
    assert alone.returncode == 1, alone.stderr
    header, *lines = alone.stdout.splitlines()
    assert header.startswith("LETTER    LAST (UTC)           TIMES  STATE")
    assert {line.split()[0]: line.split()[4] for line in lines} == {
        by_key[3][:8]: "resolved",
        by_key[4][:8]: "open",
    }
    assert discarded.returncode == 0, discarded.stderr
    assert letters(running) == {}
    assert running.documents("items").keys() == {1, 3}
    assert unknown.returncode == 2
    said = [listed, failed, shown, retried, alone, discarded]
    told = "".join(each.stdout + each.stderr for each in said)
    assert SECRET not in told + metrics + running.daemon.stderr


@ON_MYSQL
@pytest.mark.parametrize("how", ["dropped", "no longer mapped", "into another", "by expressions"])
def test_a_letter_whose_row_cannot_be_looked_up_is_not_retried_but_may_be_discarded(
    items: Stream, how: str
) -> None:
    """A job on it would fail, and be told of for ever."""
    items.follow("items", {**MAPPING, "on_drop": "ignore"})
    items.table("others", "id INT NOT NULL PRIMARY KEY, data TEXT", JSON)
    items.start(ledger=False)
    items.sql(insert(1, data="'no JSON'"), "INSERT INTO others VALUES (1, 'no JSON')")
    items.until_caught_up()
    items.stop()
    items.sql("SET SESSION sql_log_bin = 0", "UPDATE others SET data = '1'")
    letter: Any = items.state["dead_letters"].find_one({"collection": "items"})
    kept: dict[str, Any] = {"target": "elsewhere"} if how == "into another" else {}
    if how == "by expressions":
        kept = {"id": {"sql": "id + 0", "unique": "asserted"}}
    items.follow("items", {**MAPPING, "on_drop": "ignore", **kept})
    if how == "dropped":
        items.sql("DROP TABLE items")
    elif how == "no longer mapped":
        (items.config.parent / "mappings" / "items.yaml").unlink()
    items.start("--accept-mapping-change", ledger=False)
    items.until_streaming()
    items.until_caught_up()

    every = Command(items, "dead-letters", "retry", "--all")
    every.wait()
    alone = Command(items, "dead-letters", "retry", letter["_id"])

    assert every.returncode == 1, every.stderr
    assert f"not retried: {items.schema}.items into items: " in every.stderr
    assert alone.returncode == (3 if how == "dropped" else 2), alone.stderr
    assert items.documents("others") == {1: {"data": 1}}
    assert items.state["jobs"].count_documents({"state": "failed"}) == 0
    [discard] = [each for each in commands(alone.stderr) if "discard" in each]
    assert typed(discard).returncode == 0
    assert (
        items.state["dead_letters"].count_documents({"state": "open", "collection": "items"}) == 0
    )


@ON_MYSQL
@pytest.mark.parametrize("action", ["retry", "discard"])
def test_a_table_without_open_letters_is_a_mistake_of_usage(
    running: Stream, command: Callable[..., Told], action: str
) -> None:
    running.sql(insert(1, number="500"))
    running.until_caught_up()

    mistyped = command(running, "dead-letters", action, "--table", f"{running.schema}.itmes")

    assert mistyped.returncode == 2
    assert f"no open dead letter is of {running.schema}.itmes" in mistyped.stderr
    assert f"did you mean `{running.schema}.items`?" in mistyped.stderr
    assert letters(running).keys() == {1}


@ON_MYSQL
def test_too_many_stop_the_daemon_before_their_batch(items: Stream) -> None:
    items.settings["dead_letters"] = {"max": 2}
    items.start()
    items.sql(insert(1, number="500"), insert(2, number="500"))
    items.until_caught_up()
    before = items.state_document()
    items.transaction(insert(3), insert(4, number="500"), insert(5, number="7"))

    said = halted(items.daemon)

    assert "dead_letters.max is 2" in said["message"]
    assert said["table"] == f"{items.schema}.items"
    after = items.state_document()
    assert before
    assert after
    assert after["position"] == before["position"]
    assert items.documents("items") == {}
    take_anything(items)
    items.start()
    items.until_caught_up()
    assert items.documents("items").keys() == {3, 4, 5}
    assert letters(items).keys() == {1, 2}
    assert_each_transaction_counts_once(items)


@ON_MYSQL
def test_a_daemon_killed_in_a_batch_with_letters_leaves_each_once(items: Stream) -> None:
    items.settings["apply"] = {"batch_rows": 1}
    items.start()
    items.sql(insert(1, number="1"))
    items.until_caught_up()
    items.stop()
    items.transaction(insert(2, number="500"), insert(3, data="'no JSON'"), update(1, "number = 2"))

    # The first attempt is refused; the points are those of the second.
    for fault, left in (("after_first_write:2", 0), ("before_commit", 0), ("after_commit", 2)):
        assert items.start(fault=fault).wait() == -9
        assert len(letters(items)) == left
    items.sql(update(1, "number = 500"))
    items.start()
    items.until_caught_up()

    assert {key: each["count"] for key, each in letters(items).items()} == {1: 1, 2: 1, 3: 1}
    assert items.documents("items").keys() == {1}
    assert items.documents("items")[1]["number"] == 2
    assert_each_transaction_counts_once(items)


@ON_MYSQL
@pytest.mark.parametrize("landed", [True, False])
def test_a_lost_answer_to_a_batch_with_letters_counts_them_once(
    items: Stream, mongo: MongoServer, landed: bool
) -> None:
    with Proxy(mongo.port, framed=True) as proxy:
        items.proxied_target(proxy.port)
        items.start()
        items.sql(insert(1))
        items.until_caught_up()
        trap = CommitTrap(proxy, count=2, cut_before=not landed)
        items.transaction(insert(2, number="500"), insert(3))

        items.until_caught_up()

        eventually(lambda: trap.caught == 2)
        assert {key: each["count"] for key, each in letters(items).items()} == {2: 1}
        assert items.documents("items").keys() == {1, 3}
        assert_each_transaction_counts_once(items)


@ON_MYSQL
def test_rows_that_swap_a_unique_value_beside_one_that_fails(running: Stream) -> None:
    running.database["items"].create_index(
        "word", unique=True, partialFilterExpression={"word": {"$type": "string"}}
    )
    running.sql(insert(1, word="'one'"), insert(2, word="'two'"))
    running.transaction(
        update(1, "word = 'swapping'"),
        insert(3, number="500"),
        update(2, "word = 'one'"),
        insert(4, word="'one'"),
        update(1, "word = 'two'"),
    )

    running.until_caught_up()

    words = {key: each["word"] for key, each in running.documents("items").items()}
    assert words == {1: "two", 2: "one"}
    assert {key: each["reason"] for key, each in letters(running).items()} == {
        3: "validator",
        4: "duplicate",
    }
    assert_each_transaction_counts_once(running)


@ON_MYSQL
def test_a_truncate_resolves_the_letters_of_its_table(running: Stream) -> None:
    running.sql(insert(1, number="500"), "TRUNCATE TABLE items", insert(2, number="500"))

    running.until_caught_up()

    assert letters(running).keys() == {2}


@ON_MYSQL
def test_a_row_without_an_id_is_told_by_what_can_be_mapped_of_it(
    stream: Stream, command: Callable[..., Told]
) -> None:
    stream.table("days", "day DATE NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.start()
    stream.sql(
        "SET SESSION sql_mode = ''",
        "INSERT INTO days VALUES ('0000-00-00', 'never'), ('2024-01-01', 'once')",
        "UPDATE days SET word = 'seldom' WHERE day = 0",
        "DELETE FROM days WHERE day = 0",
    )

    stream.until_caught_up()

    assert len(stream.documents("days")) == 1
    found = sorted(each["row"] for each in stream.state["dead_letters"].find({"key": None}))
    assert found == ['{"word": "never"}', '{"word": "seldom"}']
    retried = command(stream, "dead-letters", "retry", "--all")
    assert retried.returncode == 2
    assert "does not tell its row" in retried.stderr


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_copied_rows_become_letters_until_a_copy_goes_through(
    stream: Stream, command: Callable[..., Told]
) -> None:
    stream.settings["start"] = "backfill"
    stream.table("items", COLUMNS, MAPPING)
    stream.database.create_collection("items", validator=BELOW_100)
    stream.sql(insert(1), insert(2, number="500"), insert(3, data="'no JSON'"))

    stream.start(ledger=False)
    until_copied(stream)

    assert stream.documents("items").keys() == {1}
    assert {key: (each["reason"], each["action"]) for key, each in letters(stream).items()} == {
        2: ("validator", "copy"),
        3: ("value", "copy"),
    }
    take_anything(stream)
    resynced = command(stream, "resync", f"{stream.schema}.items")
    assert resynced.returncode == 0, resynced.stderr
    assert stream.documents("items").keys() == {1, 2}
    assert letters(stream).keys() == {3}


class Careless:
    """Writes rows of which some cannot be carried over, and moves keys and unique words."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self._stream = stream
        self._random = random.Random(seed)

    def write(self, transactions: int) -> None:
        with self._stream.source.connect(self._stream.schema, autocommit=False) as connection:
            for _ in range(transactions):
                with connection.cursor() as cursor, suppress(pymysql.err.IntegrityError):
                    for _ in range(self._random.randrange(1, 5)):
                        cursor.execute(self._statement())
                connection.commit()

    def _statement(self) -> str:
        key, other = self._random.randrange(12), self._random.randrange(12)
        return self._random.choice(
            [
                insert(key, number=str(self._random.randrange(200)), word=f"'w{other}'"),
                insert(key, data=self._random.choice(["'no JSON'", "'[1]'"])),
                update(key, f"number = {self._random.randrange(200)}"),
                update(key, f"word = 'w{other}'"),
                update(key, "data = IF(data = 'no JSON', '{}', 'no JSON')"),
                update(key, f"id = {other}"),
                f"DELETE FROM items WHERE id = {key}",
            ]
        )


def expected(row: dict[str, Any]) -> dict[str, Any] | None:
    """The document of a row; None where it cannot be mapped."""
    data = row["data"]
    if data == "no JSON":
        return None
    hidden = None if row["secret"] is None else "***"
    parsed = None if data is None else json.loads(data)
    return {
        "word": row["word"],
        "hidden": hidden,
        "notes": row["notes"],
        "data": parsed,
        "number": row["number"],
    }


def wrong(stream: Stream) -> set[int]:
    """The keys whose documents are not as their rows are."""
    rows, documents = stream.rows("items"), stream.documents("items")
    wanted = {key: expected(row) for key, row in rows.items()}
    return {
        key
        for key in {*wanted, *documents}
        if wanted.get(key) is None or documents.get(key) != wanted[key]
    }


@ON_MYSQL
@pytest.mark.long
def test_kills_at_random_moments_leave_a_letter_on_each_wrong_document_and_no_other(
    items: Stream, budget: int, command: Callable[..., Told]
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed: {seed}")
    moments, careless = random.Random(seed), Careless(items, seed)
    items.settings["apply"] = {"batch_rows": 30}
    items.settings["dead_letters"] = {"max": 1_000}
    items.database["items"].create_index("word", unique=True, sparse=True)

    for _ in range(2 * budget):
        careless.write(60)
        items.start()
        items.until_streaming()
        careless.write(60)
        time.sleep(moments.uniform(0, 0.3))  # when it dies is what the test varies
        items.daemon.kill()
    items.start()
    items.until_caught_up()

    assert wrong(items) == letters(items).keys()
    assert_each_transaction_counts_once(items)
    items.database["items"].drop_indexes()
    take_anything(items)
    command(items, "dead-letters", "retry", "--all")
    unmapped = {key for key, row in items.rows("items").items() if expected(row) is None}
    assert letters(items).keys() == wrong(items) == unmapped
