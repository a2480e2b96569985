from __future__ import annotations

from collections.abc import Callable

import pytest

from cdc.config import Config
from cdc.daemon.daemon import Daemon
from cdc.mapping.counts import MappingCounts

CONFIG = Config.model_validate(
    {
        "name": "shop",
        "source": {"host": "h", "user": "u", "password": "p"},
        "target": {"uri": "mongodb://h", "database": "d"},
        "mappings": ["*.yaml"],
    }
)


def test_the_lag_is_known_without_adding_up_what_thousands_of_tables_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added_up: list[str] = []

    def adding_up(name: str) -> Callable[[MappingCounts], dict[str, int]]:
        def noted(_: MappingCounts) -> dict[str, int]:
            added_up.append(name)
            return {}

        return noted

    for name in ("losses", "slow_rows", "unchanged_rows"):
        monkeypatch.setattr(MappingCounts, name, adding_up(name))
    daemon = Daemon(CONFIG, ())

    assert daemon.lag_seconds() is None
    assert added_up == []
    assert daemon.telemetry().lag_seconds is None
    assert added_up == ["losses", "slow_rows", "unchanged_rows"]
