"""A part's bytes in slices that fit into Kafka's messages, and back.

Each slice has a header, ASCII words: lane, round, number of the slice, number of slices, bytes of
the whole, CRC-32 of the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

HEADER: Final = "part"
"""The key of the header."""


class Slice(NamedTuple):
    """What a slice's header says; `number` counts from 0, up to `slices`."""

    lane: str
    round: int
    number: int
    slices: int
    size: int
    checksum: int

    def encode(self) -> bytes:
        """Return the header's bytes."""
        return " ".join(map(str, self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote; raises ValueError."""
        lane, *numbers = data.decode("ascii").split(" ")
        round_, number, slices, size, checksum = map(int, numbers)
        if not 0 <= number < slices:
            raise ValueError(f"no slice: {data!r}")
        return cls(lane, round_, number, slices, size, checksum)


def cut(lane: str, round_: int, data: bytes, most: int) -> Iterator[tuple[Slice, bytes]]:
    """Yield the slices of a part, of `most` bytes at most, each with its header."""
    slices, checksum = max(1, -(-len(data) // most)), zlib.crc32(data)
    for number in range(slices):
        header = Slice(lane, round_, number, slices, len(data), checksum)
        yield header, data[number * most : (number + 1) * most]


class Joiner:
    """Puts together the parts of one partition, in whatever order their slices come."""

    def __init__(self) -> None:
        self._part: Slice | None = None
        self._pieces: dict[int, bytes] = {}

    def add(self, header: bytes, piece: bytes) -> bytes | None:
        """Add a slice; return its part if it is whole with it.

        A part is forgotten with the first slice of another one, which is a later one: the daemon
        sends none before it has done with the last.
        """
        try:
            found = Slice.decode(header)
        except ValueError:
            return None
        if self._part is None or found._replace(number=0) != self._part:
            self._part, self._pieces = found._replace(number=0), {}
        self._pieces[found.number] = piece
        if len(self._pieces) < found.slices:
            return None
        data = b"".join([self._pieces[number] for number in range(found.slices)])
        self._part, self._pieces = None, {}
        whole = len(data) == found.size and zlib.crc32(data) == found.checksum
        return data if whole else None
