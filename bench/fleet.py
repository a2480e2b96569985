"""A fleet at rest: many streams from one source into one state database, and what each costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import yaml

from bench import replication
from bench.processes import cpu_seconds, resident_megabytes
from bench.replication import Client
from bench.report import Figure, Table
from bench.stage import Configured, Stage
from cdc_sandbox.demo.daemon import Daemon

STREAMS = (1, 10, 100)
STARTED_AT_ONCE = 10
SETTLING_SECONDS = 15
RESTING_SECONDS = 60
STATE = "bench_fleet_state"


def run(stage: Stage) -> list[Table]:
    """Measure fleets of some sizes, none of whose sources has anything new."""
    table = Table("fleet: idle streams of one source, with one state database")
    with stage.target.client(w="majority") as client:
        for count in STREAMS:
            table.rows.append(_measure(stage, client, count))
    table.notes = [
        f"measured over {RESTING_SECONDS} s without a change; milliseconds of processor time are"
        " those of a second, of one daemon, of MySQL and of MongoDB",
        "heartbeats every 5 s, leases of 10 s, as they are by default",
    ]
    return [table]


def _measure(stage: Stage, client: Client, count: int) -> dict[str, Figure]:
    stage.say(f"{count} streams")
    with _streaming(stage, client, count) as daemons:
        time.sleep(SETTLING_SECONDS)
        pids = [each.pid for each in daemons]
        begun = [cpu_seconds(pid) for pid in (*pids, stage.source.pid, stage.target.pid)]
        operations = _updates(client)
        time.sleep(RESTING_SECONDS)
        ended = [cpu_seconds(pid) for pid in (*pids, stage.source.pid, stage.target.pid)]
        used = [1000 * (b - a) / RESTING_SECONDS for a, b in zip(begun, ended, strict=True)]
        row: dict[str, Figure] = {
            "streams": count,
            "daemon ms/s": sum(used[:count]) / count,
            "daemon MB": sum(map(resident_megabytes, pids)) / count,
            "MySQL ms/s": used[-2],
            "MongoDB ms/s": used[-1],
            "state writes/s": (_updates(client) - operations) / RESTING_SECONDS,
            "state KB": client[STATE].command("dbStats")["dataSize"] / 1024,
        }
    client.drop_database(STATE)
    return row


@contextmanager
def _streaming(stage: Stage, client: Client, count: int) -> Iterator[Sequence[Daemon]]:
    """Run so many daemons for as long as the block lasts."""
    start = stage.executed()
    configured = [_configure(stage, start) for _ in range(count)]
    with ExitStack() as running:
        daemons: list[Daemon] = []
        for at in range(0, count, STARTED_AT_ONCE):
            some = configured[at : at + STARTED_AT_ONCE]
            started = [running.enter_context(replication.running(stage, each)) for each in some]
            for names, daemon in zip(some, started, strict=True):
                replication.wait_for(start, names, client, daemon)
            daemons += started
        yield daemons


def _configure(stage: Stage, start: str) -> Configured:
    """Configure a stream with the state database of all."""
    names = stage.configure(start=start, apply={})
    settings = yaml.safe_load(names.path.read_text())
    settings["target"]["state_database"] = STATE
    names.path.write_text(yaml.safe_dump(settings))
    return Configured(names.path, names.database, STATE, names.stream)


def _updates(client: Client) -> int:
    """Return how many documents the target has updated so far."""
    return int(client.admin.command("serverStatus")["opcounters"]["update"])
