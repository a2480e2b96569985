"""A stream whose rounds are written by appliers, and writes that fill its batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

LANES = 3
BATCH_ROWS = 40
BURST = 3 * LANES * BATCH_ROWS
"""Transactions that fill a few batches."""


class Applied:
    """A stream, its daemon that reads, and its appliers."""

    def __init__(self, stream: Stream, kafka: str) -> None:
        self.stream = stream
        self.appliers: list[Daemon] = []
        self._key = 0
        self._chance = random.Random(1)
        stream.settings["apply"] = {
            "lanes": LANES,
            "batch_rows": BATCH_ROWS,
            "linger_ms": 2_000,  # more than a busy machine reads at once, so batches are full
            "kafka": {"bootstrap_servers": kafka},
        }
        stream.table("items", "id INT NOT NULL PRIMARY KEY, version INT NOT NULL")

    def apply(self, fault: str = "") -> Daemon:
        """Start one more applier."""
        self.appliers.append(self.stream.start("--role", "apply", fault=fault))
        return self.appliers[-1]

    def read(self, fault: str = "") -> Daemon:
        """Start the daemon."""
        return self.stream.start("--role", "read", fault=fault)

    def write(self, count: int = BURST) -> None:
        """Commit so many transactions: inserts, and changes and deletes of what there is."""
        self.stream.sql(*self._statements(count))

    def _statements(self, count: int) -> Iterator[str]:
        for _ in range(count):
            self._key += 1
            match self._chance.choice("iiiiud") if self._key > 10 else "i":
                case "u":
                    at = self._chance.randrange(self._key)
                    yield f"INSERT INTO items VALUES ({self._key}, 0)"
                    yield f"UPDATE items SET version = version + 1 WHERE id = {at}"
                case "d":
                    at = self._chance.randrange(self._key)
                    yield f"INSERT INTO items VALUES ({self._key}, 0)"
                    yield f"DELETE FROM items WHERE id = {at}"
                case _:
                    yield f"INSERT INTO items VALUES ({self._key}, 0)"

    def until_attended(self, reader: Daemon, count: int = 1) -> None:
        """Write until the daemon has seen its lanes attended for the `count`th time."""

        def attended() -> bool:
            reader.check_alive(waiting_for="its lanes to be attended")
            return len(reader.events("lanes_attended")) >= count

        self.write_until(attended, waiting_for="the lanes to be attended")

    def write_until(self, condition: Callable[[], bool], *, waiting_for: str) -> None:
        """Write until a condition holds."""

        def holds() -> bool:
            if condition():
                return True
            self.write(BURST // 4)
            return False

        eventually(holds, waiting_for=waiting_for)

    def rounds(self) -> list[int]:
        """The number of the last round that each lane has written."""
        return [each["round"] for each in self.stream.state["lanes"].find()]
