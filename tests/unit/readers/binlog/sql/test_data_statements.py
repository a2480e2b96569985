from __future__ import annotations

import pytest
import yaml

from cdc.model.transaction import ANY_TABLE
from cdc.readers.binlog.sql.data_statements import Concern, DataStatements
from cdc.readers.binlog.sql.written_tables import Writes


def follows(schema: str, table: str) -> bool:
    return (schema, table) in {("shop", "orders"), ("shop", ANY_TABLE)}


def judge(*ignored: str, folds_names: bool = False) -> DataStatements:
    return DataStatements(follows, ignored, folds_names=folds_names)


HEARTBEAT = Writes((("mysql", "heartbeat"),), plain=True)
CHECKSUMS = Writes((("percona", "checksums"),), plain=False)
NOTHING_TOLD = Writes()


@pytest.mark.parametrize(
    ("writes", "schemas", "passes"),
    [
        (HEARTBEAT, None, True),
        (HEARTBEAT, {"mysql"}, True),
        (HEARTBEAT, {"mysql", "shop"}, False),
        (HEARTBEAT._replace(plain=False), None, False),
        (CHECKSUMS._replace(plain=True), None, False),
        (CHECKSUMS, {"percona", "shop"}, False),
        (CHECKSUMS, {"percona", "other"}, True),
        (NOTHING_TOLD, None, False),
        (NOTHING_TOLD, {"other"}, True),
        (Writes((("sys", "sys_config"),), plain=True), None, False),
        (Writes((("shop", "orders"),), plain=True), None, False),
    ],
)
def test_a_statement_passes_that_certainly_changes_no_followed_table(
    writes: Writes, schemas: set[str] | None, passes: bool
) -> None:
    told = None if schemas is None else frozenset(schemas)

    assert (judge().concern(writes, told) is None) is passes


@pytest.mark.parametrize("pattern", ["percona.checksums", "percona.*", "per*.check*"])
def test_a_statement_passes_that_writes_to_ignored_tables_alone(pattern: str) -> None:
    both = Writes((("percona", "checksums"), ("shop", "orders")))

    assert judge(pattern).concern(CHECKSUMS, None) is None
    assert judge(pattern).concern(CHECKSUMS, frozenset({"percona", "shop"})) is None
    assert judge(pattern).concern(both, None) == Concern("shop.orders")
    assert judge("percona.other").concern(CHECKSUMS, None) is not None


def test_a_table_that_a_pattern_names_by_mistake_is_followed_all_the_same() -> None:
    assert judge("*.*").concern(Writes((("shop", "orders"),)), None) == Concern("shop.orders")


def test_names_are_folded_as_the_server_folds_them() -> None:
    upper = Writes((("SHOP", "Orders"),))

    checksums = Writes((("Percona", "CheckSums"),))

    assert judge(folds_names=True).concern(upper, None) == Concern("shop.orders")
    assert judge("percona.checksums", folds_names=True).concern(checksums, None) is None


@pytest.mark.parametrize("name", [("percona", "checksums"), ("a.b", "c[d]*?"), ("日本", 'é"t')])
def test_the_line_to_write_matches_the_table_that_it_is_written_for(name: tuple[str, str]) -> None:
    concern = judge().concern(Writes((name,)), None)
    assert concern is not None
    key, _, value = concern.or_else.partition("source.")[2].partition(": ")

    patterns = yaml.safe_load(value.partition(" and start")[0])

    assert key == "ignore_statements_on"
    assert judge(*patterns).concern(Writes((name,)), None) is None
