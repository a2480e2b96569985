"""Selects the tests of `make test-quick`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

_UNIT: Final = Path(__file__).parents[1] / "unit"


def is_quick(item: pytest.Item) -> bool:
    """Return whether a test takes less than three seconds, and no MariaDB."""
    if any(item.get_closest_marker(name) for name in ("slow", "long")):
        return False
    return item.path.is_relative_to(_UNIT) or not _asks_for_mariadb(item)


def _asks_for_mariadb(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    callspec = getattr(item, "callspec", None)
    return "mariadb" in fixtures or (callspec is not None and "mariadb" in callspec.id.split("-"))
