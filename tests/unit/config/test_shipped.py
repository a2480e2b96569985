from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from cdc.config import Config, load
from cdc.config.yaml12 import parse
from cdc.mapping.file.loading import load_mappings

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "config" / "cdc.yaml"


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every key with its default; a model's own keys below it."""
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.default
        nested = _model(field.annotation)
        if nested is None or name in {"tls", "start"}:
            yield prefix + name, default
        if nested is not None:
            yield from keys(nested, f"{prefix}{name}.")


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)


KEYS = dict(keys(Config))


def documented() -> dict[str, str]:
    """Each key of the table, with its default as it is written there."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]*?) \|", text, re.MULTILINE))


def test_the_shipped_configuration_loads_without_any_variable() -> None:
    config = load(SHIPPED, {})

    assert config.start == "backfill"
    assert config.mappings == (str(ROOT / "config" / "mappings" / "*.yaml"),)


def test_the_shipped_mappings_load() -> None:
    mappings = load_mappings(load(SHIPPED, {}).mappings, relative_to=SHIPPED.parent)

    assert {mapping.source for mapping in mappings} == {"twitter.users", "twitter.tweets"}


def test_the_shipped_configuration_writes_the_defaults_down() -> None:
    config = load(SHIPPED, {})

    assert config.apply == type(config.apply)()
    assert config.log == type(config.log)()
    assert config.target.state_database == "cdc"
    assert config.source.tls.mode == "required"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_stands_in_the_shipped_configuration(key: str) -> None:
    text = SHIPPED.read_text()
    path = tuple(key.split("."))
    commented = re.search(rf"^\s*#.*\b{path[-1]}:", text, re.MULTILINE)

    assert path in parse(text).lines or commented


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_documented_with_its_default(key: str) -> None:
    told = documented()[key]

    default = KEYS[key]
    if isinstance(default, float):
        default = f"{default:g}"
    if isinstance(default, bool):
        default = str(default).lower()
    if isinstance(default, str | int):
        assert told == f"`{default}`"


def test_no_key_is_documented_that_does_not_exist() -> None:
    tls_modes = {"off", "verify_ca", "verify"}
    assert set(documented()) - tls_modes == set(KEYS)
