from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from cdc.mapping.file.problems import MappingError
from cdc.mapping.types import charsets
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import applied, operations

CHARACTERS = [*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x20000, 97)]
ROWS_A_STATEMENT = 5000
OLD_NAMES = {"utf8": "utf8mb3"}
NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@pytest.fixture
def cursor(source: MySQLServer, schema: str) -> Iterator[Any]:
    """A cursor on a schema with the table `b` of byte pairs and `u` of characters."""
    with closing(source.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', group_concat_max_len = 16777216")
        cursor.execute("CREATE TABLE b (b VARBINARY(2))")
        cursor.execute("CREATE TABLE u (c VARCHAR(1) CHARACTER SET utf8mb4)")
        pairs = (number.to_bytes(size, "big") for size in (1, 2) for number in range(1 << 8 * size))
        fill(cursor, "b", pairs)
        fill(cursor, "u", map(chr, CHARACTERS))
        yield cursor


def fill(cursor: Any, table: str, values: Iterator[object]) -> None:
    while some := list(islice(values, ROWS_A_STATEMENT)):
        cursor.executemany(f"INSERT INTO {table} VALUES (%s)", [(one,) for one in some])


def decoded(decode: charsets.Decode, raw: bytes) -> str | None:
    try:
        return decode(raw)
    except ValueError:
        return None


@pytest.mark.slow
def test_every_character_and_byte_pair_is_decoded_as_the_server_does(
    source: MySQLServer, cursor: Any
) -> None:
    """All of them, but pairs of a charset of single bytes: there each byte is read by itself."""
    cursor.execute("SELECT character_set_name, maxlen FROM information_schema.character_sets")
    sizes = {OLD_NAMES.get(name, name): size for name, size in cursor.fetchall()}
    names = sizes.keys() - {"binary", "eucjpms"}
    assert names <= set(charsets.IDS)

    for name in sorted(names - charsets.UTF8):
        wrong = [
            *characters_read_otherwise(cursor, name),
            *bytes_read_otherwise(cursor, name, at_most=min(sizes[name], 2)),
        ]
        assert wrong == [], name


def characters_read_otherwise(cursor: Any, name: str) -> Iterator[tuple[str, object]]:
    """Characters that the server writes and reads back, but that are decoded as something else."""
    decode, _ = charsets.decoder(name) or pytest.fail(f"no decoder of {name}")
    written = f"CONVERT(c USING {name})"
    back = f"CONVERT({written} USING utf8mb4)"
    for character, raw in asked(cursor, "c", written, f"FROM u WHERE HEX({back}) = HEX(c)"):
        expected, found = character.decode(), decoded(decode, raw)
        if expected not in (NO_CHARACTER, found):
            yield expected, found


def bytes_read_otherwise(cursor: Any, name: str, *, at_most: int) -> Iterator[tuple[str, object]]:
    """Byte sequences that the server reads and writes back, but that are decoded otherwise."""
    decode, _ = charsets.decoder(name) or pytest.fail(f"no decoder of {name}")
    read = f"CONVERT(CONVERT(b USING {name}) USING utf8mb4)"
    back, short = f"CONVERT({read} USING {name})", f"LENGTH(b) <= {at_most}"
    for raw, text in asked(cursor, "b", read, f"FROM b WHERE {short} AND HEX({back}) = HEX(b)"):
        expected, found = text.decode(errors="replace"), decoded(decode, raw)
        if text and NO_CHARACTER not in expected and found != expected:
            yield raw.hex(), found


def asked(cursor: Any, one: str, other: str, of: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield two expressions' bytes of many rows, which come as one: the driver is slow a row."""
    cursor.execute(f"SELECT GROUP_CONCAT(HEX({one}), ' ', HEX({other}) SEPARATOR ',') {of}")
    [(text,)] = cursor.fetchall()
    for pair in text.split(",") if text else []:
        first, second = pair.split(" ")
        yield bytes.fromhex(first), bytes.fromhex(second)


def test_every_collation_is_known(source: MySQLServer) -> None:
    found = source.execute(
        "SELECT id, character_set_name FROM information_schema.collations"
        " WHERE id IS NOT NULL AND character_set_name <> 'binary'"
    )

    assert {number: charsets.charset(number) for number, _ in found} == {
        number: {"utf8": "utf8mb3"}.get(name, name) for number, name in found
    }


def test_a_charset_that_cannot_be_read_rightly_is_refused_by_name(
    source: MySQLServer, schema: str
) -> None:
    def act() -> None:
        columns = "id INT PRIMARY KEY, word VARCHAR(9) CHARACTER SET eucjpms"
        source.execute(f"CREATE TABLE {schema}.t ({columns})")
        source.execute(f"INSERT INTO {schema}.t VALUES (1, 'a')")

    with pytest.raises(MappingError) as refused:
        operations(source, schema, act)

    (mistake,) = refused.value.mistakes
    assert mistake.what == "column `word`: charset eucjpms is not supported"


def test_members_that_are_bytes_of_ascii_are_text(source: MySQLServer, schema: str) -> None:
    def act() -> None:
        columns = "e ENUM('a', 'b'), s SET('c', 'd')"
        source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, {columns}) CHARSET binary")
        source.execute(f"INSERT INTO {schema}.t VALUES (1, 'b', 'd')")

    (document,) = applied(operations(source, schema, act)).values()

    assert document == {"_id": 1, "e": "b", "s": ["d"]}
