"""`cdc check` on mappings that follow shards by glob, and on the indexes they ask for."""

from __future__ import annotations

from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.integration.preflight.support.checked import Check, Setup

BY_TABLE: list[object] = [{"source": "table"}, "id"]


def follow_shards(setup: Setup, schema: str, **keys: object) -> None:
    setup.follow(f"{schema}.orders_*", target="orders", id=BY_TABLE, **keys)


def test_every_table_that_a_glob_matches_is_judged(
    setup: Setup, source: MySQLServer, schema: str, check: Check
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders_1 (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.orders_2 (id INT PRIMARY KEY) ENGINE = MyISAM")
    source.execute(f"CREATE TABLE {schema}.others (id INT PRIMARY KEY) ENGINE = MyISAM")
    follow_shards(setup, schema)

    code, found = check()

    assert code == 3
    assert found[f"glob {schema}.orders_*"][:2] == ("ok", "matches 2 tables")
    assert found[f"table {schema}.orders_1"][0] == "ok"
    assert found[f"table {schema}.orders_2"][0] == "unfit"
    assert f"table {schema}.others" not in found


def test_a_shard_that_the_mapping_does_not_fit_is_named(
    setup: Setup, source: MySQLServer, schema: str, check: Check
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders_1 (id INT PRIMARY KEY)")
    source.execute(f"CREATE TABLE {schema}.orders_2 (number INT PRIMARY KEY)")
    follow_shards(setup, schema)

    code, found = check()

    assert code == 2
    assert found[f"mapping {schema}.orders_1"][0] == "ok"
    assert found[f"mapping {schema}.orders_2"][0] == "wrong"


def test_a_glob_that_matches_no_table_yet_is_only_a_warning(
    setup: Setup, schema: str, check: Check
) -> None:
    follow_shards(setup, schema)

    code, found = check()

    assert code == 0
    assert found[f"glob {schema}.orders_*"][0] == "warning"


def test_indexes_are_told_as_there_to_come_or_in_the_way(
    setup: Setup, schema: str, check: Check, mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        client[database]["orders"].create_index([("a", 1)])
        client[database]["orders"].create_index([("c", 1)], name="mine")
    follow_shards(
        setup, schema, indexes=[{"keys": {"a": 1}}, {"keys": {"b": 1}}, {"keys": {"c": 1}}]
    )

    code, found = check()

    assert code == 3
    assert found["index a_1 of orders"][:2] == ("ok", "is there")
    assert found["index b_1 of orders"][:2] == ("ok", "will be created at the start")
    assert found["index c_1 of orders"][:2] == ("unfit", "it is there under another name, mine")
