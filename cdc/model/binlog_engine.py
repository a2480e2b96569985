"""The storage engine that keeps a server's binlog, where it is not in files of its own."""

from __future__ import annotations

from typing import Final

from cdc.errors import Unfit

VARIABLE: Final = "binlog_storage_engine"
"""MariaDB has it from 12.3 on; empty is the binlog in files."""


def require_files(engine: str) -> None:
    """Raise Unfit if the binlog is kept by an engine, as by InnoDB: cdc was never tried with it."""
    if engine.upper() in {"", "NULL"}:
        return
    raise Unfit(
        f"the source keeps its binlog in {engine} ({VARIABLE}), which cdc was never tried with: it"
        " has no file and offset to prove the history by",
        remedy=f"remove {VARIABLE} from the server's my.cnf and restart it: its binlog begins anew,"
        " so let the stream come to its end before, and go on behind it:"
        " cdc position set --start now --resync --yes",
    )
