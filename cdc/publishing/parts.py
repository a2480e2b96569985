"""Carries parts of rounds to appliers: a topic with a partition for each lane.

`docs/architecture.md`, "Lanes on other machines", says why nothing here need be exact: a part that
is lost, doubled or late costs time alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from cdc.config.kafka import KafkaConfig
from cdc.errors import CdcError, Retryable
from cdc.publishing.client import APPLY, SILENT, explained, settings, told_apart
from cdc.publishing.slices import HEADER, Joiner, cut
from cdc.retry import Stopped, retry_until_done

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient

log = structlog.get_logger(__name__)

HEADER_BYTES: Final = 10_000
"""What a message takes beside its slice, and more."""

SENT_WITHIN_MS: Final = 30_000
"""How long the client tries to send a part; the daemon waits no longer for it."""

RETENTION_MS: Final = 3_600_000
"""How long the broker keeps parts: none is of use for longer than a minute."""

GROUP_SECONDS: Final = 10
"""After so long the lanes of an applier that died are given to others."""

ERRORS_KEPT: Final = 100
"""The errors of connections that are kept: a cluster that is away makes them without end."""

LARGEST_FETCH_BYTES: Final = 1_000_000_000
"""The most that the client takes as `max.partition.fetch.bytes`."""

_BY_ANOTHER: Final = frozenset({"TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS"})
"""The errors that say that another process has made what was missing."""

_NO_PARTITION: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})
"""The errors of a topic that was deleted, or made anew with too few partitions."""

ANSWERED_WITHIN_SECONDS: Final = 10.0
CLOSED_WITHIN_SECONDS: Final = 1.0
LEFT_WITHIN_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1


def topic_of(stream: str) -> str:
    """Return the topic of a stream's parts."""
    return f"cdc.{stream}.parts"


def group_of(stream: str) -> str:
    """Return the consumer group of a stream's appliers."""
    return f"cdc.{stream}.appliers"


def ready_topic(config: KafkaConfig, stream: str, partitions: int) -> None:
    """Make the topic of a stream's parts, or give it more partitions.

    Raises Retryable while the cluster does not do it, PublishRefused if it never will.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    topic, errors = topic_of(stream), deque["KafkaError"](maxlen=ERRORS_KEPT)
    admin = AdminClient(settings(config) | {"error_cb": errors.append, "logger": SILENT})
    for is_last in (False, True):
        try:
            _make(admin, topic, partitions)
            return
        except KafkaException as error:
            if error.args[0].name() in _BY_ANOTHER and not is_last:
                continue
            admin.poll(0)
            raise explained(
                told_apart(errors) or error.args[0], topic=topic, section=APPLY
            ) from error


def _make(admin: AdminClient, topic: str, partitions: int) -> None:
    from confluent_kafka.cimpl import NewPartitions, NewTopic

    found = _partitions(admin, topic)
    if found >= partitions:
        return
    if found:
        more = NewPartitions(topic, partitions)
        made = admin.create_partitions([more], request_timeout=ANSWERED_WITHIN_SECONDS)
    else:
        new = NewTopic(topic, partitions, config={"retention.ms": str(RETENTION_MS)})
        made = admin.create_topics([new], request_timeout=ANSWERED_WITHIN_SECONDS)
    made[topic].result()


def _partitions(admin: AdminClient, topic: str) -> int:
    """Return how many partitions a topic has, 0 if there is no such topic; raises KafkaException.

    A list of topics that is asked for by name would make it, with as many as the broker likes.
    """
    from confluent_kafka import KafkaException, TopicCollection

    asked = TopicCollection([topic])
    told = admin.describe_topics(asked, request_timeout=ANSWERED_WITHIN_SECONDS)
    try:
        return len(told[topic].result().partitions)
    except KafkaException as error:
        if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
            return 0
        raise


class PartProducer:
    """Sends the parts of one stream's rounds; one thread calls it."""

    def __init__(self, config: KafkaConfig, stream: str, partitions: int) -> None:
        """Send to so many partitions, once the topic has them."""
        self._config = config
        self._stream = stream
        self._partitions = partitions
        self._slice_bytes = config.max_message_bytes - min(
            HEADER_BYTES, config.max_message_bytes // 2
        )
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._producer: Producer | None = None
        self._lost: list[KafkaError] = []
        self._errors: deque[KafkaError] = deque(maxlen=ERRORS_KEPT)
        self._begin()

    def _begin(self) -> None:
        threading.Thread(target=self._prepare, name="parts", daemon=True).start()

    def _prepare(self) -> None:
        """Make the topic, as soon as the cluster does it."""
        try:
            retry_until_done(
                lambda: ready_topic(self._config, self._stream, self._partitions),
                event="parts_retry",
                passing=lambda error: isinstance(error, Retryable),
                stopping=self._stopping,
            )
        except Stopped:
            return
        except CdcError as error:  # the stream goes on without appliers
            log.error(
                "parts_refused", stream=self._stream, error=error.message, remedy=error.remedy
            )
            return
        self._ready.set()

    def is_ready(self) -> bool:
        """Return whether the topic is there."""
        return self._ready.is_set()

    def send(self, partition: int, lane: str, number: int, data: bytes) -> None:
        """Send a part of the round `number`; raises CdcError if the client does not take it."""
        from confluent_kafka import KafkaException

        producer = self._producer = self._producer or self._new()
        try:
            for header, piece in cut(lane, number, data, self._slice_bytes):
                self._send(producer, partition, {HEADER: header.encode()}, piece)
        except KafkaException as error:
            raise self._given_up(error.args[0]) from error

    def _send(
        self,
        producer: Producer,
        partition: int,
        headers: dict[str, str | bytes | None],
        piece: bytes,
    ) -> None:
        while True:
            try:
                producer.produce(
                    topic_of(self._stream),
                    piece,
                    partition=partition,
                    headers=headers,
                    on_delivery=self._delivered,
                )
                return
            except BufferError:
                producer.poll(POLL_SECONDS)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._lost.append(error)

    def error(self) -> CdcError | None:
        """Return why something that was sent since the last call will not arrive; None if none."""
        from confluent_kafka import KafkaException

        if self._producer is None:
            return None
        try:
            self._producer.poll(0)
        except KafkaException as fatal:  # which ends this client for good
            return self._given_up(fatal.args[0])
        if not self._lost:
            return None
        return self._given_up(told_apart(self._errors) or self._lost[0])

    def _given_up(self, error: KafkaError) -> CdcError:
        """Return the error for what the client says, and begin anew.

        With another client, since some errors end one for good; and, if the topic lacks partitions,
        by making them again.
        """
        self._drop()
        if error.name() in _NO_PARTITION and self._ready.is_set():
            self._ready.clear()
            self._begin()
        return explained(error, topic=topic_of(self._stream), section=APPLY)

    def close(self) -> None:
        """Send no more."""
        self._stopping.set()
        self._drop()

    def _drop(self) -> None:
        """Take back what was not sent, and end the client."""
        from confluent_kafka import KafkaException

        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaException):  # what ended it, once more
                producer.purge()
                producer.flush(CLOSED_WITHIN_SECONDS)
        self._lost.clear()
        self._errors.clear()

    def _new(self) -> Producer:
        from confluent_kafka import Producer

        own: dict[str, Any] = {
            "client.id": f"cdc-{self._stream}-read",
            "enable.idempotence": False,  # else some errors end the client, and the poll with it
            "message.timeout.ms": SENT_WITHIN_MS,
            "compression.type": self._config.compression,
            "message.max.bytes": self._config.max_message_bytes,
            "linger.ms": 1,
            "error_cb": self._errors.append,
            "logger": SILENT,
        }
        return Producer(settings(self._config) | own)


class Received(NamedTuple):
    """A part that has arrived; `offset` is behind its last slice."""

    partition: int
    offset: int
    data: bytes


class PartConsumer:
    """Receives the parts of the partitions that the group gives to this process; for one thread."""

    def __init__(
        self,
        config: KafkaConfig,
        stream: str,
        *,
        given: Callable[[Sequence[int]], None],
        taken: Callable[[Sequence[int]], None],
    ) -> None:
        """`given` is called with partitions that this process gets, `taken` with those it loses.

        Both are called within `receive` and `close`.
        """
        from confluent_kafka import Consumer

        self._topic = topic_of(stream)
        self._given = given
        self._taken = taken
        self._joiners: dict[int, Joiner] = {}
        self._errors: deque[KafkaError] = deque(maxlen=ERRORS_KEPT)
        own: dict[str, Any] = {
            "client.id": f"cdc-{stream}-apply",
            "group.id": group_of(stream),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": GROUP_SECONDS * 1000,
            "heartbeat.interval.ms": GROUP_SECONDS * 1000 // 4,
            "topic.metadata.refresh.interval.ms": GROUP_SECONDS * 1000,
            "fetch.wait.max.ms": 100,
            "max.partition.fetch.bytes": min(LARGEST_FETCH_BYTES, 16 * config.max_message_bytes),
            "error_cb": self._errors.append,
            "logger": SILENT,
        }
        self._consumer: Consumer = Consumer(settings(config) | own)
        self._consumer.subscribe(
            [self._topic],
            on_assign=partial(self._moved, self._on_given),
            on_revoke=partial(self._moved, self._on_taken),
            on_lost=partial(self._moved, self._on_taken),
        )

    @staticmethod
    def _moved(
        told: Callable[[list[int]], None], _: Consumer, partitions: list[TopicPartition]
    ) -> None:
        told([each.partition for each in partitions])

    def _on_given(self, partitions: list[int]) -> None:
        self._joiners |= {each: Joiner() for each in partitions}
        self._given(partitions)

    def _on_taken(self, partitions: list[int]) -> None:
        for each in partitions:
            self._joiners.pop(each, None)
        self._taken(partitions)

    def receive(self, seconds: float) -> Received | None:
        """Return the next part; None if none has become whole in that time.

        Raises Retryable while the cluster is away, PublishRefused if it lets this account not in.
        """
        from confluent_kafka import KafkaException

        try:
            message = self._consumer.poll(seconds)
        except KafkaException as fatal:
            raise explained(fatal.args[0], topic=self._topic, section=APPLY) from fatal
        if (login := told_apart(self._errors)) is not None:
            self._errors.clear()
            raise explained(login, topic=self._topic, section=APPLY)
        if message is None:
            return None
        if (error := message.error()) is not None:
            raise explained(error, topic=self._topic, section=APPLY)
        partition, offset = message.partition(), message.offset()
        header, piece = dict(message.headers() or ()).get(HEADER), message.value()
        if partition is None or offset is None or partition not in self._joiners:
            return None
        if not isinstance(header, bytes) or not isinstance(piece, bytes):
            return None  # somebody else's
        data = self._joiners[partition].add(header, piece)
        return None if data is None else Received(partition, offset + 1, data)

    def done(self, received: Received) -> None:
        """Note that a part need not be received again."""
        from confluent_kafka import KafkaException, TopicPartition

        if received.partition not in self._joiners:
            return
        at = TopicPartition(self._topic, received.partition, received.offset)
        try:
            self._consumer.commit(offsets=[at], asynchronous=True)
        except KafkaException as error:  # it is received again, and dropped
            log.info("offset_not_committed", partition=received.partition, error=str(error))

    def close(self) -> None:
        """Leave the group; a broker that does not answer finds out by itself."""
        leaving = threading.Thread(target=self._leave, name="leaving", daemon=True)
        leaving.start()
        leaving.join(LEFT_WITHIN_SECONDS)

    def _leave(self) -> None:
        """Leave, for as long as the client takes: it waits for answers about offsets, or more."""
        from confluent_kafka import KafkaException

        with suppress(KafkaException):
            self._consumer.close()
