"""Says who must have a write before it is done: the primary, or a majority of the target's members.

See docs/architecture.md, "Commits that no majority has yet".
"""

from __future__ import annotations

from typing import Final

from pymongo.write_concern import WriteConcern

PRIMARY: Final = WriteConcern(1)
"""The primary has it; a majority has it soon, or it is rolled back."""

MAJORITY: Final = WriteConcern("majority", j=True)
"""A majority has journaled it."""
