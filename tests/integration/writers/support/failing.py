"""A MongoDB that fails when it is told to."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient


def fail(client: MongoClient[dict[str, Any]], times: int, code: int, command: str) -> None:
    """Have the next commands of this name answered by an error."""
    client.admin.command(
        {
            "configureFailPoint": "failCommand",
            "mode": {"times": times},
            "data": {"failCommands": [command], "errorCode": code},
        }
    )
