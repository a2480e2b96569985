"""Decides which shapes of JSON values get a function: frequent ones, while there is room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Transcoder = Callable[[bytes, int], bytes]
"""Returns the BSON of the container at an offset."""

MEETINGS = 8
"""The number of meetings after which a shape gets a function."""
MAX_SHAPES = 2048
"""The most object shapes with a function at one time, and as many of arrays: some 20 MB."""
MAX_MET = 1 << 14
"""The most rare shapes that are counted at one time."""


class Room:
    """Counts the shapes that may still be compiled, and the meetings of those that are not."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Forget all counts."""
        self.left = MAX_SHAPES
        self._met: dict[tuple[int, Any], int] = {}

    def met_often(self, owner: int, shape: Any) -> bool:
        """Count a meeting; return whether the shape is now to be compiled."""
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
    """Transcoders by shape; a frequent shape is compiled, as long as there is room."""

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
"""A room in which no shape gets a function."""
FULL.left = 0
