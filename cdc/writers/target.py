"""A connection to the target."""

from __future__ import annotations

from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI

from cdc.config import TargetConfig
from cdc.errors import UsageError

SELECTION_MILLISECONDS: Final = 5_000
"""How long an operation looks for a primary before it is tried again, and said so."""


def connect(target: TargetConfig) -> MongoClient[dict[str, Any]]:
    """Return a client; it connects when it is first used. UsageError for a wrong URI."""
    try:
        return MongoClient(
            target.uri.get_secret_value(),
            appname="cdc",
            serverSelectionTimeoutMS=SELECTION_MILLISECONDS,
            w="majority",
            tz_aware=True,
        )
    except (ConfigurationError, InvalidURI) as error:
        raise UsageError(
            f"target.uri cannot be used: {error}", remedy="write mongodb://HOST:PORT/?replicaSet=…"
        ) from error
