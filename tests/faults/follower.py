"""A consumer of what a stream publishes, and what it must be able to rely on.

It shares no code with cdc. `tests/unit/faults` shows that it can fail.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

from tests.faults.checkers import TOLD, Violations

VERSION: Final = "version"
"""A column that each change of a row increments, where a table has it."""

Row = Mapping[str, Any]


class Follower:
    """Keeps the last row of each key of one table, as the messages tell it, in their order."""

    def __init__(self, table: str, violated: Violations, *, reads_are_newest: bool = True) -> None:
        """`reads_are_newest`: rows come from the server that the changes come from."""
        self._table = table
        self._violated = violated
        self._reads_are_newest = reads_are_newest
        self._rows: dict[Hashable, Row] = {}
        self._newest: dict[Hashable, int] = {}
        self.messages = 0

    def see(self, key: Mapping[str, Hashable], envelope: Mapping[str, Any] | None) -> None:
        """Take a message, by Debezium's envelope; None is a tombstone."""
        self.messages += 1
        if envelope is None:
            return
        [identity] = key.values()
        kind, after = envelope["op"], envelope["after"]
        if kind == "d":
            self._rows.pop(identity, None)
            return
        known = self._rows.get(identity)
        if kind == "r" and self._reads_are_newest and known not in (None, after):
            self._violated(f"{self._table}: a read of {identity} tells {after}, behind {known}")
        if VERSION in after:
            self._count(kind, identity, after[VERSION])
        self._rows[identity] = after

    def _count(self, kind: str, identity: Hashable, version: int) -> None:
        """Require each version to be told; those that come again begin with one that was."""
        newest = self._newest.setdefault(identity, version)
        if kind != "r" and version > newest + 1:
            self._violated(
                f"{self._table}: {identity} is told in version {version} behind {newest}"
            )
        self._newest[identity] = max(newest, version)

    def compare(self, rows: Mapping[Hashable, Row], *, is_whole: bool) -> None:
        """Require what was told in the end to be the rows, of which not all columns may be given.

        Unless it `is_whole`, changes were passed over: rows may have been deleted by such.
        """
        keys = {*rows, *self._rows} if is_whole else {*rows}
        wrong = [each for each in keys if self._told(each, rows.get(each)) != rows.get(each)]
        if wrong:
            shown = [(each, rows.get(each), self._rows.get(each)) for each in wrong[:3]]
            self._violated(
                f"{self._table}: {len(wrong)} of {len(rows)} rows were published"
                f" otherwise, such as {shown}"[:TOLD]
            )

    def _told(self, identity: Hashable, row: Row | None) -> Row | None:
        """Return what was told of a row, in its columns."""
        told = self._rows.get(identity)
        if told is None or row is None:
            return told
        return {name: told.get(name) for name in row}
