"""Jobs beside a stream that moves: rounds of the main thread until a job is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from cdc.writers.sharding import Paths
from tests.unit.chunks.support.world import Running, World

SEEDS = range(8)
GIVES_UP_AFTER_SECONDS = 30


def turn(world: World, running: Running, *, busy: bool) -> None:
    """One round of the main thread, while the source changes."""
    if busy and world.chance.random() < 0.5:
        world.source.commit(world.chance)
    if world.chance.random() < 0.7:
        world.deliver()
    world.settle()


def finish(world: World, running: Running, each: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + GIVES_UP_AFTER_SECONDS
    while not running.done:
        turn(world, running, busy=len(world.source.log) < 2_000)
        each()
        assert time.monotonic() < deadline
    while world.applied < len(world.source.log):
        world.deliver()


def filled(seed: int, commits: int = 60, *, shard: Paths = ()) -> World:
    """A source with rows that were never streamed."""
    world = World(seed, shard=shard)
    for _ in range(commits):
        world.source.commit(world.chance)
    world.source.log.clear()
    return world
