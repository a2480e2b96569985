"""The two sides of the row path: binlog to BSON bytes, and binlog to Python dicts."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from bson import BSON
from pydantic import SecretStr
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from bench.processes import peak_megabytes
from bench.stage import Login
from cdc.config import SourceConfig, TlsConfig
from cdc.mapper import NO_EFFECT, Mapper
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.loading import load_mappings
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation
from cdc.model.position import GtidPosition, GtidSet
from cdc.readers.binlog.reader import BinlogReader

CDC_SERVER_ID = 77_002
LIBRARY_SERVER_ID = 77_003
SAMPLE_EVERY = 997

TRANSACTION_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """One side's cost of its rows, and documents to check the results."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: int
    sample: tuple[dict[str, Any], ...] = ()

    @property
    def rows_per_second(self) -> float:
        """Rows by the clock."""
        return self.rows / self.seconds

    @property
    def cpu_per_row(self) -> float:
        """Seconds of processor time."""
        return self.cpu_seconds / self.rows


def transcode(login: Login, mapping_file: str, *, start: str, rows: int) -> Decoded:
    """Read rows with cdc: `BinlogReader`, then the plan of a mapping, to BSON bytes."""
    [mapping] = load_mappings([mapping_file], relative_to=Path())
    config = SourceConfig(
        host=login.host,
        port=login.port,
        user=login.user,
        password=SecretStr(login.password),
        server_id=CDC_SERVER_ID,
        tls=TlsConfig(mode="off"),
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    followed = mapping.source.split(".")
    reader = BinlogReader(
        config,
        follows=lambda schema, table: [schema, table] == followed,
        transaction_bytes=TRANSACTION_BYTES,
    )
    position = Checkpoint(GtidPosition(GtidSet.parse(start)))
    started, cpu = time.perf_counter(), time.process_time()
    done, kept = _operations(reader, position, mapping, rows)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    reader.stop()
    sample = tuple(dict(BSON(each.document).decode()) for each in kept)
    return Decoded(done, seconds, used, peak_megabytes(), sample)


def _operations(
    reader: BinlogReader, position: Checkpoint, mapping: Mapping, rows: int
) -> tuple[int, list[Operation]]:
    mapper = Mapper(
        lambda table: (compile_plan(mapping, table),),
        lambda *_: NO_EFFECT,
        transaction_bytes=TRANSACTION_BYTES,
    )
    done, kept = 0, []
    for delivery in reader.transactions(position):
        for entry in mapper.map(delivery):
            for _, operations in entry.changes:
                if done // SAMPLE_EVERY != (done + len(operations)) // SAMPLE_EVERY:
                    kept.append(operations[-1])
                done += len(operations)
        if done >= rows:
            break
    return done, kept


def iterate(login: Login, table: str, *, start: str, rows: int) -> Decoded:
    """Read rows with mysql-replication: `BinLogStreamReader`, to Python dicts."""
    stream = BinLogStreamReader(
        connection_settings={
            "host": login.host,
            "port": login.port,
            "user": login.user,
            "passwd": login.password,
            "charset": "utf8mb4",
        },
        server_id=LIBRARY_SERVER_ID,
        auto_position=start,
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
        only_schemas=["twitter"],
        only_tables=[table],
        enable_logging=False,
    )
    done = 0
    started, cpu = time.perf_counter(), time.process_time()
    for event in stream:
        done += len(event.rows)
        if done >= rows:
            break
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    stream.close()
    return Decoded(done, seconds, used, peak_megabytes())
