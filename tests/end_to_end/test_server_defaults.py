"""A server whose sessions begin with limits and habits of its own is replicated like any other.

`tests/integration/session` tries every variable; here are those that did harm, end to end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pymysql
import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer, mysql_server
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream

ER_WRONG_VALUE_FOR_VAR = 1231
ROWS = 900
SETTINGS: tuple[tuple[Flavour, str, str], ...] = (
    ("mysql", "sql_select_limit", "100"),
    ("mariadb", "sql_select_limit", "100"),
    ("mysql", "sql_select_limit", "2"),
    ("mariadb", "sql_select_limit", "2"),
    ("mysql", "max_execution_time", "1"),
    ("mariadb", "max_statement_time", "0.0001"),
    ("mysql", "max_join_size", "10"),
    ("mariadb", "max_join_size", "10"),
    ("mysql", "show_gipk_in_create_table_and_information_schema", "0"),
    ("mysql", "completion_type", "2"),
    ("mariadb", "completion_type", "2"),
    ("mysql", "lc_messages", "'de_DE'"),
    ("mariadb", "lc_messages", "'de_DE'"),
)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[Flavour, MySQLServer]]:
    """A server of each flavour of its own: others must not be told such things."""
    with ExitStack() as stack:
        flavours: tuple[Flavour, ...] = ("mysql", "mariadb")
        yield {each: stack.enter_context(mysql_server(each)) for each in flavours}


@contextmanager
def default(server: MySQLServer, name: str, value: str) -> Iterator[None]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT @@GLOBAL.{name}")
        [(before,)] = cursor.fetchall()
        try:
            cursor.execute(f"SET GLOBAL {name} = {value}")
        except pymysql.OperationalError as error:
            if error.args[0] != ER_WRONG_VALUE_FOR_VAR:
                raise
            pytest.skip(f"{server} comes without what {name} = {value} needs")
        try:
            yield
        finally:
            cursor.execute(f"SET GLOBAL {name} = %s", (before,))


def make(
    server: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
    *,
    key: str = "id",
) -> Stream:
    """A stream over a table of so many rows; without `id` MySQL makes up a primary key."""
    stream = make_stream(server, mongo, client, KINDS[f"{server.flavour}-gtid"][1])
    stream.settings |= {"start": "backfill", "chunks": {"rows": 300}}
    if key == "id":
        stream.sql("CREATE TABLE things (id INT PRIMARY KEY AUTO_INCREMENT, n INT, word TEXT)")
    else:
        stream.sql(
            "SET sql_generate_invisible_primary_key = 1", "CREATE TABLE things (n INT, word TEXT)"
        )
    stream.follow("things", {"id": key})
    rows = ", ".join(f"({n}, 'word {n}')" for n in range(1, ROWS + 1))
    stream.sql(f"INSERT INTO things (n, word) VALUES {rows}")
    return stream


def documents(stream: Stream) -> dict[int, str]:
    found: dict[int, Document] = stream.documents("things")
    return {each["n"]: each["word"] for each in found.values()}


@pytest.mark.parametrize(("flavour", "name", "value"), SETTINGS)
def test_a_default_of_the_server_changes_nothing(
    servers: dict[Flavour, MySQLServer],
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
    flavour: Flavour,
    name: str,
    value: str,
) -> None:
    """Copied, checked, streamed, resynced and verified: every document stays."""
    server = servers[flavour]
    if not server.execute(f"SHOW GLOBAL VARIABLES LIKE '{name}'"):
        pytest.skip(f"{server} has no {name}")
    key = "my_row_id" if name.startswith("show_gipk") else "id"
    stream = make(server, mongo, client, make_stream, key=key)
    right = {n: f"word {n}" for n in range(1, ROWS + 1)}
    table = f"{stream.schema}.things"

    with default(stream.source, name, value):
        stream.start(ledger=False).until_logged("job_done")
        checked = Command(stream, "check", "--output", "json")
        assert checked.returncode == 0, checked.stdout
        resynced = Command(stream, "resync", table)
        assert resynced.returncode == 0, resynced.stderr
        verified = Command(stream, "verify", table)
        assert verified.returncode == 0, verified.stdout + verified.stderr

        assert documents(stream) == right
        assert not stream.daemon.events("source_lost")
        stream.stop()


def test_a_cascading_key_is_seen_where_names_are_not_quoted(
    servers: dict[Flavour, MySQLServer],
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> None:
    stream = make(servers["mariadb"], mongo, client, make_stream)
    stream.sql(
        "CREATE TABLE parts (id INT PRIMARY KEY, thing INT,"
        " FOREIGN KEY (thing) REFERENCES things (id) ON DELETE CASCADE)"
    )
    stream.follow("parts")
    stream.start(ledger=False).wait()

    with default(stream.source, "sql_quote_show_create", "0"):
        checked = Command(stream, "check", "--output", "json")

        assert checked.returncode == 3
        findings = json.loads(checked.stdout)["findings"]
        assert any("CASCADE" in each["what"] and each["outcome"] == "unfit" for each in findings)
