"""A message for a topic: what other consumers are told of a change."""

from __future__ import annotations

from typing import Final, NamedTuple

MESSAGE_BYTES: Final = 128
"""The cost of a message beside its key and value."""


class Message(NamedTuple):
    """A message; `value` is None for a tombstone, `key` for a message that has none.

    `headers` are names and values. `timestamp_ms` is the source's commit time, in milliseconds
    since the epoch.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def byte_size(self) -> int:
        """The bytes that it counts for."""
        return MESSAGE_BYTES + len(self.key or b"") + len(self.value or b"")
