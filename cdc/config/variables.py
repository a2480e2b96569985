"""Expands `${VAR}` and `${VAR:-default}` in the strings of a settings file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cdc.config.yaml12 import Path

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<inner>[^}]*)\}|\$\{(?P<open>.*)", re.DOTALL)
_INNER = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


class VariableMistake(ValueError):
    """A `${…}` that cannot be expanded."""

    def __init__(self, what: str, remedy: str) -> None:
        """Name the mistake and what to do."""
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Replace variables in `text` by their values; `$${` stands for a literal `${`.

    As in a shell, a default also replaces a variable that is empty. Values are not expanded again.
    """
    return _REFERENCE.sub(lambda found: _value(found, environment), text)


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "${"
    inner = _INNER.fullmatch(found["inner"] or "")
    if inner is None:
        raise VariableMistake(
            "a `${` that does not begin a variable",
            "write ${NAME} or ${NAME:-default}; for a literal `${` write `$${`",
        )
    value = environment.get(inner["name"])
    if inner["default"] is not None:
        return value or inner["default"]
    if value is None:
        raise VariableMistake(
            f"the environment variable {inner['name']} is not set",
            f"set it, or write a default: ${{{inner['name']}:-…}}",
        )
    return value


def expand_all(
    data: Any,
    environment: Mapping[str, str],
    on_mistake: Callable[[Path, VariableMistake], None],
    path: Path = (),
) -> Any:
    """Expand the strings in `data`; one that fails is reported and kept."""
    if isinstance(data, dict):
        return {
            key: expand_all(value, environment, on_mistake, (*path, str(key)))
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [
            expand_all(item, environment, on_mistake, (*path, index))
            for index, item in enumerate(data)
        ]
    if isinstance(data, str):
        try:
            return expand(data, environment)
        except VariableMistake as mistake:
            on_mistake(path, mistake)
    return data
