"""The options of a mongod, wherever it runs."""

from __future__ import annotations

REPLICA_SET = "rs0"
_CACHE_GB = 1  # the default, half of the memory, is too much beside other servers


def options(*, port: int, replica_set: bool) -> list[str]:
    """Return the options of a mongod on one port."""
    return [
        f"--port={port}",
        "--nounixsocket",
        f"--wiredTigerCacheSizeGB={_CACHE_GB}",
        *([f"--replSet={REPLICA_SET}"] if replica_set else []),
    ]
