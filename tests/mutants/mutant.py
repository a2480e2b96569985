"""One deliberate mistake in the source, and the tests that must notice it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class DoesNotApply(Exception):
    """The source no longer holds what the mutant changes."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file`, `old` becomes `new`; at least one of `tests`, pytest's node ids, must fail.

    A fault campaign with the options `campaign` must find it, too; or `unseen` says why none can.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    campaign: str = ""
    unseen: str = ""

    def applied_to(self, source: str) -> str:
        """Return a file's text with the mistake in it."""
        if source.count(self.old) != 1:
            raise DoesNotApply(f"{self.name}: {self.file} holds it {source.count(self.old)} times")
        return source.replace(self.old, self.new)

    def apply(self, tree: Path) -> str:
        """Make the mistake in a copy of the project; return the file's text without it."""
        file = tree / self.file
        before = file.read_text()
        file.write_text(self.applied_to(before))
        return before
