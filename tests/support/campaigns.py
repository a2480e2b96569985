"""Random campaigns that ask a server: `--budget` makes them longer."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")


def campaign(count: int, budget: int) -> settings:
    """Settings of so many examples a unit of the budget; beyond one, others each time.

    A failing one is not made smaller: each attempt would ask the server.
    """
    return settings(
        max_examples=count * budget,
        database=None,
        derandomize=budget == 1,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def drawn(strategy: st.SearchStrategy[T], count: int, budget: int) -> list[T]:
    """So many random values a unit of the budget."""
    found: list[T] = []

    @campaign(count, budget)
    @given(strategy)
    def draw(value: T) -> None:
        found.append(value)

    draw()
    return found
