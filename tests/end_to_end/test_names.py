"""Tables whose names hold what SQL, globs, paths and terminals give a meaning to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdc.mapping.file.table_globs import literal
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)

ODD_NAMES = (
    "a[b]c",
    "a*b",
    "what?",
    "dot.ted.name",
    "dash-ed",
    "spa ced name",
    "quo'te\"d",
    "back`tick",
    "bang !table",
    "per%cent",
    "Ünïcödé_表",
    "MixedCase",
    "(paren); DROP",
    "esc\x1b[31mape\x9b2J\x7f",
    "new\nline\ttab",
    "n" * 64,
)


def quoted(*names: str) -> str:
    return ".".join("`{}`".format(name.replace("`", "``")) for name in names)


def done(command: Command) -> Command:
    command.wait()
    assert command.returncode == 0, command.stdout + command.stderr
    assert "\x1b" not in command.stdout + command.stderr
    assert "\x9b" not in command.stdout + command.stderr
    return command


def count(stream: Stream, query: dict[str, Any]) -> int:
    return stream.state["jobs"].count_documents(query)


def until_copied(stream: Stream, tables: int) -> None:
    def copied() -> bool:
        stream.daemon.check_alive(waiting_for="the copies")
        assert count(stream, {"state": "failed"}) == 0
        return count(stream, {"state": "done"}) >= tables

    eventually(copied, waiting_for="the copies")


def targets(folder: Path) -> dict[str, str]:
    """The collection of each source that a mapping file in the folder names."""
    found = [yaml.safe_load(each.read_text()) for each in folder.glob("*.yaml")]
    return {each["source"]: each["target"] for each in found}


def test_every_name_is_drafted_checked_copied_followed_resynced_and_verified(
    stream: Stream,
) -> None:
    odd_schema = f"{stream.schema}.d[o]t"
    names = [(stream.schema, name) for name in ODD_NAMES]
    if stream.source.flavour == "mysql":
        names.append((odd_schema, "in.it"))
        stream.source.execute(f"CREATE DATABASE {quoted(odd_schema)}")
    for name in names:
        stream.source.execute(f"CREATE TABLE {quoted(*name)} (id INT PRIMARY KEY, v INT)")
        stream.source.execute(f"INSERT INTO {quoted(*name)} VALUES (1, 10)")
    stream.settings["start"] = "backfill"
    folder = stream.config.parent / "mappings"
    stream.config.write_text(json.dumps(stream.settings))
    written = [literal(*name) for name in names]

    try:
        done(Command(stream, "mapping", "init", *written, "--output", str(folder)))
        done(Command(stream, "mapping", "check"))
        done(Command(stream, "check"))
        stream.start(ledger=False)
        until_copied(stream, len(names))
        for name in names:
            stream.source.execute(f"INSERT INTO {quoted(*name)} VALUES (2, 20)")
        stream.until_caught_up()
        done(Command(stream, "resync", *written))
        done(Command(stream, "verify"))
        for command in (["status"], ["jobs", "list"], ["check"], ["dead-letters", "list"]):
            done(Command(stream, *command))
        for each in written:
            explain, preview = (
                Command(stream, "mapping", word, each) for word in ("explain", "preview")
            )
            done(explain)
            assert '"v": 20' in done(preview).stdout

        found = targets(folder)
        assert set(found) == set(written)
        for each in written:
            documents = {one["_id"]: one["v"] for one in stream.database[found[each]].find()}
            assert documents == {1: 10, 2: 20}, each
        jobs = count(stream, {})
        stream.restart()
        stream.daemon.until_logged("streaming")
        assert count(stream, {}) == jobs, "a copy was asked for again"
    finally:
        stream.close()
        stream.source.execute(f"DROP DATABASE IF EXISTS {quoted(odd_schema)}")


def follow(stream: Stream, source: object) -> None:
    mapping = {"source": source, "target": "all", "id": [{"source": "table"}, "id"]}
    (stream.config.parent / "mappings" / "all.yaml").write_text(json.dumps(mapping))


def tables_in_target(stream: Stream) -> set[tuple[str, int]]:
    return {(one["_id"]["table"], one["_id"]["id"]) for one in stream.database["all"].find()}


def test_a_glob_leaves_out_what_its_list_says(stream: Stream) -> None:
    for name in ("orders_1", "orders_2", "orders_test", "orders_old_1"):
        stream.sql(f"CREATE TABLE {name} (id INT PRIMARY KEY)", f"INSERT INTO {name} VALUES (1)")
    schema = stream.schema
    follow(stream, [f"{schema}.orders_*", f"!{schema}.orders_test", f"!{schema}.orders_old*"])
    stream.settings["start"] = "backfill"
    stream.start(ledger=False)
    until_copied(stream, 2)

    for name in ("orders_1", "orders_2", "orders_test", "orders_old_1"):
        stream.sql(f"INSERT INTO {name} VALUES (2)")
    stream.until_caught_up()

    assert tables_in_target(stream) == {(f"orders_{one}", n) for one in (1, 2) for n in (1, 2)}


def test_a_glob_passes_over_sequences_and_views(stream: Stream) -> None:
    stream.sql(
        "CREATE TABLE orders_1 (id INT PRIMARY KEY)",
        "CREATE VIEW orders_view AS SELECT * FROM orders_1",
    )
    sequences = stream.source.flavour == "mariadb"
    if sequences:
        stream.sql("CREATE SEQUENCE orders_seq", "SELECT NEXTVAL(orders_seq)")
    follow(stream, f"{stream.schema}.orders_*")
    stream.settings["start"] = "backfill"
    stream.config.write_text(json.dumps(stream.settings))

    done(Command(stream, "check"))
    stream.start(ledger=False)
    until_copied(stream, 1)
    stream.sql("INSERT INTO orders_1 VALUES (1)")
    if sequences:
        stream.sql(
            "SELECT NEXTVAL(orders_seq)",
            "CREATE SEQUENCE orders_late",
            "SELECT NEXTVAL(orders_late)",
            "ALTER SEQUENCE orders_late RESTART 7",
        )
    stream.sql("CREATE OR REPLACE VIEW orders_view AS SELECT 1 AS id")
    stream.sql("INSERT INTO orders_1 VALUES (2)")
    stream.until_caught_up()

    assert tables_in_target(stream) == {("orders_1", 1), ("orders_1", 2)}


@pytest.mark.parametrize("kind", ["VIEW", "SEQUENCE"])
def test_a_mapping_that_names_what_is_no_table_is_refused(stream: Stream, kind: str) -> None:
    if kind == "SEQUENCE" and stream.source.flavour == "mysql":
        pytest.skip("MySQL has no sequences")
    stream.sql(f"CREATE {kind} named" + (" AS SELECT 1 AS id" if kind == "VIEW" else ""))
    stream.follow("named")
    stream.config.write_text(json.dumps(stream.settings))

    command = Command(stream, "check")
    command.wait()

    assert command.returncode == 3
    assert f"is a {kind.lower()}, which has no rows of its own" in command.stdout


def expression(sql: str) -> dict[str, str]:
    return {"sql": sql, "unique": "asserted"}


KEYLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "no key": ("id INT, v INT", {"id": expression("CONCAT(id, '-', v)")}),
    "a nullable key": ("id INT, v INT, UNIQUE (id)", {"id": expression("COALESCE(id, v)")}),
    "a prefix": (
        "id VARCHAR(20) NOT NULL, v INT, PRIMARY KEY (id(3))",
        {"id": expression("CONCAT(id, '')")},
    ),
    "a float": ("id FLOAT PRIMARY KEY, v INT", {"id": expression("v + 0")}),
}


@pytest.mark.parametrize("case", KEYLESS)
def test_a_table_that_cannot_be_copied_is_refused_at_the_start(stream: Stream, case: str) -> None:
    columns, mapping = KEYLESS[case]
    stream.table("keyless", columns, mapping)
    stream.settings["start"] = "backfill"
    stream.config.write_text(json.dumps(stream.settings))

    command = Command(stream, "check")
    command.wait()
    daemon = stream.start(ledger=False)

    assert command.returncode == 3
    assert f"table {stream.schema}.keyless" in command.stdout
    assert "cannot be copied" in command.stdout
    assert daemon.wait() == 3
    assert count(stream, {}) == 0


def test_a_table_that_cannot_be_copied_can_be_followed_without_a_copy(stream: Stream) -> None:
    stream.table("keyless", *KEYLESS["no key"])
    stream.settings["start"] = "now"
    stream.config.write_text(json.dumps(stream.settings))

    done(Command(stream, "check"))
    stream.start(ledger=False)
    stream.until_streaming()
    stream.sql("INSERT INTO keyless VALUES (1, 2)")
    stream.until_caught_up()

    assert stream.documents("keyless") == {"1-2": {"id": 1, "v": 2}}
    stream.restart()
    stream.until_streaming()


@pytest.mark.parametrize("statement", ["TRUNCATE TABLE `*`", "DROP TABLE `*`"])
def test_a_table_named_by_an_asterisk_is_itself_alone(stream: Stream, statement: str) -> None:
    stream.table(
        "items", "id INT NOT NULL PRIMARY KEY", {"on_truncate": "apply", "on_drop": "apply"}
    )
    stream.sql("INSERT INTO items VALUES (1)", "CREATE TABLE `*` (id INT PRIMARY KEY)")
    stream.start()
    stream.until_caught_up()

    stream.sql("INSERT INTO `*` VALUES (1)", statement, "INSERT INTO items VALUES (2)")

    stream.settle()
