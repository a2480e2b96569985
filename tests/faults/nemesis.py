"""Carries faults out."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pymongo.errors import PyMongoError

from cdc.writers.observer import WriteStep
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.proxy import Link, Proxy, cut, unchanged
from tests.faults.checkers import Violations
from tests.faults.fleet import Fleet
from tests.faults.schedule import Kind, Planned
from tests.faults.stage import Stage
from tests.faults.workload import AWAY, REFUSED_NUMBER
from tests.support.dialect import start_replica, stop_applying

LATE_SECONDS: Final = 0.03
SMALL_BYTES: Final = 200
"""A piece that is damaged has at least so many: the rest are heartbeats and answers."""

BINLOG_DUMP: Final = (0x12, 0x1E)
"""COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID, behind a packet's header of four bytes."""

CALM_TABLES: Final = ("counters", "orders", "order_lines", "savings", "current")
"""Tables whose schema no fault changes, and whose rows none refuses: what a job finds is right."""

EXCUSES: Final = ("cannot be reached", "lost", "is not ready", "no daemon", "refused", "went away")
"""A command may fail by these: a side was away when it began."""


class Nemesis:
    """Does what the schedule says, to the stage and the fleet."""

    def __init__(self, stage: Stage, fleet: Fleet, violated: Violations) -> None:
        self._stage = stage
        self._fleet = fleet
        self._violated = violated
        self._chance = random.Random()
        self._commands: list[tuple[str, Command]] = []
        self._dumps: set[int] = set()
        self.done = Counter[Kind]()
        stage.source_proxy.requests = self._note_dump
        self._carry_out: dict[Kind, Callable[[float], None]] = {
            Kind.KILL_DAEMON: lambda _: self._signalled(signal.SIGKILL),
            Kind.KILL_AT_STEP: self._kill_at_step,
            Kind.STOP_DAEMON: lambda _: self._signalled(signal.SIGTERM),
            Kind.FREEZE_DAEMON: self._freeze,
            Kind.CUT_SOURCE: lambda _: stage.source_proxy.cut(),
            Kind.HIDE_SOURCE: lambda seconds: _hidden(stage.source_proxy, seconds),
            Kind.SLOW_SOURCE: lambda seconds: _slow(stage.source_proxy, seconds),
            Kind.DAMAGE_SOURCE: self._damage,
            Kind.RESTART_SOURCE: lambda _: stage.source.restart(),
            Kind.KILL_SOURCE: lambda _: stage.kill_source(),
            Kind.ROTATE: lambda _: self._sql("FLUSH BINARY LOGS"),
            Kind.MOVE_SOURCE: lambda _: stage.move_source(),
            Kind.LAG_REPLICA: self._lag_replica,
            Kind.CUT_TARGET: lambda _: stage.target_proxy.cut(),
            Kind.HIDE_TARGET: lambda seconds: _hidden(stage.target_proxy, seconds),
            Kind.SLOW_TARGET: lambda seconds: _slow(stage.target_proxy, seconds),
            Kind.LOSE_ANSWER: self._lose_answer,
            Kind.RESTART_TARGET: lambda _: stage.restart_target(),
            Kind.KILL_TARGET: lambda _: stage.kill_target(),
            Kind.END_SESSIONS: lambda _: self._admin("killAllSessions", []),
            Kind.STEP_DOWN: lambda _: self._step_down(),
            Kind.KILL_PRIMARY: lambda seconds: stage.kill_primary(seconds, ahead=False),
            Kind.KILL_PRIMARY_AHEAD: lambda seconds: stage.kill_primary(seconds, ahead=True),
            Kind.LAG: stage.lag,
            Kind.VERIFY: lambda _: self._command("verify"),
            Kind.RESYNC: lambda _: self._command("resync"),
            Kind.BACKFILL: lambda _: self._command("backfill"),
            Kind.SCHEMA_CHANGE: self._change_schema,
            Kind.TRUNCATE: lambda _: self._sql("TRUNCATE TABLE scratch"),
            Kind.LARGE_TRANSACTION: self._large_transaction,
            Kind.REFUSE_ROWS: self._refuse_rows,
        }

    def inflict(self, planned: Planned) -> None:
        """Wait until it is time, then do it, for as long as it lasts."""
        time.sleep(planned.after)
        self._chance = random.Random(planned.draw)
        self._carry_out[planned.kind](planned.seconds)
        self.done[planned.kind] += 1

    def judge_commands(self) -> None:
        """Judge how the commands have ended: what verify finds is what went wrong."""
        for what, command in self._commands:
            code, told = command.returncode, command.stderr
            if "Traceback" in told:
                self._violated(f"a traceback of {what}:\n{told}")
            elif code != 0 and not any(each in told for each in EXCUSES):
                self._violated(f"{what} ended with {code}: {command.stdout}{told}")

    # -- daemons

    def _signalled(self, number: signal.Signals) -> None:
        if running := self._fleet.running():
            self._chance.choice(running).send(number)

    def _kill_at_step(self, _: float) -> None:
        step = self._chance.choice(list(WriteStep))
        self._fleet.die_at(step, self._chance.randrange(1, 6))
        self._signalled(signal.SIGKILL)

    def _freeze(self, seconds: float) -> None:
        if running := self._fleet.running():
            frozen = self._chance.choice(running)
            frozen.send(signal.SIGSTOP)
            time.sleep(seconds)
            frozen.send(signal.SIGCONT)

    # -- the source

    def _note_dump(self, data: bytes, link: Link) -> bytes:
        if len(data) > 4 and data[3] == 0 and data[4] in BINLOG_DUMP:
            self._dumps.add(id(link))
        return data

    def _damage(self, seconds: float) -> None:
        """Damage the binlog alone: of what a SELECT answers only TLS would notice it."""
        proxy, chance = self._stage.source_proxy, self._chance

        def damaged(data: bytes, link: Link) -> bytes:
            if id(link) not in self._dumps or len(data) < SMALL_BYTES:
                return data
            proxy.replies = unchanged
            at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
            return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]

        proxy.replies = damaged
        time.sleep(seconds)
        proxy.replies = unchanged

    def _lag_replica(self, seconds: float) -> None:
        replica = self._stage.replica
        assert replica is not None
        with suppress(*AWAY):
            replica.execute(stop_applying(replica))
            time.sleep(seconds)
            replica.execute(start_replica(replica))

    def _sql(self, *statements: str) -> None:
        with suppress(*AWAY):
            self._stage.stream.sql(*statements)

    def _change_schema(self, _: float) -> None:
        name = f"extra{self._chance.randrange(3)}"
        with suppress(*AWAY):
            self._stage.stream.sql(f"ALTER TABLE scratch ADD COLUMN {name} INT DEFAULT 7")
            return
        self._sql(f"ALTER TABLE scratch DROP COLUMN {name}")

    def _large_transaction(self, _: float) -> None:
        rows = ",".join(f"('{self._chance.getrandbits(60)}')" for _ in range(4_000))
        with suppress(*AWAY):
            self._stage.stream.transaction(
                f"INSERT INTO scratch (word) VALUES {rows}",
                "UPDATE scratch SET word = CONCAT(word, 'x') WHERE id % 3 = 0",
                end=self._chance.choice(("COMMIT", "COMMIT", "ROLLBACK")),
            )

    # -- the target

    def _lose_answer(self, seconds: float) -> None:
        proxy = self._stage.target_proxy

        def lost(data: bytes, link: Link) -> bytes:
            proxy.replies = unchanged
            cut(link)
            return b""

        proxy.replies = lost
        time.sleep(seconds / 4)
        proxy.replies = unchanged

    def _admin(self, command: str, value: object) -> None:
        with suppress(PyMongoError):
            self._stage.client.admin.command(command, value)

    def _refuse_rows(self, seconds: float) -> None:
        with suppress(PyMongoError):
            self._validate({"number": {"$ne": REFUSED_NUMBER}})
            time.sleep(seconds)
        while True:
            try:
                self._validate({})
            except PyMongoError:
                time.sleep(0.2)
            else:
                return

    def _validate(self, validator: dict[str, Any]) -> None:
        database = self._stage.client[self._stage.stream.database.name]
        database.command({"collMod": "things", "validator": validator})

    def _step_down(self) -> None:
        with suppress(PyMongoError):
            self._stage.client.admin.command({"replSetStepDown": 5, "force": True})

    # -- jobs

    def _command(self, what: str) -> None:
        table = f"{self._stage.stream.schema}.{self._chance.choice(CALM_TABLES)}"
        command = Command(self._stage.stream, what, table, ledger=True)
        self._commands.append((f"{what} {table}", command))


def _hidden(proxy: Proxy, seconds: float) -> None:
    proxy.black_hole()
    time.sleep(seconds)
    proxy.heal()


def _slow(proxy: Proxy, seconds: float) -> None:
    def late(data: bytes, _: Link) -> bytes:
        time.sleep(LATE_SECONDS)
        return data

    proxy.replies = late
    time.sleep(seconds)
    proxy.replies = unchanged
