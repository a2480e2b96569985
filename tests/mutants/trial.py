"""Runs tests in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
COPIED: Final = ("cdc", "sandbox", "tests", "config", "docs", "pyproject.toml")
TESTS_FAILED: Final = 1
"""pytest's exit code; others say that it could not run them, which proves nothing."""


class CannotRun(Exception):
    """pytest could not run the tests."""


@contextmanager
def copy_of_the_project() -> Iterator[Path]:
    """Yield a folder in which a source can be changed."""
    with TemporaryDirectory(prefix="cdc-mutants-") as name:
        for each in COPIED:
            source = PROJECT / each
            if source.is_dir():
                shutil.copytree(
                    source, Path(name, each), ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(source, Path(name, each))
        yield Path(name)


def failing(tree: Path, tests: Sequence[str]) -> list[str]:
    """Run tests of the copy, until one fails; return those that failed."""
    done = subprocess.run(
        [
            *(sys.executable, "-B", "-m", "pytest", "-q", "-x", "--no-header", "--tb=no"),
            *("-p", "no:cacheprovider", *tests),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'sandbox'}", "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    if done.returncode != TESTS_FAILED or not failed:
        raise CannotRun(done.stdout[-2000:] + done.stderr[-2000:])
    return failed
