"""`python -m tests.fuzz [TARGET …] [--seconds N]`: look for inputs that something is wrong with.

The fuzzer is guided by the lines that Python runs. What reaches new ones is kept in
`tests/fuzz/corpus/`, which the unit tests repeat. An input on which a target fails, or takes too
long, is printed, and ends it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS

LONGEST_SECONDS = 20
FAILED = ("crash", "timeout", "oom")
"""How the fuzzer names what it keeps of a failure."""


def main() -> int:
    """Fuzz each target for some time, and keep what was found."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=")
    parser.add_argument("targets", nargs="*", default=[*TARGETS], help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    options = parser.parse_args()
    return max(_fuzz(target, options.seconds) for target in options.targets)


def _fuzz(target: str, seconds: int) -> int:
    with tempfile.TemporaryDirectory() as made:
        found = Path(made, "found")
        corpus.unpack(target, found)
        code = _run(target, found, f"-max_total_time={seconds}", f"-artifact_prefix={made}/")
        for what in FAILED:
            for failed in Path(made).glob(f"{what}-*"):
                print(f"{target}: {what} for {failed.read_bytes().hex()}")
        if code == 0:
            corpus.pack(target, found)
    return code


def _run(target: str, *arguments: Path | str) -> int:
    limits = f"-max_len={TARGETS[target].most_bytes}", f"-timeout={LONGEST_SECONDS}"
    worker = [sys.executable, "-m", "tests.fuzz.worker", target, *limits]
    return subprocess.run([*worker, *map(str, arguments)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
