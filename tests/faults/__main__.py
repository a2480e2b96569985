"""`python -m tests.faults`: run fault campaigns, and exit with 1 if any of them finds something."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.faults import campaign
from tests.faults.schedule import Kind, Planned, drawn, from_json, possible, to_json
from tests.faults.stage import REPLICATED, SOURCES
from tests.support.checkout import ROOT

KEPT = ROOT / "build" / "faults"
ROUND_SECONDS = 60.0
"""The faults of one campaign; then both sides are compared, and another one begins."""


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.1), default=5.0, show_default=True)
@click.option("--seed", type=int, help="Of the first campaign; the next ones count on from there.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(SOURCES), help="Of source.")
@click.option("--members", type=click.Choice(["1", "3"]), help="Of the target.")
@click.option("--daemons", type=click.IntRange(1, 5), help="Of the one stream.")
@click.option("--faults", help="Kinds of faults, with commas; all by default.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True, file_okay=False))
def faults(
    minutes: float,
    seed: int | None,
    kinds: tuple[str, ...],
    members: str | None,
    daemons: int | None,
    faults: str | None,
    replay: Path | None,
) -> None:
    """Run campaigns of a minute each, on one topology after the other.

    What a failure needs is kept below build/faults; --replay FOLDER does it once more.
    """
    if replay is not None:
        plan = json.loads((replay / "plan.json").read_text())
        sys.exit(_run(**plan["facts"], schedule=from_json(plan["schedule"])))
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    until, failed = time.monotonic() + 60 * minutes, 0
    number = 0
    while time.monotonic() < until:
        chance = random.Random(seed + number)
        kind = chance.choice(kinds or SOURCES)
        of_target = int(members or chance.choice([1, 3]))
        of_stream = daemons or chance.choice([1, 1, 2, 3])
        can_be = possible(members=of_target, replicated=kind.endswith(REPLICATED))
        chosen = [Kind(each) for each in faults.split(",")] if faults else can_be
        schedule = drawn(
            seed + number,
            [each for each in chosen if each in can_be],
            min(ROUND_SECONDS, 60 * minutes),
        )
        failed += _run(
            kind=kind, members=of_target, daemons=of_stream, seed=seed + number, schedule=schedule
        )
        number += 1
    print(f"{number} campaigns from seed {seed}, {failed} of them found something")
    sys.exit(1 if failed else 0)


def _run(*, kind: str, members: int, daemons: int, seed: int, schedule: list[Planned]) -> int:
    """Run one campaign, and print what it found; 1 if that is anything."""
    folder = KEPT / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{kind}-{members}-{daemons}-{seed}"
    folder.mkdir(parents=True)
    facts = {"kind": kind, "members": members, "daemons": daemons, "seed": seed}
    (folder / "plan.json").write_text(
        json.dumps({"facts": facts, "schedule": to_json(schedule)}, indent=1)
    )
    print(f"campaign {seed}: {kind}, {members} member(s), {daemons} daemon(s)", flush=True)
    outcome = campaign.run(
        kind, members=members, daemons=daemons, seed=seed, schedule=schedule, folder=folder
    )
    print(json.dumps(outcome.figures), flush=True)
    with (KEPT / "campaigns.jsonl").open("a") as told:
        told.write(
            json.dumps({**facts, **outcome.figures, "violations": outcome.violations}) + "\n"
        )
    if not outcome.violations:
        shutil.rmtree(folder)
        return 0
    print(f"kept: {folder}; again: python -m tests.faults --replay {folder}", flush=True)
    return 1


if __name__ == "__main__":
    faults()
