"""What changes are published to, and their format."""

from __future__ import annotations

from typing import Literal

from cdc.config.kafka import KafkaConfig
from cdc.config.values import Settings


class PublishConfig(Settings):
    """What changes are published to besides MongoDB, or instead of its documents."""

    kafka: KafkaConfig
    format: Literal["debezium"] = "debezium"
    decimals: Literal["precise", "string", "double"] = "precise"
    truncates: bool = True
    only: bool = False
