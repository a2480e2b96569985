"""`cdc mapping preview` on real tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cdc.errors import UsageError
from cdc.mapping.file.problems import MappingError
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.command_line import MappingCommands


@pytest.fixture
def commands(tmp_path: Path, source: MySQLServer, schema: str) -> MappingCommands:
    source.execute(
        f"CREATE TABLE {schema}.people (id INT PRIMARY KEY, name VARCHAR(20), born DATE,"
        " password VARCHAR(20), extra JSON)"
    )
    source.execute(
        f"INSERT INTO {schema}.people VALUES"
        " (1, 'Ann', '1990-05-06', 'secret1', '{\"a\": 1}'), (2, NULL, NULL, 'secret2', NULL)"
    )
    return MappingCommands(tmp_path, source)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_rows_stand_beside_their_documents_without_what_is_left_out(
    commands: MappingCommands, schema: str
) -> None:
    fields = {"person.name": "name", "extra": {"column": "extra", "type": "json"}}
    commands.write("people", source=f"{schema}.people", target="people", fields=fields)

    result = commands.run("preview", f"{schema}.people", "--output", "json")

    assert result.exit_code == 0, result.exception
    first, second = lines(result.stdout)
    assert first["table"] == f"{schema}.people"
    assert first["target"] == "people"
    assert first["row"].keys() == {"id", "name", "born", "password", "extra"}
    assert (first["row"]["id"], first["row"]["name"]) == (1, "Ann")
    assert first["row"]["password"] == first["row"]["born"] == "***"
    assert first["document"] == {"_id": 1, "person": {"name": "Ann"}, "extra": {"a": 1}}
    assert second["document"] == {"_id": 2, "person": {"name": None}, "extra": None}


def test_an_excluded_column_is_hidden(commands: MappingCommands, schema: str) -> None:
    commands.write("p", source=f"{schema}.people", target="people", exclude=["password"])

    result = commands.run("preview", f"{schema}.people")

    assert result.exit_code == 0, result.exception
    assert "secret" not in result.output
    assert "  password: ***" in result.stdout
    assert '  born: "1990-05-06"' in result.stdout
    assert '"name": "Ann"' in result.stdout
    assert all(" │ " in line or " │" in line for line in result.stdout.splitlines() if line)


def test_a_limit_and_a_key_choose_the_rows(commands: MappingCommands, schema: str) -> None:
    commands.write("p", source=f"{schema}.people", target="people")
    arguments = ("preview", f"{schema}.people", "--output", "json")

    limited = lines(commands.run(*arguments, "--limit", "1").stdout)
    chosen = lines(commands.run(*arguments, "--key", "2").stdout)
    wrong = commands.run(*arguments, "--key", "two")

    assert [each["row"]["id"] for each in limited] == [1]
    assert [each["row"]["id"] for each in chosen] == [2]
    assert isinstance(wrong.exception, UsageError)
    assert "is no key of" in str(wrong.exception)


def test_a_table_or_a_key_without_rows_is_said(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.bare (id INT PRIMARY KEY)")
    commands.write("bare", source=f"{schema}.bare", target="bare")

    none = commands.run("preview", f"{schema}.bare")
    missing = commands.run("preview", f"{schema}.bare", "--key", "7")

    assert (none.stdout, none.stderr) == ("", f"{schema}.bare has no rows\n")
    assert (missing.stdout, missing.stderr) == ("", f"{schema}.bare has no such row\n")


@pytest.mark.parametrize("command", ["preview", "explain"])
def test_a_table_that_is_not_there_is_told_with_the_name_that_is_near(
    commands: MappingCommands, source: MySQLServer, schema: str, command: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    commands.write("orders", source=f"{schema}.ordres", target="orders")

    error = commands.run(command, f"{schema}.ordres").exception

    assert isinstance(error, MappingError)
    assert error.message.endswith(
        f":1: the source has no table {schema}.ordres that its user may read,"
        f" did you mean `{schema}.orders`?"
    )
    assert error.remedy == f"write source: {schema}.orders"


def test_a_table_without_a_mapping_says_where_they_are_listed(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    commands.write("orders", source=f"{schema}.orders", target="orders")

    error = commands.run("preview", f"{schema}.ordres").exception

    assert isinstance(error, UsageError)
    assert error.message.endswith(f"did you mean `{schema}.orders`?")
    assert "cdc mapping check" in str(error.remedy)


@pytest.mark.parametrize("command", ["preview", "explain"])
@pytest.mark.parametrize("name", ["shard_*", "shard_7"])
def test_a_glob_that_matches_no_table_yet_is_said(
    commands: MappingCommands, source: MySQLServer, schema: str, command: str, name: str
) -> None:
    identity = [{"source": "table"}, "id"]
    commands.write("shards", source=f"{schema}.shard_*", target="shards", id=identity)

    result = commands.run(command, f"{schema}.{name}")

    assert result.exit_code == 0, result.exception
    assert result.stdout == ""
    assert result.stderr == f"the source has no table {schema}.{name} that its user may read\n"


def test_a_row_that_cannot_be_carried_over_says_why(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, j LONGTEXT)")
    source.execute(f"INSERT INTO {schema}.t VALUES (1, '{{not json'), (2, '[]')")
    fields = {"j": {"column": "j", "type": "json"}}
    commands.write("t", source=f"{schema}.t", target="t", fields=fields)

    bad, good = lines(commands.run("preview", f"{schema}.t", "--output", "json").stdout)

    assert bad["document"] is None
    assert "column `j`" in bad["note"]
    assert good["document"] == {"_id": 2, "j": []}


def test_a_table_is_previewed_by_every_mapping_that_follows_it(
    commands: MappingCommands, schema: str
) -> None:
    commands.write("one", source=f"{schema}.people", target="people")
    commands.write(
        "all", source=f"{schema}.p*", target="all", id=[{"source": "table"}, "id"], fields={}
    )

    found = lines(
        commands.run("preview", f"{schema}.people", "--limit", "1", "--output", "json").stdout
    )

    assert {each["target"] for each in found} == {"people", "all"}
    (by_glob,) = (each["document"] for each in found if each["target"] == "all")
    assert by_glob == {"_id": {"table": "people", "id": 1}}
