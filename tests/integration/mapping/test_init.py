"""`cdc mapping init` on real tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.errors import UsageError
from cdc.mapping.file.json_schema import FILE_NAME
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.command_line import MappingCommands
from tests.support.features import INET4, UUIDS, has, needs

ORDERS = """
    id BIGINT PRIMARY KEY,
    customer_id INT NOT NULL COMMENT 'who pays',
    paid TINYINT(1) NOT NULL, small TINYINT,
    extra JSON, created_at DATETIME(6) NOT NULL,
    `odd.name` VARCHAR(20), `off` INT,
    CONSTRAINT pays FOREIGN KEY (customer_id) REFERENCES customers (id)
"""


@pytest.fixture
def commands(tmp_path: Path, source: MySQLServer) -> MappingCommands:
    return MappingCommands(tmp_path, source)


def without_comments(text: str) -> list[str]:
    stripped = (line.partition("  #")[0] for line in text.splitlines())
    return [line for line in stripped if not line.lstrip().startswith("#")]


def test_a_table_becomes_a_mapping_with_the_types_that_people_want(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.customers (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.orders ({ORDERS}) COMMENT 'one\nan order'")

    result = commands.run("init", f"{schema}.orders")

    assert result.exit_code == 0, result.output
    json_type = "{column: extra, type: json}" if source.flavour == "mariadb" else "extra"
    assert without_comments(result.stdout) == [
        f"source: {schema}.orders",
        "target: orders",
        "id: id",
        "fields:",
        "  customer_id: customer_id",
        "  paid: {column: paid, type: bool}",
        "  small: small",
        f"  extra: {json_type}",
        "  created_at: created_at",
        "  odd_name: odd.name",
        '  "off": "off"',
    ]
    assert f"# {schema}.orders: one an order\n" in result.stdout
    assert f"customer_id  # refers to {schema}.customers.id; “who pays”\n" in result.stdout
    assert "microseconds below a millisecond are cut" in result.stdout


@pytest.mark.parametrize("embedding", ["orders", "customers"])
def test_foreign_keys_are_proposed_as_embeds_that_can_be_taken_as_they_are(
    commands: MappingCommands,
    source: MySQLServer,
    schema: str,
    embedding: str,
) -> None:
    source.execute(f"CREATE TABLE {schema}.customers (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.orders ({ORDERS})")
    commands.run("init", f"{schema}.*", "--output", str(commands.mappings))
    [file] = commands.mappings.glob(f"*{embedding}.yaml")

    proposed = file.read_text()
    file.write_text(proposed.replace("# embed:", "embed:").replace("#   ", "  "))

    assert {
        "orders": "#   customer: {one: customers, on: customer_id}\n",
        "customers": "#   orders: {many: orders, on: customer_id, limit: 500}\n",
    }[embedding] in proposed
    checked = commands.run("check")
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("embedding", "proposed"),
    [
        (
            "trips",
            "#   places: {one: places, on: start}\n"
            "#   ends_at: {one: places, on: ends_at_id}\n"
            "#   round_places: {one: places, on: round}\n"
            "#   trams: {one: trams, on: {tram_line: _id.line, tram_id: _id.id}}\n",
        ),
        (
            "places",
            "#   trips: {many: trips, on: start, limit: 500}\n"
            "#   trips_ends_at_id: {many: trips, on: ends_at_id, limit: 500}\n"
            "#   trips_round: {many: trips, on: round, limit: 500}\n",
        ),
        (
            "trams",
            "#   trips: {many: trips, on: {_id.line: tram_line, _id.id: tram_id}, limit: 500}\n",
        ),
    ],
)
def test_each_of_several_foreign_keys_is_proposed_and_one_of_several_columns(
    commands: MappingCommands, source: MySQLServer, schema: str, embedding: str, proposed: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.places (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.trams (line INT, id INT, PRIMARY KEY (line, id))")
    source.execute(
        f"CREATE TABLE {schema}.trips (id INT PRIMARY KEY, start INT, ends_at_id INT, round INT,"
        " tram_id INT, tram_line INT,"
        " CONSTRAINT a FOREIGN KEY (start) REFERENCES places (id),"
        " CONSTRAINT b FOREIGN KEY (ends_at_id) REFERENCES places (id),"
        " CONSTRAINT c FOREIGN KEY (round) REFERENCES places (id),"
        " CONSTRAINT d FOREIGN KEY (tram_line, tram_id) REFERENCES trams (line, id))"
    )
    commands.run("init", f"{schema}.*", "--output", str(commands.mappings))
    [file] = commands.mappings.glob(f"*{embedding}.yaml")

    written = file.read_text()
    file.write_text(written.replace("# embed:", "embed:").replace("#   ", "  "))

    assert written.endswith(f"# embed:\n{proposed}")
    checked = commands.run("check")
    assert checked.exit_code == 0, checked.output


def test_what_it_writes_passes_the_check(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.customers (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.orders ({ORDERS})")
    source.execute(f"CREATE TABLE {schema}.lines (a INT, b INT, PRIMARY KEY (b, a))")
    own = "id UUID PRIMARY KEY, a INET4" if has(source, INET4) else "id INT PRIMARY KEY"
    source.execute(f"CREATE TABLE {schema}.own ({own})")

    written = commands.run("init", f"{schema}.*", "--output", str(commands.mappings))
    checked = commands.run("check")

    assert written.exit_code == 0, written.output
    assert checked.exit_code == 0, checked.exception
    assert sorted(path.name for path in commands.mappings.iterdir()) == sorted(
        [FILE_NAME, "customers.yaml", "lines.yaml", "orders.yaml", "own.yaml"]
    )
    assert "id: [b, a]\nfields: {}\n" in (commands.mappings / "lines.yaml").read_text()


def test_a_key_that_holds_the_clock_of_a_zone_becomes_its_text(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    columns = "at DATETIME, sensor INT, seen DATETIME, PRIMARY KEY (at, sensor)"
    source.execute(f"CREATE TABLE {schema}.readings ({columns})")
    commands.source["time_zone"] = "Europe/Berlin"

    written = commands.run("init", f"{schema}.*", "--output", str(commands.mappings))
    checked = commands.run("check")

    assert written.exit_code == 0, written.output
    mapping = (commands.mappings / "readings.yaml").read_text()
    assert "id: [{column: at, type: string}, sensor]\nfields:\n  seen: seen\n" in mapping
    assert checked.exit_code == 0, checked.exception


@needs(UUIDS, INET4)
def test_uuid_and_addresses_of_mariadb_get_their_types(
    tmp_path: Path, mariadb: MySQLServer
) -> None:
    commands = MappingCommands(tmp_path, mariadb)
    mariadb.execute("CREATE DATABASE IF NOT EXISTS init_types")
    mariadb.execute(
        "CREATE OR REPLACE TABLE init_types.t (id UUID PRIMARY KEY, u UUID, four INET4, six INET6)"
    )

    result = commands.run("init", "init_types.t")

    assert without_comments(result.stdout)[2:] == [
        "id: {column: id, type: uuid}",
        "fields:",
        "  u: {column: u, type: uuid}",
        "  four: {column: four, type: inet4}",
        "  six: {column: six, type: inet6}",
    ]


def test_generated_columns_that_mariadb_may_not_log_are_comments(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT, v INT AS (a * 2) VIRTUAL,"
        " s INT AS (a + 1) STORED COMMENT 'one more', made DATETIME DEFAULT (now()))"
    )

    result = commands.run("init", f"{schema}.t")

    assert result.exit_code == 0, result.output
    fields = ["  a: a", "  v: v", "  s: s", "  made: made"]
    if source.flavour == "mariadb":
        fields = ["  a: a", "  made: made"]
        reason = "is left out: MariaDB 11.8 logs no generated columns in updates and deletes\n"
        assert f"  # generated as `a` * 2, which `sql` may compute\n  # v {reason}" in result.stdout
        assert f"which `sql` may compute; “one more”\n  # s {reason}" in result.stdout
    assert [*filter(None, without_comments(result.stdout)[4:])] == fields


def test_no_file_is_written_over_without_force(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.a (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.b (id INT PRIMARY KEY)")
    kept = commands.write("b", source=f"{schema}.b", target="b")
    arguments = (f"{schema}.?", "--output", str(commands.mappings))

    refused = commands.run("init", *arguments)

    assert isinstance(refused.exception, UsageError)
    assert "b.yaml; nothing was written" in str(refused.exception)
    assert str(refused.exception.remedy).endswith(f"that have none: {schema}.a")
    assert [path.name for path in commands.mappings.iterdir()] == ["b.yaml"]
    assert commands.run("init", f"{schema}.a", *arguments[1:]).exit_code == 0
    assert commands.run("init", *arguments, "--force").exit_code == 0
    assert kept.read_text().endswith("id: id\nfields: {}\n")


def test_a_target_that_another_mapping_has_is_not_taken(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    commands.write("old", source="other.orders", target="orders")

    result = commands.run("init", f"{schema}.orders")

    assert f"target: {schema}_orders\n" in result.stdout


def test_a_table_without_a_key_is_refused_and_the_others_are_written(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.keyless (a INT UNIQUE)")
    source.execute(f"CREATE TABLE {schema}.keyed (a INT NOT NULL UNIQUE)")

    result = commands.run("init", f"{schema}.keyed", f"{schema}.keyless")

    assert f"source: {schema}.keyed\n" in result.stdout
    assert "keyless" not in result.stdout
    assert isinstance(result.exception, UsageError)
    assert f"{schema}.keyless is left out: table {schema}.keyless has no primary key" in str(
        result.exception
    )


def test_a_view_in_a_mapping_is_called_one(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE VIEW {schema}.seen AS SELECT 1 AS id")
    commands.write("seen", source=f"{schema}.seen", target="seen")

    for command in (("check",), ("preview", f"{schema}.seen"), ("explain", f"{schema}.seen")):
        told = str(commands.run(*command).exception)
        assert f"{schema}.seen is a view, which has no rows of its own to follow" in told


def test_a_table_that_is_not_there_is_named(
    commands: MappingCommands, source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    source.execute(f"CREATE VIEW {schema}.seen AS SELECT * FROM {schema}.orders")

    misspelt = commands.run("init", f"{schema}.order")
    view = commands.run("init", f"{schema}.seen")
    alone = commands.run("init", "orders")

    assert f"did you mean `{schema}.orders`?" in str(misspelt.exception)
    assert str(view.exception).startswith(
        f"{schema}.seen is a view, which has no rows of its own to follow"
    )
    assert "mean" not in str(view.exception)
    own = commands.run("init", "mysql.db")
    assert "a table of the server's own" in str(own.exception)
    assert str(alone.exception).startswith("the source has no table orders that its user may read")
