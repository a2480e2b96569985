"""Reads the tables of `cdc/mapping/expressions/tables` off the servers.

`python -m tests.integration.mapping.expressions.support.tables` writes them anew.
"""

from __future__ import annotations

import lzma
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

from cdc.mapping.expressions import weights
from cdc_sandbox.servers import MySQLServer, mysql_server

CHARACTERS = [number for number in range(0x110000) if not 0xD800 <= number < 0xE000]
FOLDER = Path(weights.__file__).parent / "tables"
ROWS_A_STATEMENT = 20_000
WEIGHTS = {
    "general": ("mysql", "utf8mb4_general_ci"),
    "unicode": ("mysql", "utf8mb4_unicode_ci"),
    "0900": ("mysql", "utf8mb4_0900_ai_ci"),
    "uca1400": ("mariadb", "utf8mb4_uca1400_ai_ci"),
}
"""Tables, and the server and collation that they are read from."""
LATIN1_WEIGHTS = ("latin1_swedish", "latin1_general", "latin1_bin")
CASES = {
    "bin": ("mysql", "utf8mb4_bin"),
    "0900": ("mysql", "utf8mb4_0900_ai_ci"),
    "uca1400": ("mariadb", "utf8mb4_uca1400_ai_ci"),
}
PREFIXED = (
    (map(chr, range(0x0E40, 0x0E45)), map(chr, range(0x0E01, 0x0E2F))),
    (map(chr, range(0x0EC0, 0x0EC5)), map(chr, (*range(0x0E81, 0x0EAF), *range(0x0EDC, 0x0EE0)))),
    (map(chr, (0xAAB5, 0xAAB6, 0xAAB9, 0xAABB, 0xAABC)), map(chr, range(0xAA80, 0xAAB0))),
    (map(chr, (0x19B5, 0x19B6, 0x19B7, 0x19BA)), map(chr, range(0x1980, 0x19AC))),
)
"""Vowels that are written before the consonants behind which they sort: Thai, Lao, Tai."""
Values = list[tuple[int, str]]


def characters(server: MySQLServer, schema: str, numbers: Sequence[int] = CHARACTERS) -> None:
    """Fill the table `u` with characters."""
    with closing(server.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE u (n INT PRIMARY KEY, c VARCHAR(1) CHARACTER SET utf8mb4)")
        for at in range(0, len(numbers), ROWS_A_STATEMENT):
            some = numbers[at : at + ROWS_A_STATEMENT]
            rows = (f"({one}, _utf8mb4 x'{chr(one).encode().hex()}')" for one in some)
            cursor.execute(f"INSERT INTO u VALUES {', '.join(rows)}")


def told(server: MySQLServer, schema: str, function: str, collation: str) -> Values:
    """What the server says about each character, in hexadecimal digits.

    The case of a character is asked for with room behind it: MySQL cuts what grows.
    """
    value = f"{function}(c COLLATE {collation})"
    if function in ("lower", "upper"):
        value = f"SUBSTRING({function}(CONCAT(c, '12345') COLLATE {collation}), 1, 1)"
    with closing(server.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT n, HEX({value}) FROM u ORDER BY n")
        return [(number, str(value)) for number, value in cursor.fetchall()]


def told_latin1(server: MySQLServer, function: str, collation: str) -> Values:
    """The same for each character of latin1, in the order of Unicode."""
    found = []
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for byte in range(256):
            text = f"(_latin1 x'{byte:02x}' COLLATE {collation})"
            value = f"{function}{text}"
            if function != "WEIGHT_STRING":
                value = f"CONVERT({value} USING utf8mb4)"
            cursor.execute(f"SELECT HEX(CONVERT({text} USING utf8mb4)), HEX({value})")
            character, answer = cursor.fetchone() or ("", "")
            found.append((ord(bytes.fromhex(character).decode()), str(answer)))
    return sorted(found)


def widened(values: Values) -> Values:
    """Weights of one byte in four digits."""
    return [(number, value.rjust(4, "0")) for number, value in values]


def contractions(server: MySQLServer, collation: str, table: str) -> Iterator[str]:
    """The lines of a table of contractions: what weighs otherwise together."""
    single = weights.weights(table)
    candidates = sorted(sequences())
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for characters in candidates:
            digits = "".join(characters).encode().hex()
            cursor.execute(f"SELECT HEX(WEIGHT_STRING(_utf8mb4 x'{digits}' COLLATE {collation}))")
            ((value,),) = cursor.fetchall()
            apart = "".join(single[ord(one)] for one in characters)
            if value != "".join(f"{ord(one):04X}" for one in apart):
                yield " ".join([*(f"{ord(one):x}" for one in characters), value or "-"])


def sequences() -> set[str]:
    """Sequences that can be contractions: of DUCET, and the decompositions of Unicode."""
    found = {"".join(pair) for vowels, letters in PREFIXED for pair in product(vowels, letters)}
    for number in CHARACTERS:
        decomposed = unicodedata.normalize("NFD", chr(number))
        halves = unicodedata.decomposition(chr(number)).split()
        found.add(decomposed)
        if len(halves) == 2 and not halves[0].startswith("<"):
            found.add("".join(chr(int(one, 16)) for one in halves))
    found |= {one + dot for one in "Ll" for dot in "\u00b7\u0387"}
    found |= {"\u0fb2\u0f71\u0f80", "\u0fb3\u0f71\u0f80", "\u0fb2\u0f71", "\u0fb3\u0f71"}
    return {one for one in found if len(one) in (2, 3) and "\uac00" not in one}


def runs(values: Iterable[tuple[int, str]]) -> Iterator[str]:
    """The lines of a table of weights."""
    first, previous = -1, -2
    start = last = ""
    step: int | None = None
    for number, value in values:
        growth = _growth(last, value)
        if number == previous + 1 and growth in (0, 1) and step in (None, growth):
            step = growth
        else:
            if first >= 0:
                yield f"{first:x} {start or '-'} {step or 0:x}"
            first, start, step = number, value, None
        previous, last = number, value
    yield f"{first:x} {start or '-'} {step or 0:x}"


def _growth(one: str, other: str) -> int | None:
    if one == other:
        return 0
    if not one or len(one) != len(other) or one[:-4] != other[:-4]:
        return None
    return int(other[-4:], 16) - int(one[-4:], 16)


def pairs(values: Iterable[tuple[int, str]]) -> Iterator[str]:
    """The lines of a table of cases."""
    for number, value in values:
        other = bytes.fromhex(value).decode()
        if other != chr(number):
            yield " ".join(f"{one:x}" for one in (number, *map(ord, other)))


def write(name: str, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    data = lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)
    (FOLDER / f"{name}.xz").write_bytes(data)
    print(f"{name}: {len(data)} bytes")


def main() -> None:
    for flavour in ("mysql", "mariadb"):
        with (
            tempfile.TemporaryDirectory() as folder,
            mysql_server(flavour, data_dir=Path(folder)) as server,
        ):
            server.execute("CREATE DATABASE tables")
            read_off(server, "tables")


def read_off(server: Any, schema: str) -> None:
    characters(server, schema)
    for table, (flavour, collation) in WEIGHTS.items():
        if flavour == server.flavour:
            write(f"weights-{table}", runs(told(server, schema, "WEIGHT_STRING", collation)))
    for table, (flavour, collation) in CASES.items():
        for case in ("lower", "upper"):
            if flavour == server.flavour:
                write(f"{case}-{table}", pairs(told(server, schema, case, collation)))
    if server.flavour == "mariadb":
        lines = contractions(server, "utf8mb4_uca1400_ai_ci", "uca1400")
        write("contractions-uca1400", lines)
        return
    for table in LATIN1_WEIGHTS:
        collation = table if table.endswith("_bin") else f"{table}_ci"
        write(f"weights-{table}", latin1_runs(server, collation))
    for case in ("lower", "upper"):
        write(f"{case}-latin1", pairs(told_latin1(server, case, "latin1_bin")))


def latin1_runs(server: MySQLServer, collation: str) -> Iterator[str]:
    return runs(widened(told_latin1(server, "WEIGHT_STRING", collation)))


if __name__ == "__main__":
    main()
