"""Which shapes of JSON values get a function of their own: those met often, while there is room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Transcoder = Callable[[bytes, int], bytes]
"""Gives the BSON of the container at an offset."""

MEETINGS = 8
"""How often a shape is met before it gets one."""
MAX_SHAPES = 2048
"""Shapes of objects that have a function at one time, and so of arrays: some 20 MB."""
MAX_MET = 1 << 14
"""Rare shapes whose meetings are counted at one time."""


class Room:
    """How many shapes may still be compiled, and how often those were met that are not."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Forget all of them."""
        self.left = MAX_SHAPES
        self._met: dict[tuple[int, Any], int] = {}

    def met_often(self, owner: int, shape: Any) -> bool:
        """Note a meeting; tell whether the shape is now to be compiled."""
        if not self.left:
            return False
        if len(self._met) >= MAX_MET:
            self._met.clear()
        met = self._met[owner, shape] = self._met.get((owner, shape), 0) + 1
        if met < MEETINGS:
            return False
        del self._met[owner, shape]
        self.left -= 1
        return True


class Shapes(dict[Any, Transcoder]):
    """Transcoders by shape; a shape that is met often is compiled, as long as there is room."""

    def __init__(
        self, compile_shape: Callable[[Any], Transcoder], otherwise: Transcoder, room: Room
    ) -> None:
        super().__init__()
        self._compile = compile_shape
        self._otherwise = otherwise
        self._room = room

    def __missing__(self, shape: Any) -> Transcoder:
        if not self._room.met_often(id(self), shape):
            return self._otherwise
        transcoder = self[shape] = self._compile(shape)
        return transcoder


FULL = Room()
"""No shape gets a function here."""
FULL.left = 0
