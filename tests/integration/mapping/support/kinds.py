"""Column types, values for them, and what SELECT says that a document must then hold.

The oracle: nothing here is shared with `cdc.mapping`. Each kind asks the server for text.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import bson
from bson.decimal128 import Decimal128
from hypothesis import strategies as st

from cdc_sandbox.servers import Flavour, MySQLServer
from tests.support import features

BOTH: frozenset[Flavour] = frozenset({"mysql", "mariadb"})
MYSQL: frozenset[Flavour] = frozenset({"mysql"})
MARIADB: frozenset[Flavour] = frozenset({"mariadb"})


@dataclass(frozen=True, repr=False)
class Kind:
    """A column type: how to fill it, how to ask for it, and what the answer means."""

    sql: str
    values: st.SearchStrategy[Any]
    limits: tuple[Any, ...]
    expect: Callable[[str], Any]
    select: str = "CAST({} AS CHAR)"
    insert: str = "%s"
    type: str | None = None
    flavours: frozenset[Flavour] = BOTH
    feature: features.Feature | None = None

    def is_of(self, server: MySQLServer) -> bool:
        """Whether this server, by its flavour and version, has the type."""
        return server.flavour in self.flavours and (
            self.feature is None or features.has(server, self.feature)
        )

    @property
    def mixed(self) -> st.SearchStrategy[Any]:
        """NULL, random values, and those limits that can be shown when a test fails."""
        short = [limit for limit in self.limits if len(str(limit)) < 200]
        return st.none() | self.values | st.sampled_from(short)

    def __repr__(self) -> str:
        return self.sql.replace(" ", "_") + (f":{self.type}" if self.type else "")


def integer(sql: str, low: int, high: int) -> Kind:
    def expect(text: str) -> Any:
        number = int(text)
        if number > (1 << 63) - 1:
            return Decimal128(str(number))
        return bson.Int64(number) if low < -(1 << 31) or high >= 1 << 31 else number

    return Kind(sql, st.integers(low, high), (low, low + 1, 0, 1, high - 1, high), expect)


INTEGERS = [
    integer(f"{name} {'UNSIGNED' * unsigned}".strip(), *limits)
    for name, bits in (
        ("TINYINT", 8),
        ("SMALLINT", 16),
        ("MEDIUMINT", 24),
        ("INT", 32),
        ("BIGINT", 64),
    )
    for unsigned, limits in (
        (False, (-(1 << bits - 1), (1 << bits - 1) - 1)),
        (True, (0, (1 << bits) - 1)),
    )
]


def decimal(precision: int, scale: int) -> Kind:
    most = Decimal(10**precision - 1).scaleb(-scale)
    values = st.integers(-(10**precision) + 1, 10**precision - 1).map(
        lambda number: f"{'-' * (number < 0)}{abs(number)}e-{scale}"
    )
    expect = Decimal128 if precision <= 34 else str
    limits = (f"{most:f}", f"-{most:f}", "0", f"1e-{scale}", f"-1e-{scale}")
    return Kind(f"DECIMAL({precision},{scale})", values, limits, expect)


SIZES = (
    *[(1, 0), (5, 2), (9, 9), (10, 0), (12, 2), (14, 4), (18, 9), (19, 0), (20, 10)],
    *[(27, 18), (34, 30), (34, 0), (35, 5), (65, 30), (65, 0)],
)
DECIMALS = [decimal(*size) for size in SIZES]


def shortest_single(text: str) -> float:
    """The double with the fewest digits that rounds to the single that the server holds."""
    single = struct.pack("<f", float(text))
    candidates = (float(f"{float(text):.{digits}g}") for digits in range(1, 18))
    return next(one for one in candidates if abs(one) < 3.5e38 and _packs(one, single))


def _packs(number: float, single: bytes) -> bool:
    try:
        return struct.pack("<f", number) == single
    except OverflowError:
        return False


FLOATS = [
    Kind(
        "FLOAT",
        st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
        (0.0, -0.0, 0.1, 16777216.0, 3.4028234e38, -3.4028234e38, 1.1754944e-38),
        shortest_single,
        select="CAST({} * 1E0 AS CHAR)",  # + 0E0 would lose the sign of -0
    ),
    Kind(
        "DOUBLE",
        st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
        (0.0, -0.0, 0.1, 1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308),
        float,
    ),
]

ZEROS = ("0000-00-00 00:00:00", "2024-00-10 01:02:03", "2024-05-00 00:00:00", "2023-02-31 00:00:00")


def moment(text: str) -> datetime | None:
    """A date with its microseconds cut to milliseconds; None for what no calendar has."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _moments(first: datetime, last: datetime) -> st.SearchStrategy[str]:
    return st.datetimes(first, last).map(lambda one: one.isoformat(" "))


DATES = [
    Kind(
        f"DATETIME({digits})",
        _moments(datetime(1, 1, 1), datetime(9999, 12, 30)),
        ("0001-01-01 00:00:00", "1969-12-31 23:59:59", "9999-12-31 23:59:59", *ZEROS),
        moment,
    )
    for digits in range(7)
]
DATES += [
    Kind(
        f"TIMESTAMP({digits}) NULL",
        _moments(datetime(1970, 1, 2), datetime(2038, 1, 18)),
        ("1970-01-01 00:00:01", "2038-01-19 03:14:07", "0000-00-00 00:00:00"),
        moment,
    )
    for digits in range(7)
]
DATES += [
    Kind(
        "DATE",
        st.dates().map(str),
        ("0001-01-01", "9999-12-31", "0000-00-00", "2024-00-01", "2023-02-31"),
        moment,
    ),
    Kind("DATE", st.dates().map(str), ("0000-00-00", "2024-00-00"), str, type="string"),
    Kind(
        "DATETIME(6)",
        _moments(datetime(1, 1, 1), datetime(9999, 12, 30)),
        ("0000-00-00 00:00:00", "2023-02-31 01:02:03.000001"),
        str,
        type="string",
    ),
    Kind(
        "TIMESTAMP(3) NULL",
        _moments(datetime(1970, 1, 2), datetime(2038, 1, 18)),
        ("0000-00-00 00:00:00",),
        str,
        type="string",
    ),
    Kind("YEAR", st.integers(1901, 2155), (0, 1901, 2155), int),
]


def time(digits: int) -> Kind:
    def text(sign: str, hour: int, minute: int, second: int, fraction: int) -> str:
        point = f".{fraction:0{digits}d}" if digits else ""
        return f"{sign}{hour}:{minute}:{second}{point}"

    values = st.builds(
        text,
        st.sampled_from(["", "-"]),
        st.integers(0, 837),
        st.integers(0, 59),
        st.integers(0, 59),
        st.integers(0, 10**digits - 1),
    )
    limits = ("00:00:00", "838:59:59", "-838:59:59", "-00:00:00.1", "-00:00:01", "-24:00:00")
    return Kind(f"TIME({digits})", values, limits, str)


TIMES = [time(digits) for digits in range(7)]


def unhex_text(text: str) -> str:
    return bytes.fromhex(text).decode()


def characters(sql: str, alphabet: str, *, flavours: frozenset[Flavour] = BOTH) -> Kind:
    text = st.text(alphabet, max_size=20)
    return Kind(
        sql,
        text,
        ("", alphabet[:10], alphabet[-10:]),
        unhex_text,
        select="HEX(CONVERT({} USING utf8mb4))",
        flavours=flavours,
    )


LATIN = "azAZ09 äöüßÄÖÜéèñç€Ÿ"
CHARACTERS = [
    characters("CHAR(20) CHARACTER SET utf8mb4", LATIN + "漢字🐬\0"),
    characters("CHAR(255) CHARACTER SET utf8mb4", LATIN + "漢字🐬"),
    characters("VARCHAR(20) CHARACTER SET utf8mb4", LATIN + "漢字🐬\0"),
    characters("VARCHAR(2000) CHARACTER SET utf8mb4", LATIN + "漢字🐬"),
    characters("TINYTEXT CHARACTER SET utf8mb4", LATIN + "漢字"),
    characters("TEXT CHARACTER SET utf8mb4", LATIN + "漢字🐬"),
    characters("MEDIUMTEXT CHARACTER SET utf8mb4", LATIN + "漢字🐬"),
    characters("LONGTEXT CHARACTER SET utf8mb4", LATIN + "漢字🐬"),
    characters("VARCHAR(20) CHARACTER SET utf8mb3", LATIN + "漢字"),
    characters("VARCHAR(20) CHARACTER SET ascii", "azAZ09 \x7f"),
    characters("VARCHAR(20) CHARACTER SET latin1", LATIN + "\x81\x8d\x8f\x90\x9d"),
    characters("CHAR(20) CHARACTER SET latin1", LATIN),
    characters("VARCHAR(20) CHARACTER SET latin2", "azőűŁł"),
    characters("VARCHAR(20) CHARACTER SET latin5", "azğışİ"),
    characters("VARCHAR(20) CHARACTER SET latin7", "azāčņž"),
    characters("VARCHAR(20) CHARACTER SET cp850", "azéüß░█"),
    characters("VARCHAR(20) CHARACTER SET cp852", "azőűŁł"),
    characters("VARCHAR(20) CHARACTER SET cp866", "azЯяⁿ²Ё"),
    characters("VARCHAR(20) CHARACTER SET cp1250", "azőűŁł€"),
    characters("VARCHAR(20) CHARACTER SET cp1251", "azЯяЁ€"),
    characters("VARCHAR(20) CHARACTER SET cp1256", "azابت€"),
    characters("VARCHAR(20) CHARACTER SET cp1257", "azāčņž€"),
    characters("VARCHAR(20) CHARACTER SET koi8r", "azЯяЁ"),
    characters("VARCHAR(20) CHARACTER SET koi8u", "azЯяЇї•"),
    characters("VARCHAR(20) CHARACTER SET greek", "azΑωΏʽʼ"),
    characters("VARCHAR(20) CHARACTER SET hebrew", "azאבת‾"),
    characters("VARCHAR(20) CHARACTER SET hp8", "azéÄß"),
    characters("VARCHAR(20) CHARACTER SET dec8", "azéÄŒœŸ"),
    characters("VARCHAR(20) CHARACTER SET swe7", "azÉÄÖÅÜéäöåü"),
    characters("VARCHAR(20) CHARACTER SET armscii8", "azԱաՖֆ"),
    characters("VARCHAR(20) CHARACTER SET geostd8", "azაბჵ€"),
    characters("VARCHAR(20) CHARACTER SET keybcs2", "azČčžŽ░"),
    characters("VARCHAR(20) CHARACTER SET macce", "azÄĀŁł"),
    characters("VARCHAR(20) CHARACTER SET macroman", "azÄ∞Ωé"),
    characters("VARCHAR(20) CHARACTER SET tis620", "azกขฮ๛"),
    characters("VARCHAR(20) CHARACTER SET big5", "az十卅漢字一碁裏"),
    characters("VARCHAR(20) CHARACTER SET gb2312", "az十汉字一"),
    characters("VARCHAR(20) CHARACTER SET gbk", "az十漢汉字一€"),
    characters("VARCHAR(20) CHARACTER SET gb18030", "az漢🐬ḿ\ue7c7€ÿ", flavours=MYSQL),
    characters("VARCHAR(20) CHARACTER SET sjis", "azｱﾝ漢字あ＼"),
    characters("VARCHAR(20) CHARACTER SET cp932", "azｱﾝ漢字あ①～－"),
    characters("VARCHAR(20) CHARACTER SET ujis", "azｱﾝ漢字あ\ue000\ue3ac〜"),
    characters("VARCHAR(20) CHARACTER SET euckr", "az한글漢"),
    characters("VARCHAR(20) CHARACTER SET ucs2", "az漢ÿĀ"),
    characters("CHAR(20) CHARACTER SET ucs2", "az漢ÿĀ"),
    characters("VARCHAR(20) CHARACTER SET utf16", "az漢🐬ÿĀ"),
    characters("VARCHAR(20) CHARACTER SET utf16le", "az漢🐬ÿĀ"),
    characters("VARCHAR(20) CHARACTER SET utf32", "az漢🐬ÿĀ"),
    characters("LONGTEXT CHARACTER SET utf16", "az漢🐬ÿĀ"),
    characters("VARCHAR(200) COMPRESSED", LATIN, flavours=MARIADB),
    characters("TEXT COMPRESSED CHARACTER SET latin1", LATIN, flavours=MARIADB),
]


def binary(sql: str, size: int, *, flavours: frozenset[Flavour] = BOTH) -> Kind:
    limits = (b"", b"\0", b"\xff" * size, b"a" + b"\0" * (size - 1), b"ab" * (size // 2))
    values = st.binary(max_size=size)
    return Kind(sql, values, limits, bytes.fromhex, select="HEX({})", flavours=flavours)


BINARIES = [
    binary("BINARY(16)", 16),
    binary("BINARY(255)", 255),
    binary("VARBINARY(20)", 20),
    binary("VARBINARY(2000)", 2000),
    binary("TINYBLOB", 255),
    binary("BLOB", 300),
    binary("MEDIUMBLOB", 70_000),
    binary("LONGBLOB", 300),
    binary("BLOB COMPRESSED", 3000, flavours=MARIADB),
    binary("VARBINARY(2000) COMPRESSED", 2000, flavours=MARIADB),
]

MEMBERS = ["rot", "grün", "bl'au", "", "漢字"]
LISTED = "'rot', 'grün', 'bl''au', '', '漢字'"
SOME = ["a", "ü", "c d", "漢"]


def members(text: str) -> list[str]:
    return bytes.fromhex(text).decode().split(",") if text else []


ENUMS = [
    Kind(
        f"ENUM({LISTED}) CHARACTER SET utf8mb4",
        st.sampled_from(MEMBERS),
        (*MEMBERS, "not one"),
        unhex_text,
        select="HEX(CONVERT({} USING utf8mb4))",
    ),
    Kind(
        "ENUM('a', 'ü', 'ß') CHARACTER SET latin1",
        st.sampled_from(["a", "ü", "ß"]),
        ("a", "ü", "ß"),
        unhex_text,
        select="HEX(CONVERT({} USING utf8mb4))",
    ),
    *(
        Kind(
            f"{sql}({', '.join(repr(member) for member in words)}) CHARACTER SET {charset}",
            st.sampled_from(words),
            words,
            members if sql == "SET" else unhex_text,
            select="HEX(CONVERT({} USING utf8mb4))",
        )
        for sql in ("ENUM", "SET")
        for charset, words in (
            ("cp1251", ("Я", "ж", "az")),
            ("sjis", ("漢字", "あ", "ｱ")),
            ("gbk", ("汉", "一", "€")),
            ("ucs2", ("漢", "ÿ", "a")),
            ("utf16", ("漢", "🐬", "a")),
            ("utf32", ("漢", "🐬", "a")),
            ("latin1", ("€", "Ÿ", "ß")),
        )
    ),
    Kind(
        "ENUM(" + ", ".join(f"'m{at}'" for at in range(300)) + ")",
        st.integers(0, 299).map(lambda at: f"m{at}"),
        ("m0", "m255", "m256", "m299"),
        str,
    ),
    Kind(
        "SET('a', 'ü', 'c d', '漢') CHARACTER SET utf8mb4",
        st.lists(st.sampled_from(SOME)).map(",".join),
        ("", "a", ",".join(SOME)),
        members,
        select="HEX(CONVERT({} USING utf8mb4))",
    ),
    Kind(
        "SET(" + ", ".join(f"'m{at}'" for at in range(64)) + ")",
        st.lists(st.integers(0, 63).map(lambda at: f"m{at}")).map(",".join),
        ("", "m0", "m63", "m0,m63"),
        lambda text: text.split(",") if text else [],
    ),
]


def bits(count: int) -> Kind:
    def expect(text: str) -> Any:
        number = int(text)
        if count == 1:
            return bool(number)
        return Decimal128(text) if number >= 1 << 63 else bson.Int64(number)

    most = (1 << count) - 1
    select = "CAST({} + 0 AS CHAR)"
    return Kind(f"BIT({count})", st.integers(0, most), (0, 1, most), expect, select)


BITS = [bits(count) for count in (1, 2, 7, 8, 9, 31, 33, 63, 64)]


def native(text: str) -> Any:
    """JSON text as BSON values are to hold it."""
    return _typed(json.loads(text))


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if -(1 << 31) <= value < 1 << 31:
            return value
        return bson.Int64(value) if value < 1 << 63 else Decimal128(str(value))
    return value


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.integers(-70_000, 70_000)
    | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(
        lambda one: abs(one) < 1e300 and (one == 0 or abs(one) > 1e-300)
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
LARGE = json.dumps({f"key{at}": ["x" * 100, at, at * 1e9, None] for at in range(700)})
JSON_LIMITS = (
    "null",
    "[]",
    "{}",
    '""',
    "true",
    "-9223372036854775808",
    "18446744073709551615",
    json.dumps("x" * 200),
    json.dumps("ü" * 70_000),
    json.dumps([32767, 32768, -32768, -32769, 65535, 65536, 2147483647, 2147483648, -2147483649]),
    json.dumps({"a" * 300: {"": [[[{}]]]}}),
    LARGE,
    json.dumps(list(range(70_000, 90_000))),
    json.dumps([[]] * 1200),
)
JSONS = [
    Kind("JSON", TREES.map(json.dumps), JSON_LIMITS, native, type="json"),
    Kind("JSON", TREES.map(json.dumps), JSON_LIMITS, native, flavours=MYSQL),
]
OPAQUE = (
    "1.5",
    "-12345678901234567890.123456789",
    "CAST('2024-05-06' AS DATE)",
    "CAST('2024-05-06 07:08:09.123456' AS DATETIME(6))",
    "CAST('-838:59:58.5' AS TIME(6))",
    "CAST('00:00:01' AS TIME)",
    "TIMESTAMP'2024-05-06 07:08:09'",
    "X'00FF10'",
    f"X'{'5a' * 200}'",
    "b'1011'",
)

GEOMETRIES = (
    "POINT(1.5 -2)",
    "LINESTRING(0 0, 1 1, 2 3)",
    "POLYGON((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
    "MULTIPOINT((0 0), (1 2))",
    "MULTILINESTRING((0 0, 1 1), (2 2, 3 3))",
    "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
    "GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))",
    "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(MULTIPOINT((1 2))), POLYGON((0 0, 4 0, 4 4, 0 0)))",
    "GEOMETRYCOLLECTION EMPTY",
    "POINT(179.5 -89.5)",
)
ON_THE_GLOBE = tuple(text for text in GEOMETRIES if "179.5" not in text)
"""Those that are places whichever of the two numbers is the latitude."""


def geojson(text: str) -> Any:
    whole = text.replace('"geometries":]', '"geometries": []')  # MariaDB 10.5 forgets a bracket
    return _doubles(json.loads(whole))


def _doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _doubles(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    return float(value) if isinstance(value, int | float) else value


def _spatial(sql: str, texts: tuple[str, ...], insert: str, flavours: frozenset[Flavour]) -> Kind:
    return Kind(
        sql, st.sampled_from(texts), texts, geojson, "ST_AsGeoJSON({})", insert, flavours=flavours
    )


SPATIAL = [
    _spatial("GEOMETRY", GEOMETRIES, "ST_GeomFromText(%s)", BOTH),
    _spatial("POINT", GEOMETRIES[:1], "ST_GeomFromText(%s)", BOTH),
    _spatial("GEOMETRY SRID 4326", ON_THE_GLOBE, "ST_GeomFromText(%s, 4326)", MYSQL),
    _spatial("GEOMETRY", ON_THE_GLOBE, "ST_GeomFromText(%s, 4326)", BOTH),
    *(
        _spatial(text.partition("(")[0], (text,), "ST_GeomFromText(%s)", BOTH)
        for text in GEOMETRIES[1:7]
    ),
]


def _plain(srid: int, select: str, flavours: frozenset[Flavour]) -> Kind:
    """A geometry of a reference system that GeoJSON does not have."""

    def expect(text: str) -> Any:
        return {"srid": srid, "wkb": bytes.fromhex(text)}

    insert = f"ST_GeomFromText(%s, {srid})"
    values = st.sampled_from(ON_THE_GLOBE)
    return Kind("GEOMETRY", values, ON_THE_GLOBE, expect, select, insert, flavours=flavours)


SPATIAL += [
    _plain(3857, "HEX(ST_AsWKB({}))", BOTH),
    _plain(4269, "HEX(ST_AsWKB({}, 'axis-order=long-lat'))", MYSQL),
]


def singles(text: str) -> list[float]:
    raw = bytes.fromhex(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


VECTORS = [
    Kind(
        "VECTOR(5)",
        st.lists(st.integers(-1000, 1000), min_size=5, max_size=5).map(str),
        ("[0,0,0,0,0]", "[0.1,-1.5,3e8,1e-5,2]"),
        singles,
        "HEX({})",
        "STRING_TO_VECTOR(%s)",
        flavours=MYSQL,
        feature=features.VECTORS,
    ),
    Kind(
        "VECTOR(5)",
        st.lists(st.integers(-1000, 1000), min_size=5, max_size=5).map(str),
        ("[0,0,0,0,0]", "[0.1,-1.5,3e8,1e-5,2]"),
        bytes.fromhex,
        "HEX({})",
        "Vec_FromText(%s)",
        flavours=MARIADB,
        feature=features.VECTORS,
    ),
]
NETWORK = [
    Kind(
        "UUID",
        st.uuids().map(str),
        (
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "123e4567-e89b-12d3-a456-426614174000",
            "018f5a3e-7c2b-7d4e-9a1b-2c3d4e5f6000",
        ),
        lambda text: bson.Binary(uuid.UUID(text).bytes, 4),
        type="uuid",
        flavours=MARIADB,
        feature=features.UUIDS,
    ),
    Kind(
        "INET4",
        st.ip_addresses(v=4).map(str),
        ("0.0.0.0", "255.255.255.255", "10.0.0.0"),
        str,
        type="inet4",
        flavours=MARIADB,
        feature=features.INET4,
    ),
    Kind(
        "INET6",
        st.ip_addresses(v=6).map(str)
        | st.lists(st.sampled_from("01f"), min_size=8, max_size=8).map(":".join),
        (
            *("::", "::1", "2001:db8::", "::ffff:192.0.2.128", "::192.0.2.1", "1:0:0:2:0:0:0:3"),
            *("0:1:2:3:4:5:6:7", "1:2:3:0:4:5:6:7", "1:0:2:3:0:4:5:6", "1:2:3:4:5:6:7:0"),
            *("1:0:0:2:3:0:0:4", "10:200:3000:4:5:60:700:8", "::1:0", "::ffff:0:1", "::fffe:1:2"),
        ),
        str,
        type="inet6",
        flavours=MARIADB,
        feature=features.INET6,
    ),
]
KINDS = [
    *NETWORK,
    *INTEGERS,
    *DECIMALS,
    *FLOATS,
    *DATES,
    *TIMES,
    *CHARACTERS,
    *BINARIES,
    *ENUMS,
    *BITS,
    *JSONS,
    *SPATIAL,
    *VECTORS,
]
