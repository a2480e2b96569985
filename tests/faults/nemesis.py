"""Carries faults out."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from pymongo.errors import PyMongoError

from cdc.writers.observer import LaneStep, PublishStep, Step, WriteStep
from tests.end_to_end.support.command import Command as CdcCommand
from tests.end_to_end.support.proxy import Filter, Link, Proxy, cut, unchanged
from tests.faults import heavy, wide
from tests.faults.checkers import Violations
from tests.faults.clocks import READ_AGAIN_SECONDS
from tests.faults.fleet import Fleet
from tests.faults.operator import Operator
from tests.faults.patience import persist
from tests.faults.schedule import NEEDS, Kind, Planned
from tests.faults.stage import LEASE_SECONDS, Stage
from tests.faults.topology import Condition, Trait
from tests.faults.workload import (
    AWAY,
    COUNTERS,
    INDEX,
    INDEXED,
    LONG_COUNT,
    REFUSED_NUMBER,
)
from tests.support.dialect import start_replica, stop_applying

LATE_SECONDS: Final = 0.03
AMID_SECONDS: Final = 20.0
"""So long is waited for a daemon to begin with a transaction, before it is killed anyway."""
SMALL_BYTES: Final = 200
"""A piece that is damaged or halved has at least so many: the rest are heartbeats and answers."""

BINLOG_DUMP: Final = (0x12, 0x1E)
"""COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID, behind a packet's header of four bytes."""

CALM_TABLES: Final = (
    *("counters", "orders", "order_lines", "savings", "current"),
    *("words", "bulk", "kinds"),
)
"""Tables whose schema no fault changes, and whose rows none refuses: what a job finds is right."""

AMID_DOUBT: Final = (
    WriteStep.BEFORE_TRANSACTION,
    *(LaneStep.IN_PART, LaneStep.AFTER_PART, LaneStep.BEFORE_CLOSE),
    *PublishStep,
)
"""Steps at which a daemon has made sure of its lease, and writes: amid others it holds the stream's
document, or looks at it next."""

SETTINGS: Final = (-40_000, -3_600, -30, 30, 3_600, 40_000)
"""Seconds by which a clock may differ: certificates hold for a day."""

EXCUSES: Final = (
    "cannot be reached",
    "does not do it now",
    "lost",
    "is not ready",
    "no daemon",
    "refused",
    "went away",
)
"""A command may fail by these: a side was away when it began."""


@dataclass
class Command:
    """A command of cdc that runs beside the faults."""

    what: str
    process: CdcCommand
    excused: bool = False
    """Whether the source was set back meanwhile: it may find that, or halt."""


@dataclass
class Deeds:
    """What all nemeses of a campaign have done."""

    done: Counter[Kind] = field(default_factory=Counter)
    rows: int = 0
    """How many rows large transactions have changed."""
    commands: list[Command] = field(default_factory=list)
    dumps: set[int] = field(default_factory=set)
    """The links on which a binlog was asked for."""

    def note_dump(self, data: bytes, link: Link) -> bytes:
        """Note that a request asks for the binlog."""
        if len(data) > 4 and data[3] == 0 and data[4] in BINLOG_DUMP:
            self.dumps.add(id(link))
        return data

    def end(self) -> None:
        """End what has not ended by itself."""
        for each in self.commands:
            if not each.process.ended:
                each.process.kill()

    def judge_commands(self, violated: Violations) -> None:
        """Judge how the commands have ended: what verify finds is what went wrong."""
        for each in self.commands:
            code, told = each.process.returncode, each.process.stderr
            if "Traceback" in told:
                violated(f"a traceback of {each.what}:\n{told}")
            elif code != 0 and not each.excused and not any(word in told for word in EXCUSES):
                violated(f"{each.what} ended with {code}: {each.process.stdout}{told}")


class Nemesis:
    """Does what a schedule says, to the stage and the fleet."""

    def __init__(
        self, stage: Stage, fleet: Fleet, appliers: Fleet, operator: Operator, deeds: Deeds
    ) -> None:
        self._stage = stage
        self._fleet = fleet
        self._appliers = appliers
        self._operator = operator
        self._deeds = deeds
        self._chance = random.Random()
        source, target, broker = stage.source_proxy, stage.target_proxy, stage.broker_proxy
        self._carry_out: dict[Kind, Callable[[float], None]] = {
            Kind.KILL_DAEMON: lambda _: self._signalled(signal.SIGKILL),
            Kind.KILL_AT_STEP: lambda _: self._kill_at(self._steps),
            Kind.FREEZE_AT_STEP: self._freeze_at,
            Kind.KILL_IN_ROUND: lambda _: self._kill_at(list(LaneStep)),
            Kind.KILL_IN_CLEAR: self._kill_in_clear,
            Kind.KILL_IN_PARTS: lambda _: self._kill_in_parts(),
            Kind.KILL_IN_INDEX_BUILD: self._kill_in_index_build,
            Kind.STOP_DAEMON: lambda _: self._signalled(signal.SIGTERM),
            Kind.FREEZE_DAEMON: self._freeze,
            Kind.JUMP_DAEMONS: lambda seconds: self._jump("daemons", seconds),
            Kind.KILL_APPLIER: lambda _: self._signalled(signal.SIGKILL, appliers),
            Kind.KILL_APPLIER_IN_PART: lambda _: self._kill_in_part(),
            Kind.STOP_APPLIER: lambda _: self._signalled(signal.SIGTERM, appliers),
            Kind.FREEZE_APPLIER: lambda seconds: self._freeze(seconds, appliers),
            Kind.KILL_BROKER: stage.kill_broker,
            Kind.FREEZE_BROKER: stage.freeze_broker,
            Kind.CUT_BROKER: lambda _: broker.cut(),
            Kind.HIDE_BROKER: lambda seconds: _hidden(broker, seconds),
            Kind.HALF_HIDE_BROKER: lambda seconds: self._half_hide(broker, seconds),
            Kind.SLOW_BROKER: lambda seconds: _slow(broker, seconds),
            Kind.REPEAT_PARTS: lambda _: stage.parts.repeat(self._chance),
            Kind.TRUNCATE_PARTS: lambda _: stage.parts.truncate(),
            Kind.DELETE_PARTS: lambda _: stage.parts.delete(),
            Kind.CUT_SOURCE: lambda _: source.cut(),
            Kind.HIDE_SOURCE: lambda seconds: _hidden(source, seconds),
            Kind.HALF_HIDE_SOURCE: lambda seconds: self._half_hide(source, seconds),
            Kind.HIDE_AMID_EVENT: lambda seconds: self._hide_amid(source, "replies", seconds),
            Kind.SLOW_SOURCE: lambda seconds: _slow(source, seconds),
            Kind.SINGLE_BYTES_SOURCE: lambda seconds: _single_bytes(source, seconds),
            Kind.DAMAGE_SOURCE: lambda seconds: self._change(source, self._damaged, seconds),
            Kind.REORDER_SOURCE: lambda seconds: self._change(source, _reordered, seconds),
            Kind.RESTART_SOURCE: lambda _: stage.source.restart(),
            Kind.KILL_SOURCE: lambda _: stage.kill_source(),
            Kind.FILL_SOURCE: stage.fill_source,
            Kind.FILL_REPLICA: stage.fill_replica,
            Kind.JUMP_SOURCE: lambda seconds: self._jump("source", seconds),
            Kind.ROTATE: lambda _: self._sql("FLUSH BINARY LOGS"),
            Kind.PURGE: self._by_hand(operator.purge),
            Kind.LOSE_TAIL: self._by_hand(
                lambda seconds: operator.lose_tail(seconds, self._chance)
            ),
            Kind.BEGIN_ANEW: self._by_hand(operator.begin_anew),
            Kind.MOVE_SOURCE: lambda _: stage.move_source(),
            Kind.LAG_REPLICA: self._lag_replica,
            Kind.PROMOTE: self._by_hand(
                lambda seconds: operator.promote(seconds, self._chance, lagging=False)
            ),
            Kind.PROMOTE_LAGGING: self._by_hand(
                lambda seconds: operator.promote(seconds, self._chance, lagging=True)
            ),
            Kind.CUT_TARGET: lambda _: target.cut(),
            Kind.HIDE_TARGET: lambda seconds: _hidden(target, seconds),
            Kind.HALF_HIDE_TARGET: lambda seconds: self._half_hide(target, seconds),
            Kind.HIDE_AMID_BATCH: lambda seconds: self._hide_amid(target, "requests", seconds),
            Kind.HIDE_AT_COMMIT: self._hide_at_commit,
            Kind.LOSE_COMMIT: self._lose_commit,
            Kind.SLOW_TARGET: lambda seconds: _slow(target, seconds),
            Kind.SINGLE_BYTES_TARGET: lambda seconds: _single_bytes(target, seconds),
            Kind.DAMAGE_TARGET: lambda seconds: self._change(target, self._damaged, seconds),
            Kind.LOSE_ANSWER: self._lose_answer,
            Kind.RESTART_TARGET: lambda _: stage.restart_target(),
            Kind.KILL_TARGET: lambda _: stage.kill_target(),
            Kind.FILL_TARGET: stage.fill_target,
            Kind.FILL_MEMBER: lambda seconds: stage.fill_member(seconds, self._chance),
            Kind.JUMP_TARGET: lambda seconds: self._jump("target", seconds),
            Kind.END_SESSIONS: lambda _: self._admin("killAllSessions", []),
            Kind.STEP_DOWN: lambda _: self._step_down(),
            Kind.KILL_PRIMARY: lambda seconds: stage.kill_primary(seconds, ahead=False),
            Kind.KILL_PRIMARY_AHEAD: lambda seconds: stage.kill_primary(seconds, ahead=True),
            Kind.LAG: stage.lag,
            Kind.VERIFY: lambda _: self._job("verify"),
            Kind.RESYNC: lambda _: self._job("resync"),
            Kind.BACKFILL: lambda _: self._job("backfill"),
            Kind.RETRY_LETTERS: lambda _: self._command("dead-letters", "retry", "--all"),
            Kind.SCHEMA_CHANGE: self._change_schema,
            Kind.SCHEMA_STORM: self._storm,
            Kind.TRUNCATE: lambda _: self._truncate(),
            Kind.LARGE_TRANSACTION: self._large_transaction,
            Kind.HEAVY_TRANSACTION: self._heavy_transaction,
            Kind.REFUSE_ROWS: self._refuse_rows,
        }

    def inflict(self, planned: Planned) -> None:
        """Wait until it is time, then do it, for as long as it lasts."""
        time.sleep(planned.after)
        needed = NEEDS.get(planned.kind, frozenset())
        if Trait.REPLICA in needed and self._stage.replica is None:
            return  # it was given up
        self._chance = random.Random(planned.draw)
        self._carry_out[planned.kind](planned.seconds)
        self._deeds.done[planned.kind] += 1

    # -- daemons

    def _signalled(self, number: signal.Signals, fleet: Fleet | None = None) -> None:
        if running := (fleet or self._fleet).running():
            self._chance.choice(running).send(number)

    @property
    def _steps(self) -> list[Step]:
        """Those of the stream's daemon."""
        topology = self._stage.topology
        lanes = list[Step](LaneStep) if topology.has_lanes else []
        return [*WriteStep, *lanes, *(PublishStep if topology.publishes else ())]

    def _kill_at(self, steps: Sequence[Step]) -> None:
        step = self._chance.choice(steps)
        self._fleet.die_at(step, self._chance.randrange(1, 6))
        self._kill_owner()

    def _freeze_at(self, seconds: float) -> None:
        steps = [each for each in self._steps if each in AMID_DOUBT]
        step, times = self._chance.choice(steps), self._chance.randrange(1, 6)
        frozen_seconds = self._chance.uniform(1, 2) * LEASE_SECONDS
        self._fleet.freeze_at(step, times, frozen_seconds)
        self._kill_owner()
        time.sleep(seconds + frozen_seconds)

    def _kill_owner(self) -> None:
        """Kill the active daemon, that the one that is started instead may come to write."""
        with suppress(PyMongoError):
            state = self._stage.stream.state_document() or {}
            pid = (state.get("owner") or {}).get("pid")
            for each in self._fleet.running():
                if each.pid == pid:
                    each.send(signal.SIGKILL)
                    return
        self._signalled(signal.SIGKILL)

    def _kill_in_part(self) -> None:
        step = self._chance.choice((LaneStep.IN_PART, LaneStep.AFTER_PART))
        self._appliers.die_at(step, self._chance.randrange(1, 6))
        self._signalled(signal.SIGTERM, self._appliers)

    def _kill_in_clear(self, _: float) -> None:
        self._sql("INSERT INTO scratch (word) SELECT word FROM things LIMIT 300")
        for _ in range(2):
            self._kill_at([WriteStep.IN_PIECE, WriteStep.AFTER_PIECE])
        self._sql("TRUNCATE TABLE scratch")

    def _kill_in_parts(self) -> None:
        for _ in range(2):
            self._kill_at([WriteStep.BEFORE_COMMIT, WriteStep.AFTER_COMMIT])
        with suppress(*AWAY):
            self._stage.stream.transaction(*LONG_COUNT)
            self._deeds.rows += COUNTERS * len(LONG_COUNT)

    def _kill_in_index_build(self, seconds: float) -> None:
        """Drop an index; who starts next builds it, and dies of that, twice."""
        stage = self._stage
        assert stage.three is not None
        persist(stage.three.until_whole, "three members")
        with suppress(PyMongoError):
            stage.client[stage.stream.database.name][INDEXED].drop_index(INDEX)
        with stage.three.building_no_index():
            for _ in range(2):
                self._fleet.kill_all()
                time.sleep(seconds / 2)
        self._fleet.kill_all()

    def _freeze(self, seconds: float, fleet: Fleet | None = None) -> None:
        if running := (fleet or self._fleet).running():
            frozen = self._chance.choice(running)
            frozen.send(signal.SIGSTOP)
            time.sleep(seconds)
            frozen.send(signal.SIGCONT)

    def _jump(self, name: str, seconds: float) -> None:
        clock = self._stage.clocks[name]
        clock.set(self._chance.choice(SETTINGS))
        time.sleep(seconds + READ_AGAIN_SECONDS)
        if name == "target" and self._chance.random() < 0.5:
            self._kill_owner()  # its lease lasts for as long as the clock is set back, or less
        clock.set(0)

    # -- links

    def _half_hide(self, proxy: Proxy, seconds: float) -> None:
        """Let nothing through one way; in the end it comes late, or never."""
        name, cut_at_last = self._chance.choice(("requests", "replies")), self._chance.random()
        before: Filter = getattr(proxy, name)
        again = threading.Event()

        def held(data: bytes, link: Link) -> bytes:
            again.wait()
            return before(data, link)

        setattr(proxy, name, held)
        time.sleep(seconds)
        setattr(proxy, name, before)
        if cut_at_last < 0.5:
            proxy.cut()
        again.set()

    def _hide_amid(self, proxy: Proxy, name: str, seconds: float) -> None:
        """Let half of what comes next through, then nothing, both ways."""
        before: Filter = getattr(proxy, name)
        hidden = threading.Event()

        def half(data: bytes, link: Link) -> bytes:
            if hidden.is_set() or not self._is_large(proxy, data, link):
                return before(data, link)
            hidden.set()
            proxy.black_hole()
            return data[: len(data) // 2]

        setattr(proxy, name, half)
        hidden.wait(seconds)
        time.sleep(seconds)
        setattr(proxy, name, before)
        proxy.heal()

    def _change(self, proxy: Proxy, changed: Callable[[bytes], bytes], seconds: float) -> None:
        """Change what is sent, once."""

        def once(data: bytes, link: Link) -> bytes:
            if not self._is_large(proxy, data, link):
                return data
            proxy.replies = unchanged
            return changed(data)

        proxy.replies = once
        time.sleep(seconds)
        proxy.replies = unchanged

    def _is_large(self, proxy: Proxy, data: bytes, link: Link) -> bool:
        """Return whether it is no heartbeat, and its damage can be noticed.

        Of what a SELECT answers only TLS would notice it.
        """
        plain = Condition.TLS not in self._stage.topology.conditions
        if plain and proxy is self._stage.source_proxy and id(link) not in self._deeds.dumps:
            return False
        return len(data) >= SMALL_BYTES

    def _damaged(self, data: bytes) -> bytes:
        at, bit = self._chance.randrange(len(data)), 1 << self._chance.randrange(8)
        return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]

    # -- the source

    def _by_hand(self, deed: Callable[[float], None]) -> Callable[[float], None]:
        """Return a deed beside which no command begins, and those that run are excused."""

        def done(seconds: float) -> None:
            with self._operator.busy:
                for each in self._deeds.commands:
                    each.excused |= not each.process.ended
                deed(seconds)

        return done

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

    def _storm(self, _: float) -> None:
        """Change, empty and replace a table, as tools for schema changes do, and kill amid."""
        name = f"extra{self._chance.randrange(3)}"
        storm = [
            f"ALTER TABLE scratch ADD COLUMN {name} INT DEFAULT 7",
            "INSERT INTO scratch (word) VALUES ('in a storm')",
            "TRUNCATE TABLE scratch",
            f"ALTER TABLE scratch DROP COLUMN {name}",
            "CREATE TABLE scratch_new LIKE scratch",
            "INSERT INTO scratch_new (word) VALUES ('new'), ('newer')",
            "RENAME TABLE scratch TO scratch_old, scratch_new TO scratch",
            "DROP TABLE scratch_old",
            "ALTER TABLE scratch ADD INDEX (word)",
            "ALTER TABLE scratch DROP INDEX word",
        ]
        killed = self._chance.randrange(len(storm))
        for number, each in enumerate(storm):
            self._sql(each)
            if number == killed:
                self._signalled(signal.SIGKILL)

    def _truncate(self) -> None:
        emptied = self._chance.choice(("scratch", "scratch", "order_lines"))
        self._sql(f"TRUNCATE TABLE {emptied}")

    def _large_transaction(self, _: float) -> None:
        rows = self._stage.large_rows
        words = ",".join(f"('{self._chance.getrandbits(60)}')" for _ in range(min(rows, 4_000)))
        doublings = max(rows // 4_000, 1).bit_length() - 1
        statements = (
            f"INSERT INTO scratch (word) VALUES {words}",
            *["INSERT INTO scratch (word) SELECT word FROM scratch LIMIT 500000"] * doublings,
            "UPDATE scratch SET word = CONCAT(LEFT(word, 18), 'x') WHERE id % 3 = 0",
        )
        commits, stream = self._chance.random() < 2 / 3, self._stage.stream
        with suppress(*AWAY), stream.source.connect(stream.schema, autocommit=False) as connection:
            with connection.cursor() as cursor:
                changed = sum(cursor.execute(each) for each in statements)
            if commits:
                connection.commit()
                self._deeds.rows += changed
            else:
                connection.rollback()

    def _heavy_transaction(self, _: float) -> None:
        commits, stream = self._chance.random() < 3 / 4, self._stage.stream
        with suppress(*AWAY), stream.source.connect(stream.schema, autocommit=False) as connection:
            with connection.cursor() as cursor:
                if heavy.is_enough(cursor):
                    return
                changed = sum(map(cursor.execute, heavy.transaction(self._chance)))
            if not commits:
                connection.rollback()
                return
            connection.commit()
            self._deeds.rows += changed
            self._until_in_part()
            if self._chance.random() < 1 / 3:
                self._stage.kill_source()
            self._fleet.kill_all()

    def _until_in_part(self) -> None:
        """Wait until a part of a transaction is applied, and more of it is to come."""
        until = time.monotonic() + AMID_SECONDS
        while time.monotonic() < until:
            with suppress(PyMongoError):
                state = self._stage.stream.state_document()
                if state is not None and state["inflight"]:
                    return
            time.sleep(0.02)

    # -- the target

    def _hide_at_commit(self, seconds: float) -> None:
        proxy = self._stage.target_proxy
        hidden = threading.Event()

        def asked(data: bytes, link: Link) -> bytes:
            if b"commitTransaction" in data and not hidden.is_set():
                hidden.set()
                proxy.black_hole()
            return data

        proxy.requests = asked
        hidden.wait(seconds)
        time.sleep(seconds)
        proxy.requests = unchanged
        proxy.heal()

    def _lose_commit(self, seconds: float) -> None:
        """Lose the answers of some commits: a driver asks once more by itself."""
        proxy, asked = self._stage.target_proxy, set[int]()
        left = [None] * self._chance.randrange(2, 5)

        def ask(data: bytes, link: Link) -> bytes:
            if b"commitTransaction" in data and left:
                asked.add(id(link))
            return data

        def answer(data: bytes, link: Link) -> bytes:
            if id(link) not in asked or not left:
                return data
            asked.discard(id(link))
            left.pop()
            cut(link)
            return b""

        proxy.requests, proxy.replies = ask, answer
        time.sleep(1 + seconds / 4)
        proxy.requests = proxy.replies = unchanged

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

    def _job(self, what: str) -> None:
        self._command(what, f"{self._stage.stream.schema}.{self._chance.choice(self._calm)}")

    @property
    def _calm(self) -> Sequence[str]:
        topology = self._stage.topology
        large = [heavy.CALM] * 6 if topology.is_heavy else []  # nearly as often as any other
        return [*CALM_TABLES, *(wide.CALM if topology.is_wide else []), *large]

    def _command(self, *words: str) -> None:
        with self._operator.busy:
            process = CdcCommand(self._stage.stream, *words, ledger=True)
            self._deeds.commands.append(Command(" ".join(words), process))


def _hidden(proxy: Proxy, seconds: float) -> None:
    proxy.black_hole()
    time.sleep(seconds)
    proxy.heal()


def _slow(proxy: Proxy, seconds: float) -> None:
    before = proxy.replies

    def late(data: bytes, link: Link) -> bytes:
        time.sleep(LATE_SECONDS)
        return before(data, link)

    proxy.replies = late
    time.sleep(seconds)
    proxy.replies = before


def _single_bytes(proxy: Proxy, seconds: float) -> None:
    """Have what the server sends arrive byte by byte, for so long."""
    until = time.monotonic() + seconds

    def single(data: bytes, link: Link) -> bytes:
        client, _ = link
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            if time.monotonic() > until:
                return data[at:]
            client.sendall(data[at : at + 1])
        return b""

    proxy.replies = single
    time.sleep(seconds)
    proxy.replies = unchanged


def _reordered(data: bytes) -> bytes:
    half = len(data) // 2
    return data[half:] + data[:half]
