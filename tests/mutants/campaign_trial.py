"""Runs a fault campaign in a copy of the project, until it finds something."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MINUTES: Final = 0.4
"""Of faults, where a campaign's options say nothing else."""
SEED: Final = 32
LIMIT_SECONDS: Final = 420
"""A campaign that takes so long has not healed: without a mistake it takes one to two minutes."""
ENDS_WITHIN_SECONDS: Final = 120
FOUND: Final = "VIOLATION: "
FAILED: Final = re.compile("the campaign failed|a nemesis failed")
UNHEALED: Final = "it heals"

CHECKS: Final = (
    (
        "each transaction is applied once",
        r"transactions (were lost|that nobody)|applied twice",
    ),
    ("both sides are equal", r"^verify ended with|rows differ"),
    ("a job or command does what it says", r"^(verify|resync|backfill|dead-letters|a retry)\b"),
    ("each change is kept once", r"^the history of"),
    ("no reader sees half a transaction", r"^a snapshot shows"),
    ("what is somebody else's stays", r"documents of somebody else"),
    ("no document goes back", r"^counter \S+ went back"),
    ("what is published can be relied on", r"is told in version|: a read of|were published"),
    ("the checkpoint moves forward", r"^(epoch|sequence) went back|^the position .* lacks"),
    ("the lag is honest", r"^the lag is told|^at rest the status"),
    ("a daemon ends as expected", r"^a daemon ended with|^a traceback in a daemon"),
    ("memory is bounded", r"^a daemon took"),
    (UNHEALED, r"^it did not heal"),
)
"""What campaigns check, and the violations by which that is told; the first that fits counts."""


class CannotJudge(Exception):
    """The campaign itself failed, which says nothing of the mistake."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The first one of a campaign, on one line."""

    text: str

    @property
    def check(self) -> str:
        """What noticed it."""
        return next((name for name, found in CHECKS if re.search(found, self.text)), "another")


def arguments(options: str) -> list[str]:
    """Return the arguments of `python -m tests.faults` for a mutant's options."""
    usual = ["--campaigns", "1", "--minutes", str(MINUTES), "--seed", str(SEED)]
    return [*usual, *shlex.split(options)]


def violation(tree: Path, options: str) -> Violation | None:
    """Run a campaign of the copy, until it has found something; return that.

    Raises CannotJudge if the campaign itself fails.
    """
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.faults", *arguments(options)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'sandbox'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    late = threading.Timer(LIMIT_SECONDS, process.send_signal, (signal.SIGTERM,))
    late.start()
    told: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line)
            if line.startswith(FOUND):
                break
    finally:
        is_late = late.finished.is_set()
        late.cancel()
        told.append(_end(process))
    return judged(told, process.returncode, is_late=is_late)


def judged(told: Sequence[str], code: int, *, is_late: bool) -> Violation | None:
    """Return the violation that was told in the last line before the end, if there was one."""
    found = [line.removeprefix(FOUND).strip() for line in told if line.startswith(FOUND)]
    if (found and not FAILED.match(found[0])) or is_late:
        return Violation(found[0] if found else f"it did not heal in {LIMIT_SECONDS} s")
    if found or code != 0:
        raise CannotJudge("".join(told)[-2000:])
    return None


def _end(process: subprocess.Popen[str]) -> str:
    """Have it end, and its servers with it; return what it has told meanwhile."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.communicate(timeout=ENDS_WITHIN_SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def found_in_each(tree: Path, options: Sequence[str]) -> dict[str, Violation]:
    """Run campaigns, each to its end unless it finds something; return what they found."""
    found = {each: violation(tree, each) for each in options}
    return {each: what for each, what in found.items() if what is not None}
