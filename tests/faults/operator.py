"""What takes an operator: the source loses something, the daemons say so, the remedy is taken.

The source rests meanwhile, but where the text says otherwise.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Final

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.put_back import Backup
from tests.faults.fleet import Fleet
from tests.faults.patience import persist, until
from tests.faults.stage import Stage
from tests.faults.watchers import Watchers
from tests.faults.workload import Workload
from tests.support.binlogs import newest, purge_to
from tests.support.dialect import forget_source, start_replica, stop_replica
from tests.support.replicas import become_replica, executed
from tests.support.waiting import eventually

PURGED: Final = "PositionPurged"
DIVERGED: Final = "SourceDiverged"
WORKERS: Final = 3
"""Of a copy before a stream begins."""


class Operator:
    """Does harm that no daemon can heal, and what `docs/` says to do then."""

    def __init__(
        self,
        stage: Stage,
        fleet: Fleet,
        workload: Workload,
        watchers: Watchers,
    ) -> None:
        self._stage = stage
        self._fleet = fleet
        self._workload = workload
        self._watchers = watchers
        self.remedies = 0
        """How often a stream was set to a new position."""
        self.busy = threading.Lock()
        """Held while it works: what verifies or resyncs meanwhile finds what is missing."""

    def purge(self, seconds: float) -> None:
        """Purge what nobody has read, while no daemon runs."""
        stage, source = self._stage, self._stage.source
        self._fleet.hold()
        source.execute("FLUSH BINARY LOGS")
        time.sleep(seconds)
        source.execute("FLUSH BINARY LOGS")
        with self._workload.resting():
            kept = stage.committed.all()
            purge_to(source, newest(source))
            stage.committed.keep(kept)  # a command may have applied all of it meanwhile
            self._fleet.release(PURGED)
            self._until_settled(PURGED)
            self._remedied(kept)

    def lose_tail(self, seconds: float, chance: random.Random) -> None:
        """Have the source be what it was some time ago, as after a crash of its machine.

        It may commit others before any daemon sees it again: by the same GTIDs.
        """
        stage, source, data = self._stage, self._stage.source, self._stage.source_data
        assert data is not None
        with self._workload.resting():
            backup = Backup(source, data)
        time.sleep(seconds)
        with self._workload.resting():
            self._fleet.allow(DIVERGED)
            backup.put_back()
            kept = stage.committed.all()
        backup.forget()
        self._go_on(kept, chance)

    def begin_anew(self, seconds: float) -> None:
        """Remove the stream and its documents, and start it: workers copy, amid changes."""
        stage, workload = self._stage, self._workload
        stage.stream.settings["start"] = "backfill"
        stage.stream.settings["chunks"]["workers"] = WORKERS
        self._fleet.hold()
        with self._watchers.away():
            with workload.resting():
                until(self._is_removed, "the stream's removal", stage.stream)
                self._fleet.release()
                until(lambda: stage.stream.state_document() is not None, "the stream", stage.stream)
                kept = stage.committed.all()
                persist(lambda: stage.committed.begin_anew(kept), "the target")
                persist(workload.pace.begin_anew, "the target")
            time.sleep(seconds)
            until(self._is_copied, "the copies", stage.stream)
            with workload.resting():
                until(self._has_all, "the stream", stage.stream)

    def _is_removed(self) -> bool:
        """Remove it; a side may be away, before or behind that."""
        name = self._stage.stream.name
        command = cdc(self._stage.stream, "stream", "remove", name, "--documents", "--yes")
        return command.returncode == 0 or "knows no stream" in command.stderr

    def _is_copied(self) -> bool:
        state = self._stage.stream.state_document()
        return bool(state and state["position"]) and self._is_done("backfill")

    def _has_all(self) -> bool:
        return set(self._stage.stream.ledger()) == self._stage.committed.wanted()

    def promote(self, seconds: float, chance: random.Random, *, lagging: bool) -> None:
        """Kill the primary; its replica takes its place, with all that it has."""
        stage, old, new = self._stage, self._stage.source, self._stage.replica
        assert new is not None
        if lagging:
            new.execute(stop_replica(new))
            time.sleep(seconds)
        with self._workload.resting():
            if not lagging:
                eventually(lambda: executed(new) == executed(old), waiting_for="the replica")
            if lagging:
                self._fleet.allow(DIVERGED)
            before = stage.committed.all()
            old.kill()
            new.execute(stop_replica(new))
            new.execute(forget_source(new))
            stage.source, stage.replica = new, None
            kept = stage.committed.go_on_with(new, before)
            stage.source_proxy.point_to(new.port)
        if lagging:
            self._go_on(kept, chance)  # the old primary has what no other has: it is given up
            return
        old.start()
        become_replica(old, new)
        old.execute(start_replica(old))
        stage.replica = old

    def _go_on(self, kept: set[str], chance: random.Random) -> None:
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0, 2))  # the source commits again, by what was lost
        with self._workload.resting():
            self._until_settled(DIVERGED)
            self._remedied(kept)

    def _until_settled(self, name: str) -> None:
        """Wait until a daemon has halted by a name, or has all and nothing else."""

        def settled() -> bool:
            return self._fleet.halted or self._has_all()

        until(settled, f"{name}, or the stream", self._stage.stream)

    def _remedied(self, kept: set[str]) -> None:
        """Take the documented remedy, if a daemon has halted, and wait until all is resynced."""
        if not self._fleet.halted:
            self._fleet.disallow()
            persist(self._workload.pace.begin_anew, "the target")  # what is lost is never applied
            return
        stage = self._stage
        self._fleet.hold()
        with self._watchers.away():
            until(self._is_set, "the new position", stage.stream)
            persist(lambda: stage.committed.begin_anew(kept), "the target")
            persist(self._workload.pace.begin_anew, "the target")
            self._fleet.release()
            until(lambda: self._is_done("resync"), "the resyncs", stage.stream)
        self.remedies += 1

    def _is_set(self) -> bool:
        """Type it; a side may be away, or a command may hold the stream."""
        command = cdc(self._stage.stream, "position", "set", "--start", "now", "--resync", "--yes")
        return command.returncode == 0

    def _is_done(self, kind: str) -> bool:
        jobs = self._stage.stream.state["jobs"]
        wanted = {"kind": kind, "state": {"$in": ["queued", "running"]}}
        return jobs.count_documents(wanted) == 0
