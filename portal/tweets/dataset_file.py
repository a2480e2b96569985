"""A file of the dataset that reports how far it was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TextIO

from cdc_sandbox.demo.dataset import SourceDocument, read

_FINGERPRINTED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """An open file; `fingerprint` is of its size and its beginning, whatever its name."""

    size_bytes: int
    fingerprint: str
    _bytes: BufferedReader
    _text: TextIO

    def documents(self) -> Iterator[SourceDocument]:
        """Yield its documents; raises MalformedDataset if it is not in the format."""
        yield from read(self._text)

    @property
    def read_bytes(self) -> int:
        """Return the number of bytes that were read."""
        return min(self._bytes.tell(), self.size_bytes)


@contextmanager
def dataset_file(path: Path) -> Iterator[DatasetFile]:
    """Open a file; raises OSError if it cannot."""
    size = path.stat().st_size
    with path.open("rb") as stream, TextIOWrapper(stream, encoding="utf-8") as text:
        digest = sha256(b"%d " % size + stream.read(_FINGERPRINTED_BYTES)).hexdigest()
        stream.seek(0)
        yield DatasetFile(size, digest, stream, text)
