"""`python -m tests.faults`: run fault campaigns, and exit with 1 if any of them finds something."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from cdc.errors import Unfit
from cdc_sandbox.servers import kafka_server, versions
from tests.faults import campaign, clocks, topology
from tests.faults.schedule import Kind, Planned, both, from_json, possible, to_json
from tests.faults.topology import MEMBERS, SOURCES, Condition, Topology
from tests.support.checkout import ROOT
from tests.support.disks import can_mount

KEPT = ROOT / "build" / "faults"
ROUND_SECONDS = 60.0
"""The faults of one campaign, unless --campaigns says how many there are; then both sides are
compared, and another one begins."""
LARGE_ROWS = 4_000
EXTREMES = {"oldest": 0, "newest": -1}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one campaign depends on."""

    topology: Topology
    seed: int
    schedules: Sequence[Sequence[Planned]]
    large_rows: int
    versions: str

    def write(self, folder: Path) -> None:
        """Keep it."""
        kept = {
            "topology": self.topology.to_json(),
            "seed": self.seed,
            "large_rows": self.large_rows,
            "versions": self.versions,
            "schedules": [to_json(each) for each in self.schedules],
        }
        (folder / "plan.json").write_text(json.dumps(kept, indent=1))

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """Read what `write` kept."""
        kept = json.loads((folder / "plan.json").read_text())
        return cls(
            Topology.from_json(kept["topology"]),
            kept["seed"],
            [from_json(each) for each in kept["schedules"]],
            kept["large_rows"],
            kept["versions"],
        )


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="Of all campaigns; with --campaigns, of the faults of each.",
)
@click.option("--campaigns", type=click.IntRange(1), help="So many, however long they take.")
@click.option("--seed", type=int, help="Of the first campaign; the next ones count on from there.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(SOURCES), help="Of source.")
@click.option(
    "--members",
    type=click.Choice([str(each) for each in MEMBERS]),
    help="Of the target; 0 is a standalone.",
)
@click.option("--daemons", type=click.IntRange(1, 5), help="Of the one stream.")
@click.option("--faults", help="Kinds of faults, with commas; all by default.")
@click.option(
    "--conditions", help="tls, small disks, tiny caches, fake clocks; with commas, or none."
)
@click.option(
    "--versions",
    "of_servers",
    default=lambda: os.environ.get(versions.VARIABLE, ""),
    help="oldest, newest, or as mysql=8.0.31 mongo=5.0.4.",
)
@click.option(
    "--large-rows",
    type=click.IntRange(4_000, 1_000_000),
    default=LARGE_ROWS,
    show_default=True,
    help="Of a large transaction.",
)
@click.option("--replay", type=click.Path(path_type=Path, exists=True, file_okay=False))
def faults(
    minutes: float,
    campaigns: int | None,
    seed: int | None,
    kinds: tuple[str, ...],
    members: str | None,
    daemons: int | None,
    faults: str | None,
    conditions: str | None,
    of_servers: str,
    large_rows: int,
    replay: Path | None,
) -> None:
    """Run campaigns of a minute each, on one topology after the other.

    What a failure needs is kept below build/faults; --replay FOLDER does it once more.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers and mounts go with it
    can = _possible_conditions()
    if _versions(of_servers) and Condition.FAKE_CLOCKS in can:
        print("no clock is ever wrong: servers of other versions may bring an older libc")
        can.remove(Condition.FAKE_CLOCKS)
    if replay is not None:
        sys.exit(_run(Plan.read(replay)))
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    until, failed = time.monotonic() + 60 * minutes, 0
    number = 0
    while number < campaigns if campaigns else time.monotonic() < until:
        drawn = topology.drawn(
            seed + number,
            kinds=kinds,
            members=None if members is None else int(members),
            daemons=daemons,
            conditions=None if conditions is None else _conditions(conditions),
            possible=can,
        )
        wanted = possible(drawn)
        if faults:
            wanted = [each for each in map(Kind, faults.split(",")) if each in wanted]
        seconds = 60 * minutes if campaigns else min(ROUND_SECONDS, 60 * minutes)
        plan = Plan(
            drawn,
            seed + number,
            both(seed + number, wanted, seconds),
            large_rows,
            _versions(of_servers),
        )
        failed += _run(plan)
        number += 1
    print(f"{number} campaigns from seed {seed}, {failed} of them found something")
    sys.exit(1 if failed else 0)


def _possible_conditions() -> list[Condition]:
    """Return the conditions that this machine can make, and say which it cannot."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = [Condition.TLS, Condition.TINY_CACHES, Condition.LANES]
    if can_mount(KEPT):
        found.append(Condition.SMALL_DISKS)
    else:
        print("no disk is ever full: only the superuser can mount one")
    if (library := clocks.library()) is not None:
        clocks.preload(library)
        found.append(Condition.FAKE_CLOCKS)
    else:
        print("no clock is ever wrong: the package libfaketime cannot be had")
    try:
        with kafka_server():
            found += [Condition.APPLIERS, Condition.PUBLISHING]
    except Unfit as error:
        print(f"there are no appliers, and nothing is published: {error.message}")
    return found


def _conditions(text: str) -> frozenset[Condition]:
    return frozenset(map(Condition, text.split(","))) if text != "none" else frozenset()


def _versions(text: str) -> str:
    """Return the versions of the servers as the variable takes them; empty for the usual ones."""
    if text not in EXTREMES:
        return text
    found = {
        name: [each.number for each in versions.KNOWN if each.name == name][EXTREMES[text]]
        for name in versions.NAMES
    }
    return " ".join(f"{name}={number}" for name, number in found.items())


def _run(plan: Plan) -> int:
    """Run one campaign, and print what it found; 1 if that is anything."""
    os.environ[versions.VARIABLE] = plan.versions
    drawn = plan.topology
    name = f"{drawn.kind}-{drawn.members}-{drawn.daemons}-{plan.seed}"
    folder = KEPT / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}"
    folder.mkdir(parents=True)
    plan.write(folder)
    print(f"campaign {plan.seed}: {drawn}", flush=True)
    outcome = campaign.run(
        drawn,
        seed=plan.seed,
        schedules=plan.schedules,
        folder=folder,
        large_rows=plan.large_rows,
    )
    print(json.dumps(outcome.figures), flush=True)
    facts = {**drawn.to_json(), "seed": plan.seed, "violations": outcome.violations}
    with (KEPT / "campaigns.jsonl").open("a") as told:
        told.write(json.dumps({**facts, **outcome.figures}) + "\n")
    if not outcome.violations:
        shutil.rmtree(folder)
        return 0
    print(f"kept: {folder}; again: python -m tests.faults --replay {folder}", flush=True)
    return 1


if __name__ == "__main__":
    faults()
