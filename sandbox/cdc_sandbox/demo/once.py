"""`cdc demo --once`: load, change, catch up, compare, and say what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cdc.errors import CdcError
from cdc_sandbox.demo.comparison import TableComparison, compare
from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.freshness import Freshness
from cdc_sandbox.demo.loader import load
from cdc_sandbox.demo.pile import pile_up
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.demo.workload import Counts, Workload

Say = Callable[[str], None]

_POLL_SECONDS = 0.05


class NotCaughtUp(CdcError):
    """The target did not catch up in time."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did and found.

    `piled` rows were committed while the daemon was stopped; `seconds` are those from its next
    start until all of them were in the target.
    """

    loaded: int
    changes: Counts
    piled: int
    seconds: float
    tables: list[TableComparison]

    @property
    def equal(self) -> bool:
        """Whether both sides agree."""
        return all(table.equal for table in self.tables)

    def lines(self) -> list[str]:
        """Return the summary."""
        changes = self.changes
        rate = self.piled / self.seconds
        return [
            *(line for table in self.tables for line in table.lines()),
            f"changes: {self.loaded} rows loaded, then {changes.inserted} inserted, "
            f"{changes.updated} updated, {changes.deleted} deleted "
            f"in {changes.transactions} transactions",
            f"catch-up: {self.piled:,} rows, committed while the daemon was stopped, were there "
            f"{self.seconds:.1f} s after its start ({rate:,.0f} rows/s)",
            f"result: {'both sides are equal' if self.equal else 'the sides DIFFER'}",
        ]


def play_once(
    stage: Stage, sample: Sample, *, seed: int, transactions: int, deadline_seconds: float, say: Say
) -> Pass:
    """Play one pass and stop the daemon; NotCaughtUp or DaemonFailed if it cannot be finished."""
    loaded = load(stage.connection, sample.first_half())
    say(f"loaded {loaded.tweets} tweets of {loaded.users} users; starting the daemon")
    stage.daemon.start()
    rest = load(stage.connection, sample.second_half())
    say(f"loaded {rest.tweets} tweets more while it runs; changing rows")
    workload = Workload(stage.connection, seed=seed)
    _change(stage, workload, transactions)
    catch_up(stage, workload, deadline_seconds, say)
    stage.daemon.stop()
    piled = pile_up(stage.connection)
    say(f"stopped the daemon, committed {piled:,} tweets more, and start it again")
    began = time.monotonic()
    stage.daemon.start()
    catch_up(stage, workload, deadline_seconds, say)
    seconds = time.monotonic() - began
    say("comparing both sides row by row")
    tables = compare(stage.connection, stage.database)
    stage.daemon.stop()
    rows = loaded.users + loaded.tweets + rest.users + rest.tweets
    return Pass(rows, workload.counts, piled, seconds, tables)


def _change(stage: Stage, workload: Workload, transactions: int) -> None:
    workload.one_of_each()
    for _ in range(transactions):
        stage.daemon.check()
        workload.step()


def catch_up(stage: Stage, workload: Workload, deadline_seconds: float, say: Say) -> None:
    """Wait until the last transaction is seen in the target: the stream keeps their order."""
    last = workload.last_word()
    say("waiting until the last of it is in MongoDB")
    deadline = time.monotonic() + deadline_seconds

    def still_possible() -> bool:
        stage.daemon.check()
        return time.monotonic() < deadline

    seen = Freshness(stage.database["users"]).wait_for(last, still_possible=still_possible)
    if not (seen and _nothing_owed(stage, still_possible)):
        raise NotCaughtUp(
            f"the target did not catch up within {deadline_seconds:g} s; "
            f"the end of the daemon's log:\n{stage.daemon.log_tail()}"
        )


def _nothing_owed(stage: Stage, still_possible: Callable[[], bool]) -> bool:
    """Wait until tweets embed the names that their authors have; False if they never can."""
    with stage.target.client(readConcernLevel="majority") as client:
        while client.cdc.debts.find_one() is not None:
            if not still_possible():
                return False
            time.sleep(_POLL_SECONDS)
    return True
