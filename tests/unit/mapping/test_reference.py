"""docs/mapping.md says what the code does."""

import json
import re
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pytest
import yaml
from bson import json_util

from cdc.mapping import bson_bytes
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.histories import History
from cdc.mapping.file.mapping import (
    FieldSource,
    IdExpression,
    IdPart,
    Index,
    Mapping,
    SoftDelete,
    ValueType,
)
from cdc.mapping.transcode.history_rows import Changed
from cdc.mapping.types import charsets
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import event, image, prefixed

UPDATE = RowsKind.UPDATE
TEXT = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text()
TYPE_NAMES = {
    bson_bytes.DOUBLE: "double",
    bson_bytes.STRING: "string",
    bson_bytes.DOCUMENT: "document",
    bson_bytes.ARRAY: "array",
    bson_bytes.BINARY: "binary",
    bson_bytes.BOOLEAN: "bool",
    bson_bytes.DATE: "date",
    bson_bytes.NULL: "null",
    bson_bytes.INT32: "int32",
    bson_bytes.INT64: "int64",
    bson_bytes.DECIMAL128: "Decimal128",
}
EXAMPLES = [
    (mapping, example)
    for mapping, examples in re.findall(
        r"```yaml\n((?:(?!```).)*)```\s*((?:```json\n.*?```\s*)+)", TEXT, re.DOTALL
    )
    for example in re.findall(r"```json\n(.*?)```", examples, re.DOTALL)
]
ROWS = dict(re.findall(r"^\| ([A-Z].*?) \| (.*) \|$", TEXT, re.MULTILINE))

ORDERS = TableMap(
    "shop",
    "orders",
    (
        Column("id", FieldType.LONGLONG, nullable=False),
        Column("customer_id", FieldType.LONG, nullable=False),
        Column("note", FieldType.VARCHAR, length=400, collation=255),
        Column("paid", FieldType.TINY, nullable=False),
        Column("total", FieldType.NEWDECIMAL, nullable=False, precision=10, scale=2),
        Column("extra", FieldType.BLOB, length_bytes=4, collation=255),
        Column("created_at", FieldType.DATETIME2, nullable=False, scale=3),
    ),
    (0,),
    (0,),
)


def text(value: str | None, size: int) -> bytes | None:
    return None if value is None else prefixed(value.encode(), size)


def total(value: str) -> bytes:
    cents = int(Decimal(value) * 100)
    raw = (cents // 100).to_bytes(4, "big") + bytes((cents % 100,))
    return bytes((raw[0] ^ 0x80,)) + raw[1:]


def created_at(value: str) -> bytes:
    year, month, day, hour, minute, second, *rest = map(int, re.findall(r"\d+", value))
    packed = (year * 13 + month) << 22 | day << 17 | hour << 12 | minute << 6 | second
    fraction = (rest[0] if rest else 0) * 10
    return (1 << 39 | packed).to_bytes(5, "big") + fraction.to_bytes(2, "big")


def row_image(row: dict[str, Any]) -> bytes:
    return image(
        struct.pack("<q", row["id"]),
        struct.pack("<i", row["customer_id"]),
        text(row["note"], 2),
        bytes((row["paid"],)),
        total(row["total"]),
        text(row["extra"], 4),
        created_at(row["created_at"]),
    )


@pytest.mark.parametrize(("mapping", "example"), EXAMPLES)
def test_an_example_does_what_it_says(mapping: str, example: str) -> None:
    plan = compile_plan(
        Mapping.model_validate(yaml.safe_load(mapping)).bind(stream="orders"), ORDERS
    )
    said = json.loads(example)

    operations = plan.operations(event(ORDERS, row_image(said["row"])), 0)

    if said["document"] is None:
        assert operations == []
        return
    (operation,) = operations
    expected = json_util.loads(json.dumps(said["document"]))
    options = json_util.RELAXED_JSON_OPTIONS
    found = bson.decode(operation.document)
    assert json_util.dumps(found, json_options=options) == json_util.dumps(
        expected, json_options=options
    )


@pytest.mark.parametrize(
    ("mapping", "example"), [each for each in EXAMPLES if '"history"' in each[1]]
)
def test_an_example_of_a_history_does_what_it_says(mapping: str, example: str) -> None:
    plan = compile_plan(Mapping.model_validate(yaml.safe_load(mapping)), ORDERS)
    said = json.loads(example)
    expected = json_util.loads(json.dumps(said["history"]))
    logged_at = expected["_id"]["logged_at"].timestamp()
    transaction = expected["_id"]["transaction"]
    changed = Changed(transaction, logged_at, logged_at, said["history"]["number"])
    images = [row_image(said[side]) for side in ("before", "row")]

    assert plan.history is not None
    [kept], _ = plan.history.operations(event(ORDERS, *images, kind=UPDATE), changed, 0)

    options = json_util.RELAXED_JSON_OPTIONS
    found = json_util.dumps(bson.decode(kept.document), json_options=options)
    assert found == json_util.dumps(expected, json_options=options)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 20


COLUMNS = {
    "TINYINT": Column("c", FieldType.TINY),
    "SMALLINT, MEDIUMINT, INT": Column("c", FieldType.LONG),
    "INT UNSIGNED, BIGINT": Column("c", FieldType.LONG, unsigned=True),
    "BIGINT UNSIGNED": Column("c", FieldType.LONGLONG, unsigned=True),
    "DECIMAL, up to 34 digits": Column("c", FieldType.NEWDECIMAL, precision=34, scale=4),
    "DECIMAL, more digits": Column("c", FieldType.NEWDECIMAL, precision=35, scale=4),
    "FLOAT": Column("c", FieldType.FLOAT),
    "DOUBLE": Column("c", FieldType.DOUBLE),
    "DATE": Column("c", FieldType.DATE),
    "DATETIME": Column("c", FieldType.DATETIME2, scale=6),
    "TIMESTAMP": Column("c", FieldType.TIMESTAMP2, scale=6),
    "TIME": Column("c", FieldType.TIME2),
    "YEAR": Column("c", FieldType.YEAR),
    "CHAR, VARCHAR, TEXT": Column("c", FieldType.VARCHAR, length=20, collation=255),
    "BINARY(16)": Column("c", FieldType.STRING, length=16, collation=63),
    "BINARY(4)": Column("c", FieldType.STRING, length=4, collation=63),
    "BINARY, VARBINARY, BLOB": Column("c", FieldType.BLOB, length_bytes=2, collation=63),
    "ENUM": Column("c", FieldType.ENUM, length=1, members=("a",)),
    "SET": Column("c", FieldType.SET, length=1, members=("a",)),
    "BIT(1)": Column("c", FieldType.BIT, bits=1),
    "BIT": Column("c", FieldType.BIT, bits=9),
    "JSON": Column("c", FieldType.JSON, length_bytes=4),
    "GEOMETRY": Column("c", FieldType.GEOMETRY, length_bytes=4),
    "VECTOR": Column("c", FieldType.VECTOR, length_bytes=4),
}


def casts(column: Column) -> list[str]:
    found = []
    for wanted in ValueType:
        try:
            encoder(column, wanted, lambda _: None)
        except Unsupported:
            continue
        found.append(wanted.value)
    return sorted(found)


def test_the_table_lists_every_type() -> None:
    assert set(COLUMNS) == set(ROWS) - {"MySQL, MariaDB"}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_table_says_what_a_type_becomes(name: str) -> None:
    bson_type, allowed, _ = (cell.strip() for cell in ROWS[name].split("|"))
    column = COLUMNS[name]

    default = encoder(column, None, lambda _: None)

    assert TYPE_NAMES.get(default.usual_type, "native") == bson_type
    assert casts(column) == [one for one in allowed.split(", ") if one]


def section(key: str) -> str:
    """The text below the heading that names `key`."""
    found = re.search(rf"^## [^\n]*`{key}`[^\n]*\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("key", Mapping.model_fields)
def test_every_key_has_a_section(key: str) -> None:
    assert section(key)


@pytest.mark.parametrize(
    ("key", "inner"),
    [
        *(("fields", name) for name in FieldSource.model_fields),
        *(("id", name) for name in (*IdPart.model_fields, *IdExpression.model_fields)),
        *(("indexes", name) for name in Index.model_fields),
        *(("on_delete", name) for name in SoftDelete.model_fields),
        *(("history", name) for name in History.model_fields),
    ],
)
def test_every_inner_key_is_explained_in_its_section(key: str, inner: str) -> None:
    assert re.search(rf"\b{inner}\b", section(key))


def test_the_charsets_that_are_refused_are_named() -> None:
    refused = [name for name in charsets.IDS if charsets.decoder(name) is None]

    assert refused == ["eucjpms"]
