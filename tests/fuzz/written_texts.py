"""What people write is read, or refused with a place: no error of any other kind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from cdc.config import load
from cdc.errors import CdcError, UsageError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.expressions import (
    ExpressionError,
    Parsed,
    bson_value,
    compile_condition,
    compile_expression,
    parse,
)
from cdc.mapping.file.loading import read_mappings
from cdc.mapping.types.encoder import Unrepresentable
from cdc.model.dead_letter import FailedRow
from cdc.model.table_map import Column, FieldType
from tests.fuzz.two_speeds import ALL_KINDS, images
from tests.unit.mapping.support.row_images import COMMITTED_AT, MASK_KEY, event

SOUND: Final = b"name: orders\nsource: {host: h, user: u, password: p, server_id: 1}\n"
TARGET: Final = b"target: {uri: 'mongodb://h/', database: d}\nmappings: [orders.yaml]\n"
MAPPING: Final = b"source: shop.things\ntarget: things\n"
BEFORE: Final = (b"", SOUND, SOUND + TARGET)


@cache
def _folder() -> Path:
    """Return a folder for this process's files."""
    kept = tempfile.TemporaryDirectory(prefix="cdc-fuzz-")
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: Final[list[tempfile.TemporaryDirectory[str]]] = []


def configuration(data: bytes) -> None:
    """Read cdc.yaml; the first byte chooses what stands in it before the rest."""
    if not data:
        return
    path = _folder() / "cdc.yaml"
    path.write_bytes(BEFORE[data[0] % len(BEFORE)] + data[1:])
    told = _told(path)
    assert not told or str(path) in told
    told.encode()


def _told(path: Path) -> str:
    """Return what is wrong with a configuration, empty for nothing."""
    try:
        load(path, {"SET": "1"}, mappings_optional=True)
    except UsageError as error:
        return error.for_people()
    return ""


def mapping(data: bytes) -> None:
    """Read a mapping, compile it, and map rows; the first byte chooses what stands before it."""
    if not data:
        return
    path = _folder() / "things.yaml"
    path.write_bytes(MAPPING * (data[0] & 1) + data[1:])
    read, mistakes = read_mappings([path.name], relative_to=path.parent, mask_key=MASK_KEY)
    for mistake in mistakes:
        assert mistake.file == path
        assert mistake.line >= 1
        mistake.shown.encode()
    if mistakes:
        return
    for rule in read:
        failed: list[FailedRow] = []
        with suppress(CdcError):  # by name
            plan = compile_plan(rule, ALL_KINDS)
            plan.operations(event(ALL_KINDS, *images()), COMMITTED_AT, failed.append)


COLUMNS: Final = {
    column.name: column
    for column in (
        Column("n", FieldType.LONG),
        Column("u", FieldType.LONGLONG, unsigned=True, nullable=False),
        Column("d", FieldType.NEWDECIMAL, precision=20, scale=5),
        Column("f", FieldType.DOUBLE),
        Column("s", FieldType.VARCHAR, length=80, collation=255),
        Column("l", FieldType.VARCHAR, length=80, collation=8),
        Column("b", FieldType.VARCHAR, length=80, collation=63),
        Column("y", FieldType.YEAR),
        Column("t", FieldType.DATETIME2, scale=6),
        Column("day", FieldType.DATE),
        Column("clock", FieldType.TIME2, scale=3),
        Column("e", FieldType.ENUM, length=1, collation=255, members=("a", "ü")),
        Column("bits", FieldType.BIT, bits=9),
        Column("j", FieldType.JSON),
    )
}
ROWS: Final[tuple[dict[str, object], ...]] = (
    dict.fromkeys(COLUMNS),
    {"n": 0, "d": Decimal(0), "f": 0.0, "s": "", "l": "", "b": b"", "y": 0, "t": 0, "day": 0}
    | {"clock": 0, "e": "", "bits": 0, "j": None},
    {"n": -7, "d": Decimal("-12.50000"), "f": -1.5e300, "s": "Ä %_b", "l": "a", "b": b"\xff\0"}
    | {"y": 2155, "e": "ü", "bits": 511, "j": {"a": [1, "x", None]}},
)
"""Of what a row does not name the value is that of the column's type; 0 is MySQL's zero date."""
MOMENT: Final = (2024 * 13 + 2 << 5 | 29) << 17 << 24
"""2024-02-29 00:00:00, as MySQL packs it."""


def expression(data: bytes) -> None:
    """Parse an expression, compile it for either server, and evaluate it."""
    if not data:
        return
    try:
        parsed = parse(data[1:].decode("utf-8", "replace"))
    except ExpressionError as error:
        _assert_place(error, len(data))
        return
    for mariadb in (False, True):
        for compiled in (compile_expression, compile_condition):
            with suppress(ExpressionError):
                found = compiled(parsed, COLUMNS, mariadb=mariadb)
                for row in ROWS:
                    values = tuple([_value(name, row) for name in found.columns])
                    with suppress(Unrepresentable):
                        bson_value(found.evaluate(values), found.kind)
                        if compiled is compile_condition:
                            assert found.is_true(values) in (True, False)
    assert isinstance(parsed, Parsed)


def _value(name: str, row: dict[str, object]) -> object:
    if name == "u":
        return (1 << 64) - 1
    return row.get(name, MOMENT)


def _assert_place(error: ExpressionError, length: int) -> None:
    assert error.message
    assert error.at is None or 0 <= error.at <= length


def configuration_seeds() -> Iterable[bytes]:
    """Return configurations, whole and in parts."""
    yield b"\0" + SOUND + TARGET
    yield b"\2start: now\nlease: {ttl_seconds: 30}\napply:\n  batch_rows: 10\n"
    yield b"\2http: {listen: 127.0.0.1:9000}\nmask_key: ${KEY:-0123456789abcdef}\n"
    yield b"\2notify: {url: https://h/, secret: s}\npublish: {kafka: {bootstrap_servers: h:1}}\n"
    yield b"\1target: &a {uri: mongodb://h, database: *a}\nmappings: !!str x\n"
    yield b"\0source: {hosts: [a:1, b], tls: {mode: required}, time_zone: Europe/Berlin}\n"


def mapping_seeds() -> Iterable[bytes]:
    """Return mappings, whole and in parts."""
    yield b"\1fields: {a: c1, b: {column: c2, type: string}, c: {sql: 'c1 + 1'}}\nwhere: c1 > 3\n"
    yield b"\1id: {column: id}\nexclude: [c1, c2]\ncase: camel\non_delete: {set: {gone: $now}}\n"
    yield b"\1indexes: [{keys: {a: 1}, unique: true}]\nnulls: omit\nstamp: at\n"
    yield b"\1embed: {lines: {from: shop.lines, on: {id: order_id}}}\nhistory: {collection: h}\n"
    yield b"\0source: shop_*.things\ntarget: things\nid: {source: schema, id: id}\n"
    yield b"\1fields:\n  a:\n    column: c30\n    mask: {truncate: 3}\n  b: {mask: hash}\n"


def expression_seeds() -> Iterable[bytes]:
    """Return expressions of all kinds."""
    for sql in (
        "n IS NULL AND s <> 'x' OR NOT u = 3",
        "CASE n WHEN 1 THEN 'a' ELSE s END",
        "CAST(d AS DECIMAL(10,2)) * 1.5e3 DIV 2 % 7",
        "CONCAT(s, ' ', LOWER(l), x'ff', 0x1f, e)",
        "s LIKE 'a%\\\\_' ESCAPE '|' COLLATE utf8mb4_bin",
        "DATE_FORMAT(t, '%Y-%m-%d %H:%i:%s.%f') BETWEEN day AND clock",
        "j->>'$.a[0]' IN ('x', NULL, JSON_EXTRACT(j, '$.b.c'))",
        "IF(n > 0, TRIM(LEADING 'x' FROM s), SUBSTRING(s FROM 2 FOR 3))",
        "COALESCE(ROUND(f, 2), MD5(b), SHA2(s, 256), UNIX_TIMESTAMP(t))",
        "DATE '2024-02-30' < TIMESTAMP '2024-01-01 00:00:00'",
        "CONVERT(b USING utf8mb4) || `n` XOR bits + y",
        "CAST(s AS DATETIME(3)) <=> NULLIF(clock, CAST(n AS CHAR(3)))",
    ):
        yield b" " + sql.encode()
