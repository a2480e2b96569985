"""How the daemon starts its workers; each is a process that ends with its standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from cdc.daemon.copy_workers import CopyWorkers

CORES = len(os.sched_getaffinity(0))
COUNT = 2 * CORES + 1


@pytest.fixture
def workers() -> Iterator[CopyWorkers]:
    found = CopyWorkers([sys.executable, "-c", "import sys; sys.stdin.read()"], COUNT)
    yield found
    found.stop()


def test_many_workers_start_a_few_at_a_time_so_that_the_first_get_to_work(
    workers: CopyWorkers,
) -> None:
    numbers = []
    for _ in range(4):
        workers.keep()
        numbers.append(workers.running)

    assert numbers == [CORES, 2 * CORES, COUNT, COUNT]
