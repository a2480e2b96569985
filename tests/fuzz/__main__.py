"""`python -m tests.fuzz [TARGET …] [--seconds N]`: look for inputs on which the two speeds differ.

The fuzzer is guided by the lines that Python, the definition, runs. What reaches new ones is kept
in `tests/fuzz/corpus/`, which the unit tests repeat. An input on which the two differ is printed,
and ends it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS

MOST_BYTES = 600


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
        for failed in Path(made).glob("crash-*"):
            print(f"{target}: the two differ for {failed.read_bytes().hex()}")
        if code == 0:
            corpus.pack(target, found)
    return code


def _run(target: str, *arguments: Path | str) -> int:
    worker = [sys.executable, "-m", "tests.fuzz.worker", target, f"-max_len={MOST_BYTES}"]
    return subprocess.run([*worker, *map(str, arguments)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
