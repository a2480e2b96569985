"""The language of mapping files as JSON Schema, for completion and checks in editors."""

from __future__ import annotations

import json
from typing import Any, Final

from cdc.mapping.file.mapping import Mapping

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
"""The dialect that every editor's YAML support knows; nothing newer is used."""

FILE_NAME: Final = "mapping.schema.json"

MAY_BE_NULL: Final = frozenset({"value"})
"""The keys whose value may be null."""


def json_schema() -> dict[str, Any]:
    """Return the schema of one mapping file.

    Mistakes that show only in the whole file, or with the table, are left to `cdc mapping check`.
    """
    found = Mapping.model_json_schema()
    definitions = found.pop("$defs")
    schema: dict[str, Any] = _plain({"$schema": DIALECT, **found, "definitions": definitions})
    return schema


def json_schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _plain(node: Any, *, named: bool = False) -> Any:
    """Leave out what tells a reader nothing: titles made of names, and defaults of null.

    `named`: the node's keys are names of properties, not words of JSON Schema.
    """
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if isinstance(node, str):
        return node.replace("#/$defs/", "#/definitions/")
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(
            value if named and key in MAY_BE_NULL else _given(value),
            named=not named and key in {"properties", "definitions"},
        )
        for key, value in node.items()
        if named or (key != "title" and (key, value) != ("default", None))
    }


def _given(node: Any) -> Any:
    """Leave out null, which stands for a key that is not written."""
    if not isinstance(node, dict) or {"type": "null"} not in node.get("anyOf", ()):
        return node
    return node | {"anyOf": [each for each in node["anyOf"] if each != {"type": "null"}]}
