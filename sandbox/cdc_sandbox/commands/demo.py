"""`cdc demo`: a real source and a real target, kept equal before the user's eyes."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click

from cdc_sandbox.demo import endless, once
from cdc_sandbox.demo.environment import Stage, stage
from cdc_sandbox.demo.interrupts import orderly
from cdc_sandbox.demo.live_line import LiveLine
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.servers import Flavour


def say(text: str) -> None:
    """Print progress on stderr."""
    click.echo(text, err=True)


@click.command()
@click.option("--once", "only_once", is_flag=True, help="One pass, both sides compared; then exit.")
@click.option(
    "--flavour",
    type=click.Choice(["mysql", "mariadb"]),
    default="mysql",
    show_default=True,
    help="The source's kind.",
)
@click.option(
    "--tweets",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tweets of your own, in the dataset's format.  [default: invented ones]",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=20.0,
    show_default=True,
    help="Transactions a second, without --once.",
)
@click.option(
    "--transactions",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Random transactions, with --once.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Seconds to catch up in, with --once.",
)
@click.option("--seed", type=int, help="Repeat the same changes.  [default: other ones each time]")
def demo(
    only_once: bool,
    flavour: Flavour,
    tweets: Path | None,
    rate: float,
    transactions: int,
    deadline: float,
    seed: int | None,
) -> int:
    """See rows that are committed in MySQL appear in MongoDB, on servers of the demo's own.

    Everything runs on this machine, in temporary folders, until Ctrl-C; nothing is left.
    Exits 1 if the daemon fails or, with --once, if the two sides differ.
    """
    seed = SystemRandom().randrange(1 << 32) if seed is None else seed
    with ExitStack() as stack:
        stack.enter_context(orderly())
        sample = Sample.of(tweets) if tweets else Sample.invented(until=datetime.now(UTC))
        opened = stack.enter_context(stage(flavour, say=say))
        say(f"seed {seed}")
        if only_once:
            return _once(
                opened, sample, seed=seed, transactions=transactions, deadline_seconds=deadline
            )
        return _endless(opened, sample, seed=seed, rate=rate)


def _once(
    opened: Stage, sample: Sample, *, seed: int, transactions: int, deadline_seconds: float
) -> int:
    outcome = once.play_once(
        opened,
        sample,
        seed=seed,
        transactions=transactions,
        deadline_seconds=deadline_seconds,
        say=say,
    )
    for line in outcome.lines():
        click.echo(line)
    return 0 if outcome.equal else 1


def _endless(opened: Stage, sample: Sample, *, seed: int, rate: float) -> int:
    endless.play_until_stopped(
        opened,
        sample,
        seed=seed,
        rate=rate,
        line=LiveLine(sys.stderr),
        say=say,
        tell=click.echo,
    )
    return 0
