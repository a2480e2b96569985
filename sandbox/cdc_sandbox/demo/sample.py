"""The tweets that the demo loads, in two halves: a file's, or invented ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from cdc.errors import UsageError
from cdc_sandbox.demo.dataset import SourceDocument, read
from cdc_sandbox.demo.generate import a_year_of_tweets

_SEED = 2010
_INVENTED = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """Tweets that have been gone through once, so that their format is known to be right."""

    documents: Callable[[], Iterator[SourceDocument]]
    size: int

    @classmethod
    def of(cls, path: Path) -> Sample:
        """Count a file's documents; UsageError if it cannot be read or is not in the format."""
        documents = partial(_documents, path)
        return cls(documents, sum(1 for _ in documents()))

    @classmethod
    def invented(cls, *, until: datetime) -> Sample:
        """Invent some, over the year before `until`."""
        return cls(partial(_invented, until), _INVENTED)

    def first_half(self) -> Iterator[SourceDocument]:
        """Yield the documents up to the middle."""
        return islice(self.documents(), self.size // 2)

    def second_half(self) -> Iterator[SourceDocument]:
        """Yield the documents from the middle on."""
        return islice(self.documents(), self.size // 2, None)


def _documents(path: Path) -> Iterator[SourceDocument]:
    try:
        with path.open(encoding="utf-8") as stream:
            yield from read(stream)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy="name a readable file") from error


def _invented(until: datetime) -> Iterator[SourceDocument]:
    for number, tweet in enumerate(a_year_of_tweets(_SEED, _INVENTED, until=until), start=1):
        yield SourceDocument(number, number, tweet)
