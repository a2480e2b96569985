"""Says who must have a write before it is done: the primary, or a majority of the target's members.

See docs/architecture.md, "A wait for a majority that runs out".
"""

from __future__ import annotations

from typing import Final

from pymongo.write_concern import WriteConcern

PRIMARY: Final = WriteConcern(1)
"""The primary has it; a majority has it soon, or it is rolled back."""

MAJORITY_SECONDS: Final = 10
"""The limit of one wait for a majority: then the daemon turns, says so, and can be stopped."""

MAJORITY: Final = WriteConcern("majority", j=True, wtimeout=MAJORITY_SECONDS * 1000)
"""A majority has journaled it. If the wait runs out, it is on the primary, and may stay."""
