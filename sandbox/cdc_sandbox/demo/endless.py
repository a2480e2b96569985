"""`cdc demo`: rows that keep changing, and one line that tells how the copy keeps up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import NoReturn

from cdc_sandbox.demo.comparison import compare
from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.live_line import LiveLine
from cdc_sandbox.demo.loader import load
from cdc_sandbox.demo.once import catch_up
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.demo.shell_hints import commands
from cdc_sandbox.demo.traffic import Traffic
from cdc_sandbox.demo.workload import Workload

Say = Callable[[str], None]

_TICK_SECONDS = 0.1
CATCH_UP_SECONDS = 60.0
"""How long a daemon that is started again may take: another one's lease must have ended."""


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


def play(stage: Stage, traffic: Traffic, line: LiveLine, *, seed: int, say: Say) -> NoReturn:
    """Show the live line until Ctrl-C, or until something fails; a daemon may be killed."""
    users, tweets = stage.database["users"], stage.database["tweets"]
    traffic.start()
    while True:
        if stage.daemon.was_killed:
            line.end()
            with traffic.resting():
                _start_again(stage, seed=seed, say=say)
        stage.daemon.check()
        if stage.portal:
            stage.portal.check()
        traffic.check()
        line.show(traffic.line(users, tweets))
        time.sleep(_TICK_SECONDS)


def _start_again(stage: Stage, *, seed: int, say: Say) -> None:
    """Start a daemon that was killed, as a service manager would, and compare both sides.

    The rows must rest meanwhile.
    """
    say("the daemon was killed; as a service manager would, the demo starts it again")
    stage.daemon.close()
    stage.daemon.start()
    stage.connection.rollback()  # its snapshot may be an old one
    catch_up(stage, Workload(stage.connection, seed=seed), CATCH_UP_SECONDS, say)
    tables = compare(stage.connection, stage.database)
    for table in tables:
        for told in table.lines():
            say(told)
    equal = all(table.equal for table in tables)
    say("both sides are equal; it goes on" if equal else "the sides DIFFER")


def play_until_stopped(
    stage: Stage, sample: Sample, *, seed: int, rate: float, line: LiveLine, say: Say, tell: Say
) -> None:
    """Play until a KeyboardInterrupt, then stop changing rows and let the daemon finish."""
    prepare(stage, sample, say=say, tell=tell)
    traffic = Traffic(stage, seed=seed, transactions_per_second=rate)
    with closing(traffic):
        try:
            play(stage, traffic, line, seed=seed, say=say)
        except KeyboardInterrupt:
            line.end()
            say("stopping: the workload, the portal, the daemon, then the servers")
        finally:
            line.end()
    if stage.portal:
        stage.portal.stop()
    stage.daemon.stop()
    tell(traffic.summary())
