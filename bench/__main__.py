"""`python -m bench [SCENARIO…]`: run scenarios and print their tables."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable

import click

from bench import (
    backfill,
    catch_up,
    first_copy,
    fleet,
    lanes,
    latency,
    publishing,
    row_path,
    updates,
)
from bench.embedding import scenario as embedding
from bench.report import Table
from bench.stage import Stage, stage

SCENARIOS: dict[str, Callable[[Stage], Iterable[Table]]] = {
    "catch_up": catch_up.run,
    "updates": updates.run,
    "backfill": backfill.run,
    "first_copy": first_copy.run,
    "lanes": lanes.run,
    "publishing": publishing.run,
    "latency": latency.run,
    "row_path": row_path.run,
    "embedding": embedding.run,
    "fleet": fleet.run,
}


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Choice(list(SCENARIOS)))
@click.option("--rows", default=200_000, show_default=True, type=click.IntRange(min=10_000))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--output", default="table", type=click.Choice(["table", "json"]))
def main(scenarios: tuple[str, ...], rows: int, repeats: int, output: str) -> None:
    """Measure cdc against baselines on real servers; without a scenario, all of them."""
    tables: list[Table] = []
    with stage(rows=rows, repeats=repeats, say=_say) as scene:
        for name in scenarios or SCENARIOS:
            for table in SCENARIOS[name](scene):
                tables.append(table)
                if output == "table":
                    click.echo("\n".join(table.lines()))
    if output == "json":
        document = {"machine": _machine(), "tables": [table.to_document() for table in tables]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    click.echo(text, err=True)


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "machine": platform.machine(), "python": sys.version.split()[0]}


if __name__ == "__main__":
    main()
