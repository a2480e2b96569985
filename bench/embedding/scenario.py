"""The scenario `embedding`: its measures one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from bench.embedding import inserts, orders, renaming
from bench.report import Table
from bench.stage import Stage


def run(stage: Stage) -> Iterator[Table]:
    """Measure inserts with an embedded author, orders with their lines, and a renamed author."""
    yield inserts.run(stage)
    yield orders.run(stage)
    yield renaming.run(stage)
