"""`cdc demo`: rows that keep changing, and one line that tells how the copy keeps up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import NoReturn

from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.live_line import LiveLine
from cdc_sandbox.demo.loader import load
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.demo.shell_hints import commands
from cdc_sandbox.demo.traffic import Traffic

Say = Callable[[str], None]

_TICK_SECONDS = 0.1


def prepare(stage: Stage, sample: Sample, *, say: Say, tell: Say) -> None:
    """Load the tweets, half of them before the daemon starts, and tell where to look."""
    loaded = load(stage.connection, sample.first_half())
    say(f"loaded {loaded.tweets} tweets of {loaded.users} users; starting the daemon")
    stage.daemon.start()
    rest = load(stage.connection, sample.second_half())
    say(f"loaded {rest.tweets} tweets more while it runs")
    for line in (*commands(stage), *_portal(stage)):
        tell(line)


def _portal(stage: Stage) -> list[str]:
    """Open the portal, where there is one; lines that tell how to get in."""
    if stage.portal is None:
        return []
    logins = stage.portal.create_demo_users()
    stage.portal.serve()
    return [f"the portal: {stage.portal.url}", *(f"  {login}" for login in logins)]


def play(stage: Stage, traffic: Traffic, line: LiveLine) -> NoReturn:
    """Show the live line until Ctrl-C, or until something fails."""
    users, tweets = stage.database["users"], stage.database["tweets"]
    traffic.start()
    while True:
        stage.daemon.check()
        if stage.portal:
            stage.portal.check()
        traffic.check()
        line.show(traffic.line(users, tweets))
        time.sleep(_TICK_SECONDS)


def play_until_stopped(
    stage: Stage, sample: Sample, *, seed: int, rate: float, line: LiveLine, say: Say, tell: Say
) -> None:
    """Play until a KeyboardInterrupt, then stop changing rows and let the daemon finish."""
    prepare(stage, sample, say=say, tell=tell)
    traffic = Traffic(stage, seed=seed, transactions_per_second=rate)
    with closing(traffic):
        try:
            play(stage, traffic, line)
        except KeyboardInterrupt:
            line.end()
            say("stopping: the workload, the portal, the daemon, then the servers")
        finally:
            line.end()
    if stage.portal:
        stage.portal.stop()
    stage.daemon.stop()
    tell(traffic.summary())
