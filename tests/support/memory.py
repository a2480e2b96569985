"""How much memory a daemon may take: what docs/operations.md says of sizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MEGABYTE: Final = 1_000_000
ITSELF_MEGABYTES: Final = 120.0
"""Of a daemon that holds nothing, imported code above all, and what its allocator keeps."""
BATCH_BYTES: Final = 8 * 1024 * 1024
TRANSACTION_BYTES: Final = 16_000_000
"""The defaults of `apply.batch_bytes` and `apply.transaction_bytes`."""
EVENTS: Final = 8
"""The bytes of a large row are there so many times at once, at most: in an event as it comes, in
its images, in documents that are mapped, that wait and that are written, in a command and in a
message; and the same of a table that is read beside the stream."""

USUAL_MEGABYTES: Final = 400.0
"""The ceiling where rows have 100 KB at most: twice what the limits hold."""


def ceiling_megabytes(apply: Mapping[str, Any], event_bytes: int) -> float:
    """Return the most that a daemon with this section `apply` may take, in MB.

    `event_bytes` is the size of the largest rows event: an update's has each row twice.
    """
    lanes = int(apply.get("lanes", 1))
    held = (
        2 * lanes * int(apply.get("batch_bytes", BATCH_BYTES))
        + 2 * int(apply.get("transaction_bytes", TRANSACTION_BYTES))
        + EVENTS * event_bytes
    )
    return ITSELF_MEGABYTES + held / MEGABYTE
