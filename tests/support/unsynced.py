"""Sources that do not wait for the disk, nor keep figures that no test asks for."""

from __future__ import annotations

from typing import Final

UNSYNCED: Final = (
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--innodb-doublewrite=OFF",
    "--performance-schema=OFF",
)
"""A commit is with the operating system: it survives the server's death, not the machine's.

A third of the processor time of a commit, and a fifth of its time; a quarter of a start's.
"""
