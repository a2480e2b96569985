"""The metrics for Prometheus, computed from the daemon's telemetry at each scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector, CollectorRegistry

from cdc import DISTRIBUTION, native
from cdc.model.job import Job
from cdc.model.telemetry import NoticeStats, PublishStats, Role, Telemetry
from cdc.readers.server.status import SourceStatus


class StreamCollector(Collector):
    """Reads the daemon's telemetry, and probes each side, at each scrape."""

    def __init__(
        self,
        stream: str,
        telemetry: Callable[[], Telemetry],
        source: Callable[[], SourceStatus | None],
        failed: Callable[[], Sequence[Job] | None],
    ) -> None:
        """`source` and `failed` (jobs that nobody has made good) may return None: unknown."""
        self._stream = stream
        self._telemetry = telemetry
        self._source = source
        self._failed = failed

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, labelled with the stream; one whose value is unknown is left out."""
        for metric in self._metrics():
            metric.samples = [
                sample._replace(labels={"stream": self._stream, **sample.labels})
                for sample in metric.samples
            ]
            yield metric

    def _metrics(self) -> Iterator[Metric]:
        telemetry = self._telemetry()
        seen = None if telemetry.parts is not None else self._source()  # an applier reads none
        yield _build()
        yield _gauge("cdc_active", "1 while this daemon is the active one.", _is_active(telemetry))
        yield _gauge(
            "cdc_copying",
            "1 while workers make the first copy, and the stream has not begun.",
            float(telemetry.role is Role.COPYING),
        )
        yield from _lag(telemetry, seen)
        yield from _connections(telemetry)
        yield from _work(telemetry)
        if telemetry.parts is not None:
            yield from _applying(telemetry, telemetry.parts)
        yield from _copying(telemetry)
        yield _failed_jobs(self._failed() if _asks_target(telemetry) else None)
        yield _counter(
            "cdc_value_losses",
            "Values that became less than they were.",
            ["table", "column", "reason"],
            telemetry.losses,
        )
        yield _counter(
            "cdc_slow_rows",
            "Rows that the code generated for their table did not cover.",
            ["table"],
            {(table,): rows for table, rows in telemetry.slow_rows.items()},
        )
        yield _counter(
            "cdc_unchanged_rows",
            "Updates that changed nothing of a document.",
            ["table"],
            {(table,): rows for table, rows in telemetry.unchanged_rows.items()},
        )
        yield _schema_changes(telemetry)
        yield from _dead_letters(telemetry)
        yield _owed(telemetry)
        if telemetry.publishing is not None:
            yield from _published(telemetry.publishing)
        if telemetry.notices is not None:
            yield from _notices(telemetry.notices)


def registry(
    stream: str,
    telemetry: Callable[[], Telemetry],
    source: Callable[[], SourceStatus | None],
    failed: Callable[[], Sequence[Job] | None],
) -> CollectorRegistry:
    """Return a registry of one stream's metrics."""
    result = CollectorRegistry(auto_describe=False)
    result.register(StreamCollector(stream, telemetry, source, failed))
    return result


def _published(publishing: PublishStats) -> Iterator[Metric]:
    yield _gauge(
        "cdc_kafka_connected",
        "1 while the last attempt to publish succeeded.",
        float(publishing.connected),
    )
    for name, what, value in (
        ("cdc_published_messages", "Messages published, tombstones too.", publishing.messages),
        ("cdc_published_bytes", "Bytes of their keys and values.", publishing.bytes),
        ("cdc_publish_errors", "Attempts to publish that failed.", publishing.errors),
    ):
        yield CounterMetricFamily(name, what, value=value)
    yield SummaryMetricFamily(
        "cdc_publish_seconds",
        "Time spent on the messages of batches.",
        count_value=publishing.batches,
        sum_value=publishing.seconds,
    )


def _notices(notices: NoticeStats) -> Iterator[Metric]:
    yield _counter(
        "cdc_notices_sent",
        "Notices that the webhook has taken.",
        ["event"],
        {(event,): count for event, count in notices.sent.items()},
    )
    yield _counter(
        "cdc_notices_dropped",
        "Notices that nobody will get.",
        ["event", "reason"],
        notices.dropped,
    )
    yield _gauge("cdc_notices_waiting", "Notices that are not sent yet.", notices.waiting)


def _schema_changes(telemetry: Telemetry) -> Metric:
    return _gauges(
        "cdc_schema_change_timestamp_seconds",
        "When the source committed the last schema change of a table.",
        ["table"],
        {(table,): changed_at for table, changed_at in telemetry.schema_changed_at.items()},
    )


def _owed(telemetry: Telemetry) -> Metric:
    return _gauges(
        "cdc_embed_owed",
        "Changes of embedded documents that have not reached all that embed them.",
        ["collection", "path"],
        telemetry.writing.owed if _is_active(telemetry) else {},
    )


def _is_active(telemetry: Telemetry) -> float:
    return float(telemetry.role in (Role.ACTIVE, Role.COPYING))


def _lag(telemetry: Telemetry, seen: SourceStatus | None) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "cdc_lag_seconds",
        "apply: age of the oldest transaction that is not applied, 0 only where provably none is."
        " heartbeat: age of the newest one that is.",
        labels=["kind"],
    )
    if telemetry.lag_seconds is not None:
        lag.add_metric(["apply"], telemetry.lag_seconds)
    if telemetry.heartbeat_lag_seconds is not None:
        lag.add_metric(["heartbeat"], telemetry.heartbeat_lag_seconds)
    yield lag
    reading = telemetry.reading
    offset = seen.clock_offset_seconds if seen else reading.clock_offset_seconds
    yield _gauge("cdc_clock_offset_seconds", "The source's clock minus this host's.", offset)
    behind = seen.bytes_behind(reading.file, reading.offset) if seen else None
    headroom = seen.headroom_bytes(reading.file) if seen else None
    yield _gauge("cdc_bytes_behind", "Bytes of the source's binlogs not read yet.", behind)
    yield _gauge(
        "cdc_binlog_headroom_bytes",
        "Bytes of binlog that the source would purge before the file that is read.",
        headroom,
    )
    yield _gauge(
        "cdc_last_event_timestamp_seconds",
        "When the source committed the last transaction that was read.",
        reading.committed_at,
    )
    yield _gauge(
        "cdc_checkpoint_timestamp_seconds",
        "When the source committed the last transaction that is applied.",
        telemetry.writing.committed_at,
    )


def _connections(telemetry: Telemetry) -> Iterator[Metric]:
    reading, writing = telemetry.reading, telemetry.writing
    yield _gauge("cdc_source_connected", "1 while the binlog is read.", float(reading.connected))
    yield _gauge(
        "cdc_target_connected",
        "1 while the last request to the target succeeded.",
        float(writing.connected),
    )
    lost = CounterMetricFamily(
        "cdc_reconnects", "How often a side was lost and tried again.", labels=["side"]
    )
    lost.add_metric(["source"], reading.reconnects)
    lost.add_metric(["target"], writing.retries)
    yield lost


def _work(telemetry: Telemetry) -> Iterator[Metric]:
    writing = telemetry.writing
    yield CounterMetricFamily(
        "cdc_transactions_applied", "Source transactions applied.", value=writing.transactions
    )
    yield _counter(
        "cdc_row_changes", "Changes of the source's rows applied.", ["table", "kind"], writing.rows
    )
    yield _counter(
        "cdc_documents_written",
        "Writes sent and applied.",
        ["collection", "operation"],
        writing.documents,
    )
    yield _counter(
        "cdc_rounds",
        "Full batches that lanes wrote, by their result.",
        ["result"],
        {(result,): count for result, count in writing.rounds.items()},
    )
    attended = writing.lanes_attended
    yield _gauge(
        "cdc_lanes_attended",
        "1 while each lane has somebody who writes it.",
        None if attended is None else float(attended),
    )
    seconds = SummaryMetricFamily("cdc_batch_seconds", "Time spent on batches.", labels=["stage"])
    seconds.add_metric(["apply"], count_value=writing.batches, sum_value=writing.seconds)
    yield seconds
    yield SummaryMetricFamily(
        "cdc_batch_operations",
        "Operations in batches, as the source asked for them.",
        count_value=writing.batches,
        sum_value=writing.operations,
    )


def _applying(telemetry: Telemetry, parts: Mapping[str, int]) -> Iterator[Metric]:
    yield _counter(
        "cdc_parts",
        "Parts of rounds, and invitations, that an applier has received.",
        ["outcome"],
        {(outcome,): count for outcome, count in parts.items()},
    )
    yield _gauge(
        "cdc_applier_lanes", "Lanes that this applier has.", float(len(telemetry.partitions))
    )


def _dead_letters(telemetry: Telemetry) -> Iterator[Metric]:
    writing = telemetry.writing
    yield _counter(
        "cdc_dead_letters",
        "Rows that could not be carried over.",
        ["table", "reason"],
        writing.dead_letters,
    )
    is_known = telemetry.role in (Role.ACTIVE, Role.COPYING)
    yield _gauge(
        "cdc_dead_letters_open",
        "Documents that are not as their rows are, until somebody mends them.",
        float(writing.open_letters) if is_known else None,
    )


def _copying(telemetry: Telemetry) -> Iterator[Metric]:
    copying = telemetry.copying
    yield _counter(
        "cdc_backfill_rows",
        "Rows copied by backfills and resyncs.",
        ["table"],
        {(table,): rows for table, rows in copying.rows.items()},
    )
    yield _gauges(
        "cdc_backfill_progress_ratio",
        "How much of a table's backfill or resync is done; 1 is done.",
        ["table"],
        {(table,): ratio for table, ratio in copying.ratios.items()},
    )


def _asks_target(telemetry: Telemetry) -> bool:
    """Return whether to probe the target: a target known to be lost would delay the scrape."""
    return telemetry.role is Role.ACTIVE and telemetry.writing.connected


def _failed_jobs(failed: Sequence[Job] | None) -> Metric:
    return _gauges(
        "cdc_jobs_failed",
        "Jobs that failed, until a later one makes them good or they are cancelled.",
        ["kind", "table"],
        Counter((job.kind.value, job.table) for job in failed or ()),
    )


def _counter(
    name: str, text: str, labels: Sequence[str], counts: Mapping[Any, int]
) -> CounterMetricFamily:
    """Return a counter with a sample for each tuple of label values."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric([*values], count)
    return family


def _gauges(
    name: str, text: str, labels: Sequence[str], known: Mapping[Any, float]
) -> GaugeMetricFamily:
    """Return a gauge with a sample for each tuple of label values."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in sorted(known.items()):
        family.add_metric([*values], value)
    return family


def _build() -> Metric:
    return InfoMetricFamily(
        "cdc_build", "What runs here.", {"version": version(DISTRIBUTION), "native": native.state}
    )


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """Return a gauge; without a sample if the value is unknown."""
    if value is None:
        return GaugeMetricFamily(name, text, labels=[])
    return GaugeMetricFamily(name, text, value=value)
