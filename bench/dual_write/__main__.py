"""`python -m bench.dual_write`: kill processes, and print what that cost."""

from __future__ import annotations

import sys
from random import SystemRandom

import click

from bench.dual_write.experiment import REPLICATED, Experiment, lost
from bench.stage import stage


@click.command()
@click.option("--kills", default=25, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", type=int, help="Repeat the same writes.  [default: other ones each time]")
def main(kills: int, seed: int | None) -> None:
    """Count what dual writes lose, and what cdc loses; exits 1 if cdc loses anything."""
    seed = SystemRandom().randrange(1 << 32) if seed is None else seed
    with (
        stage(say=lambda text: click.echo(text, err=True)) as opened,
        opened.target.client(readConcernLevel="majority") as client,
    ):
        table = Experiment(opened, client, kills, seed).run()
    click.echo("\n".join(table.lines()), nl=False)
    sys.exit(1 if lost(table, REPLICATED) else 0)


if __name__ == "__main__":
    main()
