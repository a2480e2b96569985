"""How long to wait before trying again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Capped exponential waits with jitter, in seconds: half of each is certain, half random."""

    first_seconds: float = 0.2
    cap_seconds: float = 30.0
    _attempts: int = field(default=0, init=False)

    def next(self) -> float:
        """Return the next wait."""
        wait: float = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again at the first wait: something worked."""
        self._attempts = 0
