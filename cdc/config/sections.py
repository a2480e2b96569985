"""The settings of applying, copying and observing."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from cdc.config.kafka import KafkaConfig
from cdc.config.values import Number, Settings, Whole

MAX_BATCH_BYTES = 16 * 1024 * 1024  # larger MongoDB transactions fail in a small cache


class ApplyConfig(Settings):
    """How changes are batched and written."""

    mode: Literal["exactly_once", "at_least_once"] = "exactly_once"
    lanes: Annotated[Whole, Field(ge=1, le=16)] = 1
    batch_rows: Annotated[Whole, Field(ge=1, le=10_000)] = 5000
    batch_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 8 * 1024 * 1024
    linger_ms: Annotated[Number, Field(ge=0, le=10_000)] = 5.0
    transaction_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 16_000_000
    kafka: KafkaConfig | None = None

    @model_validator(mode="after")
    def _lanes_need_transactions(self) -> Self:
        if self.lanes > 1 and self.mode == "at_least_once":
            raise ValueError("lanes need transactions: write lanes: 1, or mode: exactly_once")
        if self.kafka is not None and self.lanes == 1:
            raise ValueError("appliers write lanes: write `lanes: 4` beside `kafka`, or more")
        return self


class LeaseConfig(Settings):
    """How soon a standby takes over from a daemon that no longer renews its lease."""

    ttl_seconds: Annotated[Number, Field(ge=1, le=600)] = 10.0


class ChunksConfig(Settings):
    """How tables are read by backfill, resync and verify."""

    rows: Annotated[Whole, Field(ge=1, le=10_000)] = 5000
    workers: Annotated[Whole, Field(ge=1, le=64)] = 1
    rows_per_second: Annotated[Number, Field(gt=0)] | None = None
    max_lag_seconds: Annotated[Number, Field(gt=0)] = 30.0
    allow_brief_lock: bool = False


class JobsConfig(Settings):
    """How long jobs are kept that are done or cancelled."""

    keep_days: Annotated[Number, Field(gt=0, le=36_500)] = 30.0


class DeadLettersConfig(Settings):
    """The limit of open dead letters from within a time: beyond it the daemon stops."""

    max: Annotated[Whole, Field(ge=0)] = 100
    window_seconds: Annotated[Number, Field(gt=0, le=31_536_000)] = 3600.0


class HttpConfig(Settings):
    """The address of metrics, health and status."""

    listen: str = "127.0.0.1:9108"
    stalled_after_seconds: Annotated[Number, Field(ge=1, le=86_400)] = 120.0

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        is_host = re.fullmatch(r"\[[^\[\]]+\]|[^\[\]:\s]+", host)
        if listen != "off" and not (is_host and re.fullmatch("[0-9]{1,5}", port)):
            raise ValueError("write HOST:PORT, an IPv6 address as [::1]:PORT, or off")
        if listen != "off" and int(port) > 65535:
            raise ValueError("ports end at 65535")
        return listen

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class LogConfig(Settings):
    """The daemon's log lines on stderr."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"
