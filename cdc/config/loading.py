"""Reads `cdc.yaml`, and reports all its mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from cdc.config.mistakes import Mistake, mistakes_of, usage_error
from cdc.config.stream import Config
from cdc.config.variables import VariableMistake, expand_all
from cdc.config.yaml12 import Marked, YamlMistake, read
from cdc.config.yaml12 import Path as KeyPath
from cdc.errors import UsageError
from cdc.terminal.pages import page
from cdc.terminal.paths import whole


def load(
    path: Path, environment: Mapping[str, str] = os.environ, *, mappings_optional: bool = False
) -> Config:
    """Read a configuration file; raises one UsageError with all its mistakes.

    With `mappings_optional` a mapping file need not exist yet.
    """
    marked = _read(path)
    missing: dict[KeyPath, VariableMistake] = {}
    data = expand_all(marked.data, environment, missing.__setitem__)
    mistakes = [
        Mistake(key=key, what=mistake.what, remedy=mistake.remedy)
        for key, mistake in missing.items()
    ]
    try:
        context = {
            "directory": path.resolve().parent,
            "mappings_optional": mappings_optional,
        }
        config = Config.model_validate(data, context=context)
    except ValidationError as error:
        mistakes += [
            mistake for mistake in mistakes_of(error, Config) if mistake.key not in missing
        ]
    if mistakes:
        raise usage_error(path, marked, mistakes)
    return config


def _read(path: Path) -> Marked:
    try:
        marked = read(path)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no configuration file {whole(path)}",
            remedy="write cdc.yaml here, or name one with --config or CDC_CONFIG",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{whole(path)}: {error.strerror or error}", remedy="make it a readable file"
        ) from error
    except YamlMistake as mistake:
        raise UsageError(
            f"{whole(path)}:{mistake.line}: {mistake.what}", remedy=mistake.remedy
        ) from mistake
    if not isinstance(marked.data, dict):
        raise UsageError(
            f"{whole(path)}: the file holds no keys",
            remedy=f"see {page('configuration')} for an example",
        )
    return marked
