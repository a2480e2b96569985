"""How far the ratio of two sides that take turns moves."""

from __future__ import annotations

from collections.abc import Sequence


def spread(seconds: Sequence[float], baseline: Sequence[float], goal: float) -> str:
    """Return a note: the goal of a ratio, and the lowest and highest of the pairs of runs."""
    ratios = sorted(other / one for one, other in zip(seconds, baseline, strict=True))
    return (
        f"medians of {len(ratios)} interleaved runs, whose ratios were {ratios[0]:.2f} to"
        f" {ratios[-1]:.2f}; goal {goal}"
    )
