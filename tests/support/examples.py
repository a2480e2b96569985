"""How many examples a property is tried with: `--budget` multiplies them."""

from __future__ import annotations

from hypothesis import settings

budget = 1
"""Set before the tests are imported."""


def examples(count: int) -> settings:
    """Settings of so many examples; beyond the usual budget they differ from run to run."""
    return settings(max_examples=count * budget, derandomize=budget == 1)
