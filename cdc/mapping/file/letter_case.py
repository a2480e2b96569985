"""Converts the names of columns as `case:` requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z_]+|[A-Z]")
"""A word of `snake_case`, `camelCase` or `HTTPHeader`; digits belong to the word before them."""


def keep(name: str) -> str:
    """Return the name as it is."""
    return name


def camel(name: str) -> str:
    """Convert `created_at` to `createdAt`; leading underscores stay."""
    first, *rest = _words(name) or [""]
    return _lead(name) + first + "".join(word[:1].upper() + word[1:] for word in rest)


def snake(name: str) -> str:
    """Convert `createdAt` to `created_at`; leading underscores stay."""
    return _lead(name) + "_".join(_words(name))


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


def _lead(name: str) -> str:
    return name[: len(name) - len(name.lstrip("_"))]


CASES: Final[dict[str, Callable[[str], str]]] = {"keep": keep, "camel": camel, "snake": snake}
