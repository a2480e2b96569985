"""Finds keys of a mapping file that YAML reads as numbers, booleans or null.

A field or a column may be called so; in quotes it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cdc.config.yaml12 import Path

_WORDS: Final = {None: "null", True: "true", False: "false"}


def make_text(data: Any, path: Path = ()) -> Iterator[Path]:
    """Make text of each key in `data` that is none, in place, and yield its path."""
    if isinstance(data, dict):
        items = list(data.items())
        data.clear()
        for key, value in items:
            name = key if isinstance(key, str) else _written(key)
            data[name] = value
            if name is not key:
                yield (*path, name)
            yield from make_text(value, (*path, name))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from make_text(value, (*path, at))


def _written(key: Any) -> str:
    return _WORDS[key] if key is None or isinstance(key, bool) else str(key)
