from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cdc.model.job import Job, JobKind
from cdc.model.position import GtidPosition, GtidSet
from cdc.model.telemetry import (
    Backlog,
    CopyStats,
    NoticeStats,
    PublishStats,
    ReaderStats,
    Role,
    Telemetry,
    WriterStats,
)
from cdc.observability.metrics import registry
from cdc.readers.server.status import SourceStatus

ROOT = Path(__file__).parents[3]
NOW = 1_000_000.0
NAME = re.compile(r"`(cdc_[a-z_]+)(?:\{([^}`]*)\})?`")

FULL = Telemetry(
    at=NOW,
    role=Role.ACTIVE,
    role_seconds=1,
    turned_seconds_ago=0,
    heartbeat_seconds=5,
    reading=ReaderStats(True, "server", "binlog.000002", 10, 0.1, 0.25, 3, NOW - 2),
    backlog=Backlog(1, 2, NOW - 3),
    writing=WriterStats(
        connected=True,
        transactions=7,
        batches=2,
        rounds={"landed": 1},
        lanes_attended=True,
        committed_at=NOW - 4,
        rows={("shop.orders", "update"): 5},
        documents={("orders", "replace"): 5},
        dead_letters={("shop.orders", "value"): 1},
        open_letters=1,
        owed={("orders", "lines"): 3},
    ),
    copying=CopyStats({"shop.orders": 100}, {"shop.orders": 0.5}),
    losses={("shop.orders", "born", "zero_date"): 6},
    slow_rows={"shop.orders": 8},
    unchanged_rows={"shop.orders": 9},
    schema_changed_at={"shop.orders": NOW - 5},
    notices=NoticeStats({"halt": 1}, {("lag", "refused"): 2}, 3),
    publishing=PublishStats(connected=True, messages=5, bytes=600, batches=2, seconds=0.5),
    beats=True,
)
APPLIER = replace(FULL, role=Role.APPLYING, parts={"landed": 4}, partitions=(0, 1))
FAILED = [
    Job.request("shop", JobKind.BACKFILL, "shop.orders", by="start"),
    Job.request("shop", JobKind.BACKFILL, "shop.orders", by="command-line"),
]
SEEN = SourceStatus(GtidPosition(GtidSet({})), {"binlog.000001": 100, "binlog.000002": 30}, 0.5)


def samples(
    telemetry: Telemetry, seen: SourceStatus | None, failed: list[Job] | None = None
) -> dict[str, float]:
    """Each sample by its name and label values, but the stream's."""
    text = generate_latest(
        registry("shop", lambda: telemetry, lambda: seen, lambda: failed)
    ).decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels.pop("stream") == "shop"
            values = [f"{{{value}}}" for _, value in sorted(sample.labels.items())]
            found[sample.name + "".join(values)] = sample.value
    return found


def told(telemetry: Telemetry) -> str:
    return generate_latest(
        registry("shop", lambda: telemetry, lambda: SEEN, lambda: FAILED)
    ).decode()


def scraped() -> dict[str, set[str]]:
    """The labels of each metric but `stream`; a summary's parts under its own name."""
    return {
        re.sub("_(sum|count)$", "", sample.name): set(sample.labels) - {"stream"}
        for telemetry in (FULL, APPLIER)
        for family in text_string_to_metric_families(told(telemetry))
        for sample in family.samples
    }


def documented() -> dict[str, set[str]]:
    """The labels of each metric in the table of docs/observing.md."""
    table = (ROOT / "docs" / "observing.md").read_text().partition("## Metrics")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `cdc_")]
    return {
        name: {label.partition("=")[0] for label in labels.split(",") if label}
        for row in rows
        for name, labels in NAME.findall(row)
    }


def test_every_metric_is_documented_with_its_labels_and_none_that_does_not_exist() -> None:
    assert scraped() == documented()


def test_a_scrape_tells_the_snapshot_and_the_look_at_the_source() -> None:
    found = samples(FULL, SEEN, FAILED)

    assert found["cdc_lag_seconds{apply}"] == 3.25
    assert found["cdc_lag_seconds{heartbeat}"] == 4.25
    assert found["cdc_row_changes_total{update}{shop.orders}"] == 5
    assert found["cdc_embed_owed{orders}{lines}"] == 3
    assert found["cdc_backfill_progress_ratio{shop.orders}"] == 0.5
    assert found["cdc_jobs_failed{backfill}{shop.orders}"] == 2
    assert found["cdc_value_losses_total{born}{zero_date}{shop.orders}"] == 6
    assert found["cdc_slow_rows_total{shop.orders}"] == 8
    assert found["cdc_unchanged_rows_total{shop.orders}"] == 9
    assert found["cdc_embed_owed{orders}{lines}"] == 3
    assert found["cdc_last_event_timestamp_seconds"] == NOW - 2
    assert found["cdc_binlog_headroom_bytes"] == 100
    assert found["cdc_bytes_behind"] == 20
    assert found["cdc_clock_offset_seconds"] == 0.5


def test_what_is_not_known_has_no_sample() -> None:
    idle = Telemetry(NOW, Role.STANDBY, 1, 0, 5)

    found = samples(idle, None, FAILED)

    assert found["cdc_active"] == 0
    assert not any(
        name.startswith(("cdc_lag", "cdc_binlog", "cdc_bytes", "cdc_jobs")) for name in found
    )


def test_a_target_that_is_lost_is_not_asked_for_failed_jobs() -> None:
    lost = replace(FULL, writing=replace(FULL.writing, connected=False))

    found = samples(lost, SEEN, FAILED)

    assert found["cdc_active"] == 1
    assert not any(name.startswith("cdc_jobs") for name in found)


def test_a_scrape_of_an_applier_leaves_the_source_alone() -> None:
    applier = Telemetry(NOW, Role.APPLYING, 1, 0, 5, parts={"landed": 3}, partitions=(0, 2))

    def look() -> SourceStatus:
        raise AssertionError

    text = generate_latest(registry("shop", lambda: applier, look, lambda: None)).decode()

    assert 'cdc_parts_total{outcome="landed",stream="shop"} 3.0' in text
    assert 'cdc_applier_lanes{stream="shop"} 2.0' in text
