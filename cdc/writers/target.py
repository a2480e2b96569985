"""A connection to the target."""

from __future__ import annotations

from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI

from cdc.config import TargetConfig
from cdc.errors import UsageError

SELECTION_MILLISECONDS: Final = 5_000
"""How long an operation looks for a primary before it is tried again, and said so."""

ANSWER_MILLISECONDS: Final = 70_000
"""Longer than a transaction may live at the server (60 s): what was silent for so long is lost."""

MIN_HEARTBEAT_SECONDS: Final = 0.5
"""The shortest interval that the drivers' specification allows."""

MAX_HEARTBEAT_SECONDS: Final = 10.0


def connect(target: TargetConfig, *, heartbeat_seconds: float = 5.0) -> MongoClient[dict[str, Any]]:
    """Return a client; it connects when it is first used. UsageError for a wrong URI.

    The driver's monitor asks the server for a sign of life at each heartbeat. Where none comes for
    two more, it closes the connections in use: a dead link is noticed within three intervals, and
    a batch may still take as long as it takes.
    """
    heartbeat = min(max(heartbeat_seconds, MIN_HEARTBEAT_SECONDS), MAX_HEARTBEAT_SECONDS)
    try:
        return MongoClient(
            target.uri.get_secret_value(),
            appname="cdc",
            serverSelectionTimeoutMS=SELECTION_MILLISECONDS,
            heartbeatFrequencyMS=int(heartbeat * 1000),
            connectTimeoutMS=int(2 * heartbeat * 1000),
            socketTimeoutMS=ANSWER_MILLISECONDS,
            w="majority",
            tz_aware=True,
        )
    except (ConfigurationError, InvalidURI) as error:
        raise UsageError(
            f"target.uri cannot be used: {error}", remedy="write mongodb://HOST:PORT/?replicaSet=…"
        ) from error
