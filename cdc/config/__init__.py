"""The settings of an operator in `cdc.yaml`."""

from __future__ import annotations

from cdc.config.loading import load
from cdc.config.sections import LogConfig
from cdc.config.source import SourceConfig, TlsConfig
from cdc.config.start import StartPosition
from cdc.config.stream import Config, default_server_id
from cdc.config.target import TargetConfig

__all__ = [
    "Config",
    "LogConfig",
    "SourceConfig",
    "StartPosition",
    "TargetConfig",
    "TlsConfig",
    "default_server_id",
    "load",
]
