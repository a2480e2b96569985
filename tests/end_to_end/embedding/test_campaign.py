"""Random schemas, histories and deaths: every document is what the tables say, at any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import pytest

from cdc.writers.observer import WriteStep
from tests.end_to_end.embedding.support.auditor import Auditor
from tests.end_to_end.embedding.support.graveyard import dig
from tests.end_to_end.embedding.support.history import Statements, Writer
from tests.end_to_end.embedding.support.kinds import BOTH
from tests.end_to_end.embedding.support.oracle import differences, expected, stored
from tests.end_to_end.embedding.support.schemas import Schema
from tests.end_to_end.embedding.support.settling import settled
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.faulty import AT_ONCE
from tests.end_to_end.support.jobs import jobs
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

SCHEMAS = 3
EPISODES = 5


class Campaign:
    """One schema with a writer, a reader of snapshots, and a daemon that dies now and then."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self._stream = stream
        self._chance = chance = random.Random(seed)
        self._schema = Schema.random(chance)
        self._statements = Statements(self._schema, random.Random(f"{seed} statements"))
        self._writer = Writer(stream, self._statements, random.Random(f"{seed} writer"))
        self._auditor = Auditor(stream, self._schema, random.Random(f"{seed} auditor"))
        self._commands: list[Command] = []
        self._history: list[str] = []
        stream.settings["apply"] = {"batch_rows": chance.choice([1, 5, 40, 1_000])}
        stream.settings["chunks"] = {"rows": chance.choice([1, 3, 10])}
        if chance.random() < 0.7:
            stream.settings["start"] = "backfill"
        if chance.random() < 0.5:
            stream.environment[AT_ONCE] = f"{chance.randint(0, 3)}:{chance.randint(1, 3)}"

    def run(self) -> None:
        stream = self._stream
        self._schema.create(stream)
        dig(stream, self._schema)
        stream.sql(*self._statements.filling())
        self._start()
        episodes: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "fault": self._fault,
            "stop": self._stop,
            "checkpoint": self._checkpoint,
            "resync": self._resync,
            "verify": self._verify,
        }
        with self._told(), self._writer, self._auditor:
            for _ in range(EPISODES):
                time.sleep(self._chance.uniform(0, 0.6))  # when it happens is what varies
                name = self._chance.choice([*episodes])
                self._history.append(f"{name} after {len(self._writer.committed)} transactions")
                episodes[name]()
                self._statements.is_copied = self._statements.is_copied or self._is_copied()
                assert not self._auditor.wrong, self._auditor.wrong[0]
        for command in self._commands:
            assert command.returncode == 0, command.stdout + command.stderr
        self._checkpoint()
        assert not self._auditor.wrong, self._auditor.wrong[0]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        finally:
            auditor = self._auditor
            print(
                f"{len(self._writer.committed)} transactions, {auditor.audits} audits"
                f" of {auditor.values} values, {auditor.excused} owed; {', '.join(self._history)}"
            )

    def _start(self, fault: str = "") -> None:
        daemon = self._stream.start(ledger=False, fault=fault)
        # A command that took the stop for its chance to work alone keeps the stream until its job
        # is done, beside a writer that never rests.
        daemon.until_logged("streaming")

    def _kill(self) -> None:
        self._stream.daemon.kill()
        self._start()

    def _stop(self) -> None:
        self._stream.stop()
        self._start()

    def _fault(self) -> None:
        """Let the daemon die at a step of some batch, if one comes to it in time."""
        self._stream.stop()
        step = self._chance.choice([*WriteStep])
        self._stream.start(ledger=False, fault=f"{step.value}:{self._chance.randint(1, 20)}")
        eventually(self._is_streaming_or_dead)  # the checks before it are not what may die here
        deadline = time.monotonic() + 1.5
        while self._stream.daemon.running and time.monotonic() < deadline:
            time.sleep(0.02)
        self._kill()

    def _is_streaming_or_dead(self) -> bool:
        daemon = self._stream.daemon
        return bool(daemon.events("streaming")) or not daemon.running

    def _is_copied(self) -> bool:
        waiting = [*jobs(self._stream, "queued"), *jobs(self._stream, "running")]
        return not [each for each in waiting if each["kind"] == "backfill"]

    def _resync(self) -> None:
        table = self._chance.choice(self._schema.tables).name
        self._commands.append(Command(self._stream, "resync", f"{self._stream.schema}.{table}"))

    def _verify(self) -> None:
        self._commands.append(Command(self._stream, "verify"))

    def _checkpoint(self) -> None:
        """Let the stream come to what is committed, and compare."""
        with self._writer.paused:
            settled(self._stream)
            found = differences(
                expected(self._stream, self._schema), stored(self._stream, self._schema)
            )
            wrong = [*islice(found, 5)]
            assert not wrong, "\n".join([str(self._schema), *wrong])


@pytest.mark.long
@BOTH
def test_documents_are_what_the_tables_say_whatever_dies(
    stream: Stream, make_stream: MakeStream, seed: int, budget: int
) -> None:
    for number in range(SCHEMAS * budget):
        print(f"schema {number}: seed {seed + number}")
        tried = make_stream(stream.source, stream.mongo, stream.client, type(stream.history))

        Campaign(tried, seed + number).run()

        tried.stop()
        tried.drop()
