"""A link on which one packet of a server's is cut off, or damaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from tests.end_to_end.support.proxy import Link, cut

HEADER = 4
BEGINNING = 5

Damage = Callable[[bytes], bytes]
"""Damages a packet, header included; returns nothing if the link ends before it."""


class OnePacket:
    """A filter of a proxy that damages the packet of this number, counted over all links."""

    def __init__(self, number: int, damage: Damage) -> None:
        """`number` counts from 0 on; one that is never reached damages nothing."""
        self._number = number
        self._damage = damage
        self._waiting: defaultdict[Link, bytes] = defaultdict(bytes)
        self._seen: list[int] = []

    @property
    def telling(self) -> list[int]:
        """The packets that passed, but of long answers their beginnings and ends only."""
        following = [*self._seen[1:], 0, 0][1:] if self._seen else []
        return [
            number
            for number, (own, after) in enumerate(zip(self._seen, following, strict=False))
            if own <= BEGINNING or after <= own
        ]

    def __call__(self, data: bytes, link: Link) -> bytes:
        """Pass whole packets on, as the proxy's filter of replies."""
        buffer = self._waiting[link] + data
        passed = []
        while len(buffer) >= HEADER and len(buffer) >= (size := _size(buffer)):
            packet, buffer = buffer[:size], buffer[size:]
            passed.append(self._passed(packet, link))
        self._waiting[link] = buffer
        return b"".join(passed)

    def _passed(self, packet: bytes, link: Link) -> bytes:
        self._seen.append(packet[3])
        if len(self._seen) - 1 != self._number:
            return packet
        damaged = self._damage(packet)
        if not damaged:
            cut(link)
        return damaged


def _size(buffer: bytes) -> int:
    return HEADER + int.from_bytes(buffer[:3], "little")


def flipped(packet: bytes, at: int, bit: int) -> bytes:
    """The packet with one bit of one byte changed."""
    return packet[:at] + bytes([packet[at] ^ 1 << bit]) + packet[at + 1 :]


def unharmed(packet: bytes) -> bytes:
    """The packet as it was."""
    return packet


def refused(packet: bytes) -> bytes:
    """An error in the packet's place: what was asked for was interrupted."""
    payload = b"\xff" + (1317).to_bytes(2, "little") + b"#70100interrupted"
    return len(payload).to_bytes(3, "little") + packet[3:HEADER] + payload


FRAMING = {"cut", "longer", "shorter", "another number"}
"""The kinds that leave a packet's content as it is."""
DAMAGES: dict[str, Damage] = {
    "cut": lambda packet: b"",
    "longer": lambda packet: flipped(packet, 1, 4),
    "shorter": lambda packet: flipped(packet, 0, 0),
    "another number": lambda packet: flipped(packet, 3, 2),
    "another kind": lambda packet: flipped(packet, min(HEADER, len(packet) - 1), 7),
    "in the middle": lambda packet: flipped(packet, (HEADER + len(packet)) // 2, 5),
    "refused": refused,
    "at the end": lambda packet: flipped(packet, len(packet) - 1, 3),
}


def damages(packets: Sequence[int], budget: int) -> Iterator[tuple[int, str, Damage]]:
    """Every other packet with a kind of damage and its name, for each unit of the budget.

    The kinds take turns. Two units are a round, in which each packet is damaged once; with 16 units
    each is damaged in each of the eight ways.
    """
    names = [*DAMAGES]
    for half in range(min(budget, 2 * len(names))):
        shift, first = divmod(half, 2)
        for at in range(first, len(packets), 2):
            name = names[(at // 2 + shift) % len(names)]
            yield packets[at], name, DAMAGES[name]
