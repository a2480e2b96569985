"""The tweets that the demo loads: a file's, in two halves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from cdc.demo.dataset import SourceDocument, read
from cdc.errors import UsageError


@contextmanager
def shipped_sample() -> Iterator[Path]:
    """Lend the path of the sample that the project ships."""
    with as_file(files("cdc.demo").joinpath("sample-tweets.json")) as path:
        yield path


def count(path: Path) -> int:
    """Count a file's documents; a mistake anywhere in it is told before anything is loaded."""
    return sum(1 for _ in documents(path))


def documents(path: Path) -> Iterator[SourceDocument]:
    """Yield a file's documents; UsageError if it cannot be read or is not in the format."""
    try:
        with path.open(encoding="utf-8") as stream:
            yield from read(stream)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy="name a readable file") from error
