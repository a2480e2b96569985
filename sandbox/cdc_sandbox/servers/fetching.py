"""Programs that download something: on a terminal one sees how much of how much has arrived."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, TextIO

import click

Measure = Callable[[str], tuple[float, float]]
"""Takes what the program has printed; returns how many bytes are here, and of how many, or 0."""

_LOOK_SECONDS: Final = 0.2
_UNITS: Final = {"B": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def run(
    what: str,
    command: Sequence[str | Path],
    measure: Measure,
    *,
    environment: Mapping[str, str] | None = None,
    stream: TextIO | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; nothing is shown where nobody looks, on a pipe or under CI."""
    stream = sys.stderr if stream is None else stream
    with TemporaryFile() as out, TemporaryFile() as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment
        )
        try:
            if stream.isatty() and not os.environ.get("CI"):
                _show(what, process, lambda: measure(_text(out.fileno())), stream)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(command, code, _text(out.fileno()), _text(err.fileno()))


def here(folder: Path) -> int:
    """Return how many bytes the files of a folder have, while others write and move them."""
    return sum(
        _size_of(Path(inside, name)) for inside, _, names in os.walk(folder) for name in names
    )


def last_size(pattern: str, output: str) -> float:
    """Return the last size that a pattern finds, its groups the number and its unit; else 0."""
    found = re.findall(pattern, output)
    return size(*found[-1]) if found else 0


def size(number: str, unit: str) -> float:
    """Return a size as people write it, `57.3 MB`, in bytes."""
    return float(number.replace(",", "")) * _UNITS[unit]


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # it was moved to where it belongs
        return 0


def _show(
    what: str,
    process: subprocess.Popen[bytes],
    measure: Callable[[], tuple[float, float]],
    stream: TextIO,
) -> None:
    progressbar: Any = click.progressbar
    bar = progressbar(length=1, label=what, item_show_func=_amount, show_eta=True, file=stream)
    began = False
    while process.poll() is None:
        arrived, total = measure()
        if total:
            began = True
            bar.length = round(total)
            arrived = min(round(arrived), bar.length)
            bar.update(max(arrived - bar.pos, 0), (arrived, bar.length))
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    if began:
        bar.update(bar.length - bar.pos if process.returncode == 0 else 0, (bar.length, bar.length))
        bar.render_finish()


def _amount(amount: tuple[float, float] | None) -> str | None:
    return amount and f"{amount[0] / 1e6:.1f} of {amount[1] / 1e6:.1f} MB"


def _text(file: int) -> str:
    """Return all that a program has written; it and we share the place where it writes on."""
    return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")
