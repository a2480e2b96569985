"""Creates ids as Twitter did: they grow with time, and their creators are independent."""

from __future__ import annotations

import time
from secrets import randbits

_RANDOM_BITS = 22


def new_id() -> int:
    """Return an id: milliseconds since the epoch, then 22 random bits.

    Should two agree all the same, the primary key refuses the second.
    """
    return int(time.time() * 1000) << _RANDOM_BITS | randbits(_RANDOM_BITS)
