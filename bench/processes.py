"""Measures a process by the kernel's counts, and runs work in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME = 11  # counted from the field behind the command's name; stime follows


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, its threads' together."""
    behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(behind_name[_UTIME]) + int(behind_name[_UTIME + 1])) / _TICKS


def cpu_seconds_of_children(pid: int) -> float:
    """Return the processor time of the children that have ended and were waited for."""
    behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(behind_name[_UTIME + 2]) + int(behind_name[_UTIME + 3])) / _TICKS


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that run."""
    try:
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except FileNotFoundError:
        return []


def peak_megabytes(pid: int | str = "self") -> int:
    """Return the most memory that a process has held at once."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) >> 10


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process has of its own now, without what it shares with others."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(each) for each in re.findall(r"Private_\w+:\s+(\d+) kB", text)) / 1024


def alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a fresh process, so that neither memory nor garbage is shared."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()
