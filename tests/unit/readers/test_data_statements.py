from __future__ import annotations

import pytest
import yaml

from cdc.readers.data_statements import DataStatements, line
from cdc.readers.written_tables import Writes


def follows(schema: str, table: str) -> bool:
    return (schema, table) in {("shop", "orders"), ("shop", "*")}


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

    assert judge().pass_by(writes, told) is passes


@pytest.mark.parametrize("pattern", ["percona.checksums", "percona.*", "per*.check*"])
def test_a_statement_passes_that_writes_to_ignored_tables_alone(pattern: str) -> None:
    both = Writes((("percona", "checksums"), ("shop", "orders")))

    assert judge(pattern).pass_by(CHECKSUMS, None)
    assert judge(pattern).pass_by(CHECKSUMS, frozenset({"percona", "shop"}))
    assert not judge(pattern).pass_by(both, None)
    assert not judge("percona.other").pass_by(CHECKSUMS, None)


def test_a_table_that_a_pattern_names_by_mistake_is_followed_all_the_same() -> None:
    assert not judge("*.*").pass_by(Writes((("shop", "orders"),)), None)


def test_names_are_folded_as_the_server_folds_them() -> None:
    upper = Writes((("SHOP", "Orders"),))

    assert judge(folds_names=True).followed(upper) == "shop.orders"
    assert judge("percona.checksums", folds_names=True).pass_by(
        Writes((("Percona", "CheckSums"),)), None
    )


@pytest.mark.parametrize("name", [("percona", "checksums"), ("a.b", "c[d]*?"), ("日本", 'é"t')])
def test_the_line_to_write_matches_the_table_that_it_is_written_for(name: tuple[str, str]) -> None:
    key, _, value = line([name]).partition(": ")

    assert key == "source.ignore_statements_on"
    assert judge(*yaml.safe_load(value)).pass_by(Writes((name,)), None)
