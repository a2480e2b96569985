"""Catching up with changes published to Kafka, beside documents or instead of them."""

from __future__ import annotations

from bench import loading, replication
from bench.catch_up import BATCH_ROWS, Side, compare_sample
from bench.loading import Load
from bench.replication import Client
from bench.report import Table
from bench.stage import Configured, Stage, broker

DOCUMENTS = "documents"
PUBLISHING: dict[str, dict[str, object] | None] = {
    DOCUMENTS: None,
    "documents and messages": {},
    "messages": {"only": True},
}
"""The sides: what else `publish` says, None for nothing."""


def run(stage: Stage) -> list[Table]:
    """Measure bulk transactions, then single-row ones."""
    table = Table("publishing: binlog → messages that a broker has, and documents")
    singles = loading.singles(stage)
    with broker() as kafka:
        if kafka is None:
            table.notes = ["no Kafka was to be had"]
            return [table]
        for name, rows, transaction_rows in (
            ("1,000 rows", stage.rows, loading.BULK_TRANSACTION_ROWS),
            ("1 row", singles, 1),
        ):
            load = loading.insert(stage, rows=rows, transaction_rows=transaction_rows)
            sides = _measure(stage, load, kafka)
            table.rows += [
                {"ratio to documents" if key == "ratio to A" else key: row[key] for key in row}
                for row in (side.row(name, sides[0]) for side in sides)
            ]
    table.notes = [
        f"medians of {stage.repeats} interleaved runs; the clock runs from the daemon's first"
        " checkpoint to its last; the broker is on the same machine, and its work in no column",
        "a message is an envelope of some 1,400 bytes; a batch is one transaction of Kafka",
    ]
    return [table]


def _measure(stage: Stage, load: Load, kafka: str) -> list[Side]:
    sides = {name: Side(name, load.rows, []) for name in PUBLISHING}
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {', '.join(PUBLISHING)}")
            for name, settings in PUBLISHING.items():
                publish = None
                if settings is not None:
                    publish = {"kafka": {"bootstrap_servers": kafka}, **settings}
                names = stage.configure(
                    start=load.start, apply={"batch_rows": BATCH_ROWS}, publish=publish
                )
                sides[name].figures.append(replication.catch_up(stage, load, names, client))
                _compare(stage, load, client, names, settings, kafka)
                client.drop_database(names.database)
    return [*sides.values()]


def _compare(
    stage: Stage,
    load: Load,
    client: Client,
    names: Configured,
    settings: dict[str, object] | None,
    kafka: str,
) -> None:
    """Raise AssertionError unless all is there."""
    if settings is None or "only" not in settings:
        compare_sample(stage, load, client, names.database)
    if settings is not None:
        assert _messages(kafka, f"{names.stream}.twitter.{load.table}") >= load.rows


def _messages(kafka: str, topic: str) -> int:
    """Return how many messages a topic has, and marks of transactions."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bench"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=10)
            for each in partitions
        ]
        return sum(high - low for low, high in ends)
    finally:
        consumer.close()
