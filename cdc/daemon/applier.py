"""An applier: writes parts of another machine's rounds, for as long as it runs.

`docs/architecture.md`, "Lanes on other machines", has the argument and its words.

    main thread:          PartConsumer ──part──▶ the partition's queue
    a thread a partition: queue ──▶ PartWriter: documents + the lane's document, one transaction
    main thread:          the outcome ──▶ counters, and the offset behind the part
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from cdc.config import Config
from cdc.config.kafka import KafkaConfig
from cdc.errors import Retryable, StaleConnection
from cdc.model.telemetry import Role, Telemetry
from cdc.publishing.client import APPLY, require_client
from cdc.publishing.parts import PartConsumer, Received, ready_topic
from cdc.retry import Liveness, Stopped, retry_until_done
from cdc.writers.connection import connect_target
from cdc.writers.errors import explained
from cdc.writers.facts import user_of
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, WriteObserver
from cdc.writers.part_writer import Outcome, PartWriter, WrittenPart
from cdc.writers.stats import WriterCounters

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.1

LEAVES_AFTER_SECONDS: Final = 10.0
"""After so long without the target it leaves the group, so that others get its lanes."""

SERVED_SECONDS: Final = 60.0
"""After so long as a member of the group it has proved that it can be one."""

END_SECONDS: Final = 10.0
"""The limit for the parts in hand when it stops; the daemon decides what becomes of others."""


class Applier:
    """Writes the parts that a stream's daemon sends; `run` lasts until it is stopped."""

    def __init__(self, config: Config, observer: WriteObserver = UNOBSERVED) -> None:
        """`config` is the daemon's, with `apply.kafka`; `observer` observes what it writes."""
        self._config = config
        self._observer = observer
        self._stopping = threading.Event()
        self._liveness = Liveness()
        self._counters = WriterCounters()
        self._parts: dict[str, int] = {each.value: 0 for each in Outcome}
        self._partitions: tuple[int, ...] = ()
        self._role, self._role_since = Role.STARTING, time.monotonic()

    def stop(self) -> None:
        """End `run` after the parts in hand; may be called from any thread."""
        self._stopping.set()

    def telemetry(self) -> Telemetry:
        """Return this process's telemetry; may be called from any thread."""
        return Telemetry(
            at=time.time(),
            role=self._role,
            role_seconds=time.monotonic() - self._role_since,
            turned_seconds_ago=self._liveness.seconds_ago,
            heartbeat_seconds=self._config.source.heartbeat_seconds,
            writing=self._counters.stats(),
            parts=dict(self._parts),
            partitions=self._partitions,
        )

    def run(self) -> None:
        """Write parts until it is stopped.

        Waits for an unreachable side. Raises Unfit if it is configured otherwise than the daemon,
        PublishRefused if Kafka does not let it in.
        """
        kafka = self._config.apply.kafka
        assert kafka is not None  # the command requires it
        require_client(APPLY)
        try:
            while not self._stopping.is_set():
                retry_until_done(
                    lambda: self._serve_once(kafka),
                    event="applier_retry",
                    passing=lambda error: isinstance(error, Retryable | StaleConnection),
                    stopping=self._stopping,
                )
        except Stopped:
            pass
        log.info("stopped", stream=self._config.name)

    def _serve_once(self, kafka: KafkaConfig) -> None:
        """Serve; an error after a while at work is no failed attempt, so the next wait is short."""
        began = time.monotonic()
        try:
            self._serve(kafka)
        except (Retryable, StaleConnection) as error:
            if time.monotonic() - began < SERVED_SECONDS:
                raise
            log.warning("applier_left", stream=self._config.name, error=str(error))

    def _serve(self, kafka: KafkaConfig) -> None:
        """Serve as one member of the group; raises Retryable to leave it, and join it again."""
        config = self._config
        self._liveness.tick()
        ready_topic(kafka, config.name, config.apply.lanes)
        with connect_target(config.target) as client:
            with explained():
                user = user_of(client)
            self._counters.connected = True
            done: queue.SimpleQueue[_Done] = queue.SimpleQueue()

            def writer() -> PartWriter:
                return PartWriter(
                    client,
                    Namespaces.of(config, ()),
                    user,
                    counters=self._counters,
                    observer=self._observer,
                )

            lanes = _LaneThreads(writer, done)
            consumer = PartConsumer(kafka, config.name, given=lanes.begin, taken=lanes.end)
            self._become(Role.APPLYING)
            log.info("applying", stream=config.name)
            try:
                while not self._stopping.is_set():
                    self._turn(consumer, lanes, done)
            finally:
                lanes.end(lanes.partitions)
                consumer.close()
                lanes.close()
                self._partitions = ()
                self._become(Role.STARTING)

    def _turn(
        self, consumer: PartConsumer, lanes: _LaneThreads, done: queue.SimpleQueue[_Done]
    ) -> None:
        self._liveness.tick()
        while not done.empty():
            self._note(done.get(), consumer)
        received = consumer.receive(POLL_SECONDS if not lanes.are_busy else POLL_SECONDS / 20)
        if received is not None:
            lanes.write(received)
        if lanes.partitions != self._partitions:
            self._partitions = lanes.partitions
            log.info("lanes_given", stream=self._config.name, lanes=list(self._partitions))
        outage = self._counters.outages.outage
        if outage is not None and outage.seconds >= LEAVES_AFTER_SECONDS:
            self._counters.outages.succeeded()
            raise Retryable(f"the target cannot be reached: {outage.error}")

    def _note(self, found: _Done, consumer: PartConsumer) -> None:
        """Count a part, and let it not be received again; raises what ended its thread."""
        written = found.outcome
        if isinstance(written, Exception):
            raise written
        self._parts[written.outcome.value] += 1
        self._counters.wrote(written.commands)
        consumer.done(found.received)

    def _become(self, role: Role) -> None:
        if role is not self._role:
            self._role, self._role_since = role, time.monotonic()


@dataclass(frozen=True, slots=True)
class _Done:
    """A part that was handed to a lane's thread, and what has become of it, or ended the thread."""

    received: Received
    outcome: WrittenPart | Exception


class _LaneThreads:
    """The threads of the partitions that this process has; the main thread calls it."""

    def __init__(self, writer: Callable[[], PartWriter], done: queue.SimpleQueue[_Done]) -> None:
        """`writer` makes one for a thread; `done` gets each part that a thread has done with."""
        self._writer = writer
        self._done = done
        self._threads: dict[int, _LaneThread] = {}
        self._ending: list[_LaneThread] = []

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions, in order."""
        return tuple(sorted(self._threads))

    @property
    def are_busy(self) -> bool:
        """Whether a part is being written."""
        return any(each.is_busy for each in self._threads.values())

    def begin(self, partitions: Sequence[int]) -> None:
        """Start the threads of partitions."""
        for each in partitions:
            self._threads[each] = _LaneThread(self._writer(), self._done)

    def end(self, partitions: Sequence[int]) -> None:
        """Ask the threads of partitions to end behind the part in hand; others write them now."""
        for each in partitions:
            if (thread := self._threads.pop(each, None)) is not None:
                thread.stop()
                self._ending.append(thread)

    def write(self, received: Received) -> None:
        """Hand a part to its thread."""
        self._threads[received.partition].write(received)

    def close(self) -> None:
        """End all threads."""
        self.end(self.partitions)
        until = time.monotonic() + END_SECONDS
        for each in self._ending:
            each.join(max(0.0, until - time.monotonic()))
        self._ending.clear()


class _LaneThread:
    """Writes one partition's parts, one after the other."""

    def __init__(self, writer: PartWriter, done: queue.SimpleQueue[_Done]) -> None:
        self._writer = writer
        self._done = done
        self._waiting: queue.SimpleQueue[Received | None] = queue.SimpleQueue()
        self._stopped = False
        self.is_busy = False
        """Whether it writes a part; read by the main thread."""
        self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
        self._thread.start()

    def write(self, received: Received) -> None:
        """Write a part behind those that wait."""
        self.is_busy = True
        self._waiting.put(received)

    def stop(self) -> None:
        """End behind the part in hand, and leave the others."""
        self._stopped = True
        self._writer.stop()
        self._waiting.put(None)

    def join(self, seconds: float) -> None:
        """Wait for its end for so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while (received := self._waiting.get()) is not None and not self._stopped:
            try:
                self._done.put(_Done(received, self._writer.write(received.data)))
            except Stopped:
                break
            except Exception as error:  # noqa: BLE001 - the main thread raises it
                self._done.put(_Done(received, error))
                break
            self.is_busy = not self._waiting.empty()
        self.is_busy = False
        self._writer.close()
