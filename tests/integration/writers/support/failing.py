"""A MongoDB that fails when it is told to."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient


def fail(
    client: MongoClient[dict[str, Any]],
    times: int,
    code: int,
    command: str,
    namespace: str | None = None,
) -> None:
    """Have the next commands of this name answered by an error, on all collections or on one."""
    on = {} if namespace is None else {"namespace": namespace}
    client.admin.command(
        {
            "configureFailPoint": "failCommand",
            "mode": {"times": times},
            "data": {"failCommands": [command], "errorCode": code, **on},
        }
    )
