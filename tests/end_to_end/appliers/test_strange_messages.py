"""What anybody else may put into the topic of a stream's parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import ObjectId
from confluent_kafka import Producer

from cdc.publishing.parts import topic_of
from cdc.publishing.slices import HEADER, cut
from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.appliers import LANES, Applied

Headers = list[tuple[str, str | bytes | None]]
STRANGE: tuple[Mapping[str, Any], ...] = (
    {},
    {"version": 2},
    {"version": 1},
    {"version": 1, "invited": "another", "lane": ObjectId()},
    {"version": 1, "invited": "another", "lane": {"$ne": None}},
    {"version": 1, "lane": ObjectId(), "round": float("inf"), "done": []},
    {"version": 1, "lane": ObjectId(), "round": 1, "done": [], "place": 1, "last": 5},
)


def strange_messages() -> list[tuple[bytes | None, Headers]]:
    wholes = [b"", b"x" * 1_000, *map(bson.encode, STRANGE)]
    parts: list[tuple[bytes | None, Headers]] = [
        (piece, [(HEADER, header.encode())])
        for whole in wholes
        for header, piece in cut("lane", 1, whole, 10_000)
    ]
    headers = [b"", b"lane 1 0 1 1", b"lane 1 5 1 1 1", b"lane 1 0 999999999 1 1", b"\xff"]
    return [
        *parts,
        *[(b"x", Headers([(HEADER, header)])) for header in headers],
        (b"x", [(HEADER, None)]),
        (None, [(HEADER, b"lane 1 0 1 0 0")]),
        (b"x", []),
    ]


def test_strange_messages_end_no_applier(applied: Applied, kafka: KafkaServer) -> None:
    applier = applied.apply()
    reader = applied.read()
    applied.until_attended(reader)

    producer = Producer({"bootstrap.servers": kafka.uri})
    for value, headers in strange_messages():
        for partition in range(LANES):
            topic = topic_of(applied.stream.name)
            producer.produce(topic, value, partition=partition, headers=headers)
    assert producer.flush(60) == 0
    before = max(applied.rounds())
    applied.write_until(lambda: min(applied.rounds()) > before, waiting_for="another round")

    applied.write()
    applied.stream.settle()
    assert applier.running
    assert len(applier.events("part_dropped")) == LANES * (len(STRANGE) + 1)
