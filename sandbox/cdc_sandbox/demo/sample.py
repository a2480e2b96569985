"""The tweets that the demo loads: a file's, in two halves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path

from cdc.errors import UsageError
from cdc_sandbox.demo.dataset import SourceDocument, read


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of tweets that has been read through once, so that its format is known to be right."""

    path: Path
    size: int

    @classmethod
    def of(cls, path: Path) -> Sample:
        """Count a file's documents; UsageError if it cannot be read or is not in the format."""
        return cls(path, sum(1 for _ in _documents(path)))

    def first_half(self) -> Iterator[SourceDocument]:
        """Yield the documents up to the middle."""
        return islice(_documents(self.path), self.size // 2)

    def second_half(self) -> Iterator[SourceDocument]:
        """Yield the documents from the middle on."""
        return islice(_documents(self.path), self.size // 2, None)


@contextmanager
def shipped_sample() -> Iterator[Path]:
    """Lend the path of the sample that the project ships."""
    with as_file(files("cdc_sandbox.demo").joinpath("sample-tweets.json")) as path:
        yield path


def _documents(path: Path) -> Iterator[SourceDocument]:
    try:
        with path.open(encoding="utf-8") as stream:
            yield from read(stream)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy="name a readable file") from error
