"""Publishes batches: one Kafka transaction each, repeated until it has landed at least once.

docs/architecture.md, "Publishing", says what must hold. What this module owes to it: nothing is
sent by a producer before the lease was confirmed *after* that producer's `init_transactions`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from cdc.config.kafka import KafkaConfig
from cdc.errors import PublishRefused, Retryable
from cdc.model.batch import Batch
from cdc.model.message import Message
from cdc.model.telemetry import PublishStats
from cdc.publishing.client import SILENT, explained, settings, told_apart
from cdc.retry import Liveness, OutageTracker, retry_until_done

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer

log = structlog.get_logger(__name__)

ABORT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1
TRANSACTION_MS: Final = 60_000
"""After this the broker gives a transaction up whose producer is silent."""


class PublishCounters:
    """Counts of a daemon, over its streams' publishers; other threads read."""

    def __init__(self) -> None:
        self.connected = False
        self.messages = 0
        self.bytes = 0
        self.batches = 0
        self.seconds = 0.0
        self.errors = 0
        self.outages = OutageTracker()

    def stats(self) -> PublishStats:
        """Return the counts; may be called from any thread."""
        return PublishStats(
            connected=self.connected,
            messages=self.messages,
            bytes=self.bytes,
            batches=self.batches,
            seconds=self.seconds,
            errors=self.errors,
            outage=self.outages.outage,
        )


def _unobserved() -> None:
    """Observe nothing."""


class KafkaPublisher:
    """The publisher of one active stream."""

    def __init__(
        self,
        config: KafkaConfig,
        stream: str,
        *,
        renew: Callable[[], None],
        confirm: Callable[[], object],
        liveness: Liveness,
        counters: PublishCounters,
        wait_seconds: float,
        before_commit: Callable[[], None] = _unobserved,
        after_commit: Callable[[], None] = _unobserved,
    ) -> None:
        """Publish by the transactional id `stream`, which fences its former daemons.

        `renew` renews the stream's lease if it is due, `confirm` proves at a majority that it is
        ours; both raise Fenced. No call waits longer than `wait_seconds`, for the lease's sake.
        The last two are called at these steps of each batch.
        """
        self._config = config
        self._stream = stream
        self._renew = renew
        self._confirm = confirm
        self._liveness = liveness
        self._counters = counters
        self._wait_seconds = wait_seconds
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._stopping = threading.Event()
        self._producer: Producer | None = None
        self._opening: Producer | None = None
        self._errors: list[KafkaError] = []

    def __repr__(self) -> str:
        state = "open" if self._producer is not None else "closed"
        return f"<KafkaPublisher {self._stream!r} ({state})>"

    def open(self) -> None:
        """Fence former daemons of the stream; wait for the broker as long as it takes.

        Raises Fenced, PublishRefused; Stopped if it was stopped while it waited.
        """
        self._retry(self._ready)

    def publish(self, batch: Batch) -> None:
        """Return once all replicas in sync have the batch's messages, committed.

        Raises Fenced, PublishRefused; Stopped if it was stopped while it waited.
        """
        messages = batch.messages
        if not messages:
            return
        began = time.monotonic()
        self._retry(partial(self._attempt, messages))
        self._counters.batches += 1
        self._counters.seconds += time.monotonic() - began
        self._counters.messages += len(messages)
        self._counters.bytes += sum(
            len(each.key or b"") + len(each.value or b"") for each in messages
        )

    def stop(self) -> None:
        """End the waits; may be called from any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Abort a transaction that is open, so that no consumer waits for its end."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            self._abort(producer)

    # -- one attempt

    def _retry(self, attempt: Callable[[], object]) -> None:
        retry_until_done(
            partial(self._tried, attempt),
            event="publish_retry",
            passing=lambda error: isinstance(error, Retryable),
            stopping=self._stopping,
            cap_seconds=self._wait_seconds,
        )

    def _tried(self, attempt: Callable[[], object]) -> None:
        self._liveness.tick()
        self._renew()
        try:
            attempt()
        except PublishRefused:  # an answer
            self._counters.errors += 1
            raise
        except Retryable as error:
            self._counters.connected = False
            self._counters.errors += 1
            self._counters.outages.failed(error.message)
            raise
        self._counters.connected = True
        self._counters.outages.succeeded()

    def _ready(self) -> Producer:
        """Return a producer that has fenced all others, made while the stream was ours."""
        from confluent_kafka import KafkaException

        if self._producer is not None:
            return self._producer
        self._confirm()  # fence nobody who has taken over long since
        producer = self._opening = self._opening or self._new()
        try:
            producer.init_transactions(self._wait_seconds)
        except KafkaException as error:
            if error.args[0].fatal():
                self._opening = None
            raise self._explained(producer, error.args[0]) from error
        # Again: a daemon that lost the lease meanwhile has fenced the one that has it now, and
        # could publish an old batch behind that one's.
        self._confirm()
        self._producer, self._opening = producer, None
        return producer

    def _attempt(self, messages: Sequence[Message]) -> None:
        from confluent_kafka import KafkaException

        producer = self._ready()
        try:
            producer.begin_transaction()
            for each in messages:
                self._produce(producer, each)
            self._before_commit()
            self._commit(producer)
        except KafkaException as error:
            raise self._failed(producer, error.args[0]) from error
        except BaseException:  # fenced or stopped: what was sent is not committed
            self.close()
            raise
        self._after_commit()

    def _produce(self, producer: Producer, message: Message) -> None:
        while True:
            try:
                producer.produce(
                    message.topic,
                    message.value,
                    message.key,
                    timestamp=message.timestamp_ms,
                    headers=[*message.headers],
                )
                return
            except BufferError:
                self._keep()
                producer.poll(POLL_SECONDS)

    def _commit(self, producer: Producer) -> None:
        """Commit; while the broker does not answer, ask on: it may have committed."""
        from confluent_kafka import KafkaException

        while True:
            try:
                producer.commit_transaction(self._wait_seconds)
                return
            except KafkaException as error:
                found = error.args[0]
                if not found.retriable() or self._stopping.is_set():
                    raise
                self._counters.connected = False
                self._counters.outages.failed(str(found))
                log.warning("publish_retry", error=str(found), retry_in_seconds=0)
                self._keep()

    def _keep(self) -> None:
        self._liveness.tick()
        self._renew()

    def _failed(self, producer: Producer, error: KafkaError) -> Exception:
        """Abort the transaction; drop the producer if it cannot go on; return the error."""
        if error.fatal() or not self._abort(producer):
            self._producer = None
        return self._explained(producer, error)

    def _abort(self, producer: Producer) -> bool:
        """Abort the open transaction, if there is one; return whether the producer can go on."""
        from confluent_kafka import KafkaException

        try:
            producer.abort_transaction(ABORT_SECONDS)
        except KafkaException as error:
            return bool(error.args[0].name() == "_STATE")  # there was none
        return True

    def _explained(self, producer: Producer, error: KafkaError) -> Exception:
        """Return the error to raise; a refused login is told apart, where the client is polled."""
        producer.poll(0)
        login = told_apart(self._errors)
        self._errors.clear()
        return explained(login or error)

    def _new(self) -> Producer:
        from confluent_kafka import Producer

        own: dict[str, Any] = {
            "client.id": f"cdc-{self._stream}",
            "transactional.id": f"cdc-{self._stream}",
            "transaction.timeout.ms": TRANSACTION_MS,
            "compression.type": self._config.compression,
            "message.max.bytes": self._config.max_message_bytes,
            "partitioner": "murmur2_random",  # as Java's: a key is where other producers put it
            "linger.ms": 5,
            "error_cb": self._errors.append,
            "logger": SILENT,
        }
        return Producer(settings(self._config) | own)
