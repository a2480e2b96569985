"""The JSON Schema that editors use says what the language says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, ValidationError

from cdc.config.yaml12 import parse
from cdc.mapping.file.json_schema import FILE_NAME, json_schema, json_schema_text

ROOT = Path(__file__).parents[4]
SHIPPED = sorted((ROOT / "config" / "mappings").glob("*.yaml"))
DOCUMENTED = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "mapping.md").read_text(), re.DOTALL)
VALIDATOR = Draft7Validator(json_schema())
SHORT = {"source": "shop.orders", "target": "orders"}


def test_it_is_a_json_schema() -> None:
    Draft7Validator.check_schema(json_schema())


def test_the_file_that_mappings_point_at_is_the_schema() -> None:
    committed = (ROOT / "config" / FILE_NAME).read_text()

    assert committed == json_schema_text(), "run: cdc mapping schema --output config/" + FILE_NAME


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_mapping_points_at_the_schema_and_follows_it(path: Path) -> None:
    text = path.read_text()
    pointed = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)

    assert pointed
    assert (path.parent / pointed[1]).resolve() == ROOT / "config" / FILE_NAME
    VALIDATOR.validate(parse(text).data)


@pytest.mark.parametrize("text", DOCUMENTED)
def test_a_documented_mapping_follows_it(text: str) -> None:
    VALIDATOR.validate(parse(text).data)


@pytest.mark.parametrize(
    "keys",
    [
        {"id": "a"},
        {"id": ["a", {"column": "b", "type": "string"}, {"source": "schema"}]},
        {"id": [{"source": "stream"}, {"value": "eu"}, {"value": 5, "name": "b"}, "a"]},
        {"id": {"sql": "CONCAT(a, b)", "unique": "asserted"}},
        {"fields": {"a.b": "c", "d": {"sql": "1 + 1"}, "e": {"value": 1}, "f": {"value": None}}},
        {"fields": {"a": {"column": "a", "mask": {"truncate": 3}}}},
        {"on_delete": {"set": {"deleted_at": "$now"}}},
        {"indexes": [{"keys": {"a": 1, "b": "text"}, "unique": True}]},
        {"exclude": "a"},
        {"hidden": True},
    ],
)
def test_what_the_language_takes_follows_it(keys: dict[str, Any]) -> None:
    VALIDATOR.validate(SHORT | keys)


@pytest.mark.parametrize(
    "mapping",
    [
        {"source": "shop.orders"},
        SHORT | {"sorce": "x"},
        SHORT | {"fields": {"a": {"column": "b", "sql": "c"}}},
        SHORT | {"fields": {"a": {}}},
        SHORT | {"fields": {"a": {"column": "b", "type": "number"}}},
        SHORT | {"id": [{"column": "a", "source": "table"}]},
        SHORT | {"id": ["a", {"value": True}]},
        SHORT | {"case": "upper"},
        SHORT | {"indexes": [{"keys": {}}]},
        SHORT | {"where": None},
        SHORT | {"fields": None},
        SHORT | {"fields": {"a": {"column": "a", "mask": None}}},
    ],
)
def test_what_the_language_refuses_does_not_follow_it(mapping: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate(mapping)


def described(schema: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every property with whether it is described."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            yield f"{path}.{name}", bool(value.get("description"))
        for key, value in schema.items():
            yield from described(value, f"{path}.{key}")


def test_every_key_is_described() -> None:
    missing = [name for name, told in described(json.loads(json_schema_text())) if not told]

    assert missing == []
