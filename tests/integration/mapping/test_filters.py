"""What `where`, `sql` fields and asserted ids make of random changes, held against SELECT."""

from __future__ import annotations

import random
from contextlib import closing
from typing import Any

import bson
import pytest
from pymysql.cursors import Cursor

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.operation import Operation
from cdc.model.transaction import RowsEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.integration.mapping.support.binlog import Document, applied, rows_events

STATEMENTS = 150
IDS = 30
WHERE = "n % 3 <> 0 AND (lang IS NULL OR lang LIKE 'd%')"
SLUG = "LOWER(CONCAT(COALESCE(lang, '-'), '/', id))"
LANGS = ("de", "De-AT", "fr", "", None)
FIELDS: dict[str, Any] = {
    "slug": {"sql": SLUG},
    "year": {"sql": "YEAR(created)"},
    "mail": {"column": "mail", "mask": {"truncate": 2}},
    "n": "n",
}
MAPPINGS: dict[str, dict[str, Any]] = {
    "hard": {"where": WHERE, "fields": FIELDS},
    "soft": {"where": WHERE, "fields": FIELDS, "on_delete": {"set": {"gone": True}}},
    "asserted": {
        "where": WHERE,
        "fields": FIELDS,
        "id": {"sql": "CONCAT('p', id)", "unique": "asserted"},
    },
}


def plan_operations(events: list[RowsEvent], rule: dict[str, Any]) -> list[Operation]:
    found: list[Operation] = []
    for event in events:
        mapping = Mapping.model_validate({"source": event.table.name, "target": "t", **rule})
        found += compile_plan(mapping, event.table).operations(event, 0)
    return found


def change_at_random(cursor: Cursor, dice: random.Random) -> None:
    """One statement: some touch no row, some many, some move primary keys."""
    number, other = dice.randrange(IDS), dice.randrange(IDS)
    values = (dice.choice(LANGS), f"m{number}@x", dice.choice((None, 1, 2, 3, 4, 6)))
    match dice.choice(("insert", "insert", "update", "update", "many", "move", "delete")):
        case "insert":
            sql = "INSERT IGNORE INTO people VALUES (%s, %s, %s, %s, '2024-05-06 07:08:09')"
            cursor.execute(sql, (number, *values))
        case "update":
            sql = "UPDATE people SET lang = %s, mail = %s, n = %s WHERE id = %s"
            cursor.execute(sql, (*values, number))
        case "many":
            cursor.execute("UPDATE people SET n = n + 1 WHERE id < %s", (number,))
        case "move":
            sql = "UPDATE IGNORE people SET id = %s, n = %s WHERE id = %s"
            cursor.execute(sql, (other, values[2], number))
        case "delete":
            cursor.execute("DELETE FROM people WHERE id = %s", (number,))


def selected(server: MySQLServer, schema: str) -> dict[int, Document]:
    """What the server itself says that the documents must hold."""
    rows = server.execute(
        f"SELECT id, {SLUG}, YEAR(created), LEFT(mail, 2), n FROM {schema}.people WHERE {WHERE}"
    )
    return {row[0]: dict(zip(("slug", "year", "mail", "n"), row[1:], strict=True)) for row in rows}


def by_id(documents: list[Document]) -> dict[Any, Document]:
    return {document.pop("_id"): document for document in documents}


@pytest.mark.slow
def test_documents_are_those_that_the_server_selects(
    source: MySQLServer, schema: str, budget: int
) -> None:
    source.execute(
        f"CREATE TABLE {schema}.people (id INT PRIMARY KEY, lang VARCHAR(8), mail VARCHAR(30),"
        " n BIGINT, created DATETIME NOT NULL) CHARACTER SET utf8mb4"
    )

    def act() -> None:
        dice = random.Random(budget)
        with closing(source.connect(database=schema)) as connection:
            for _ in range(STATEMENTS * budget):
                with connection.cursor() as cursor:
                    change_at_random(cursor, dice)

    events = list(rows_events(source, schema, act))
    operations = {name: plan_operations(events, rule) for name, rule in MAPPINGS.items()}
    documents = {name: by_id([*applied(each).values()]) for name, each in operations.items()}

    expected = selected(source, schema)
    assert documents["hard"] == expected
    assert documents["asserted"] == {f"p{id_}": each for id_, each in expected.items()}
    kept = {id_: each for id_, each in documents["soft"].items() if "gone" not in each}
    assert kept == expected
    assert len(documents["soft"]) > len(expected) > 0
    for name, each in operations.items():
        assert by_id([*applied(each + each).values()]) == documents[name], "a replay changes it"
    assert copied(source, schema) == expected


def copied(server: MySQLServer, schema: str) -> dict[int, Document]:
    """What a backfill writes: the same plan, over rows that are read in chunks."""
    found: list[Document] = []
    with chunk_reader(server) as reader:
        table = reader.open(schema, "people")
        mapping = Mapping.model_validate(
            {"source": f"{schema}.people", "target": "t", **MAPPINGS["hard"]}
        )
        plan = compile_plan(mapping, table.map)
        for chunk in chunks(reader, table, executed(server), limit=7):
            found += [bson.decode(each.document) for each in plan.operations(chunk.event, 0)]
    return by_id(found)
