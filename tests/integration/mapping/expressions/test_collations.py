"""The tables of weights and cases are the servers' own."""

from __future__ import annotations

from contextlib import closing

import pytest

from cdc.mapping.expressions import collations, weights
from cdc.mapping.expressions.collations import Collation
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.expressions.support import tables
from tests.support.features import UCA1400, has

OF_SERVER = {
    "mysql": ["utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"],
    "mariadb": ["utf8mb4_uca1400_ai_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"],
}
NOT_EVERYWHERE = {"utf8mb4_uca1400_ai_ci": UCA1400}
WILD = frozenset("%_\\")


def covered(name: str) -> Collation:
    found = collations.named(name)
    assert found is not None
    return found


def collations_of(server: MySQLServer) -> list[str]:
    return [
        name
        for name in OF_SERVER[server.flavour]
        if name not in NOT_EVERYWHERE or has(server, NOT_EVERYWHERE[name])
    ]


@pytest.fixture
def numbers(source: MySQLServer, schema: str, budget: int) -> list[int]:
    """The characters of the table `u`: one plane, or all of them with a larger budget."""
    chosen = tables.CHARACTERS if budget > 1 else tables.CHARACTERS[: 0x10000 - 0x800]
    tables.characters(source, schema, chosen)
    return chosen


@pytest.mark.slow
def test_every_character_weighs_what_the_server_says(
    source: MySQLServer, schema: str, numbers: list[int]
) -> None:
    for name in collations_of(source):
        collation = covered(name)
        if collation.table:
            told = tables.told(source, schema, "WEIGHT_STRING", name)
            assert len(told) == len(numbers)
            wrong = [n for n, value in told if hexadecimal(collation.weigh(chr(n))) != value]
            assert wrong == [], name


def hexadecimal(key: str) -> str:
    return "".join(f"{ord(weight):04X}" for weight in key)


@pytest.mark.slow
def test_every_character_has_the_case_that_the_server_gives(
    source: MySQLServer, schema: str, numbers: list[int]
) -> None:
    for name in collations_of(source):
        for case in ("lower", "upper"):
            table = weights.cases(covered(name).cases, case)
            told = tables.told(source, schema, case, name)
            assert len(told) == len(numbers)
            wrong = [
                n for n, value in told if table.get(n, chr(n)) != bytes.fromhex(value).decode()
            ]
            assert wrong == [], (name, case)


def test_like_takes_characters_for_each_other_as_the_server_does(
    source: MySQLServer, schema: str, numbers: list[int]
) -> None:
    for name in collations_of(source):
        pairs = suspects(covered(name), numbers)
        wrong = [
            (one, other)
            for (one, other), alike in zip(pairs, liked(source, schema, name, pairs), strict=True)
            if alike != (covered(name).fold(one) == covered(name).fold(other))
        ]
        assert wrong == [], name


def suspects(collation: Collation, numbers: list[int]) -> list[tuple[str, str]]:
    """Pairs of characters that weigh the same, or begin with the same weight."""
    met: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for character in map(chr, numbers):
        if character in WILD:
            continue
        key = collation.weigh(character)
        pairs += [(character, met[some]) for some in {key, key[:1]} if some in met]
        met.setdefault(key, character)
    return pairs


def liked(source: MySQLServer, schema: str, name: str, pairs: list[tuple[str, str]]) -> list[bool]:
    column = f"VARCHAR(1) CHARACTER SET utf8mb4 COLLATE {name}"
    with closing(source.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS p")
        cursor.execute(f"CREATE TABLE p (n INT PRIMARY KEY, a {column}, b {column})")
        rows = [(at, one, other) for at, (one, other) in enumerate(pairs)]
        for at in range(0, len(rows), 10_000):
            cursor.executemany("INSERT INTO p VALUES (%s, %s, %s)", rows[at : at + 10_000])
        cursor.execute("SELECT a LIKE b FROM p ORDER BY n")
        return [bool(alike) for (alike,) in cursor.fetchall()]
