"""A table `everything` with a column of each type, and rows with usual, extreme and zero values."""

from __future__ import annotations

from typing import Final

_COLUMNS: Final = """
    id INT NOT NULL PRIMARY KEY,
    ti TINYINT, tiu TINYINT UNSIGNED, bo BOOL, si SMALLINT, siu SMALLINT UNSIGNED,
    mi MEDIUMINT, miu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, bi BIGINT, biu BIGINT UNSIGNED,
    f FLOAT, d DOUBLE, de DECIMAL(10,2), de0 DECIMAL(20,0), debig DECIMAL(65,30),
    b1 BIT(1), b10 BIT(10), b64 BIT(64), y YEAR,
    da DATE, t0 TIME, t3 TIME(3), t6 TIME(6), dt0 DATETIME, dt3 DATETIME(3), dt6 DATETIME(6),
    ts0 TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts5 TIMESTAMP(5) NULL, ts6 TIMESTAMP(6) NULL,
    dann DATE NOT NULL, dtnn DATETIME NOT NULL,
    c CHAR(10), vc VARCHAR(100), vl VARCHAR(20) CHARACTER SET latin1, tx TEXT,
    bin BINARY(5), vb VARBINARY(20), bl BLOB,
    en ENUM('a','b','c'), se SET('x','y','z'), js JSON,
    pt POINT, ge GEOMETRY, ls LINESTRING, ptsrid POINT{srid}
"""

_FIRST: Final = """INSERT INTO everything VALUES (
    1, -1, 255, 1, -300, 65535, -8388608, 16777215, -2147483648, 4294967295,
    -9223372036854775808, 18446744073709551615,
    1.1, 2.5e100, -1234.56, 12345678901234567890,
    -12345678901234567890123456789012345.123456789012345678901234567890,
    b'1', b'1000000011', b'1000000000000000000000000000000000000000000000000000000000000001', 2024,
    '2024-02-29', '12:34:56', '-01:02:03.456', '838:59:59.000000', '2024-02-29 12:34:56',
    '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56',
    '2024-02-29 12:34:56.7', '2024-02-29 12:34:56', '2024-02-29 12:34:56.789000',
    '1000-01-01', '9999-12-31 23:59:59',
    'chär', 'vär🙂', 'é€', 'text', x'0102', x'0001ff', x'00ff', 'b', 'x,z',
    '{"b": [1, 2.5, null, true, "ä q"], "a": {"k": -1, "big": 18446744073709551615, "e": 1e10}}',
    ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(3 4)'),
    ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POINT(10 20)', 4326))"""

SESSION: Final = "SET sql_mode = '', time_zone = '+00:00'"
"""What the session must say before it fills the table: zero dates are taken, times are of UTC."""

FILL: Final = (
    _FIRST,
    "INSERT INTO everything (id, dann, dtnn) VALUES (2, '0000-00-00', '0000-00-00')",
    "INSERT INTO everything (id, da, dt0, ts0, en, se, dann, dtnn, bin, t0, b1, f, js) VALUES"
    " (3, '0000-00-00', '0000-00-00', '0000-00-00', '', '', '2024-00-00', '2024-01-00', '',"
    " '-838:59:59', b'0', 16777216, 'null')",
    "INSERT INTO everything (id, dann, dtnn, f, d, y, de, js) VALUES"
    " (4, '2024-01-01', '2024-01-01', 0.1, 0.1, 1901, -1.28, '[1, {}, []]')",
)


def columns(flavour: str) -> str:
    """Return its columns as a server of this flavour declares them."""
    return _COLUMNS.format(srid=" SRID 4326" if flavour == "mysql" else "")
