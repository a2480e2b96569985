"""A tweet in the timeline, and its replication progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.bson_dates import Moment, milliseconds
from portal.dashboards.timeline.page_cursor import number
from portal.mongodb import Document
from portal.tweets.entities import ADDRESS
from portal.tweets.models import Tweet
from portal.typed import moment, text

# `save` takes the time twice; a change by a person is later than that.
_SAME_INSTANT_MILLISECONDS = 1_000
_SECOND_MILLISECONDS = 1_000
_DAY_MILLISECONDS = 86_400_000


class Progress(StrEnum):
    """The progress of a tweet from MySQL to MongoDB."""

    REPLICATED = "replicated"
    ON_ITS_WAY = "on-its-way"
    CHANGE_ON_ITS_WAY = "change-on-its-way"
    BEING_REMOVED = "being-removed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; a link, if it has an address."""

    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Byline:
    """The author of a tweet; both are empty while the author is not replicated."""

    name: str = ""
    screen_name: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tweet; `replicated_at` only if the document has it."""

    id: int
    text: str
    byline: Byline
    own: bool
    written_at: Moment
    changed_at: Moment
    progress: Progress
    replicated_at: Moment | None = None

    @property
    def pieces(self) -> Iterator[Piece]:
        """Yield the text, split into web addresses and the rest."""
        end = 0
        for found in ADDRESS.finditer(self.text):
            yield Piece(self.text[end : found.start()])
            yield Piece(found[0], found[0])
            end = found.end()
        yield Piece(self.text[end:])

    @property
    def waiting(self) -> bool:
        """Return whether another request may show more."""
        return self.progress not in (Progress.REPLICATED, Progress.UNKNOWN)

    @property
    def changeable(self) -> bool:
        """Return whether its author may still change it."""
        return self.own and self.progress != Progress.BEING_REMOVED

    @property
    def changed(self) -> bool:
        """Return whether it was changed after it was written."""
        passed = milliseconds(self.changed_at) - milliseconds(self.written_at)
        return passed > _SAME_INSTANT_MILLISECONDS

    @property
    def delay_seconds(self) -> float | None:
        """Return how long replication took; None if that is unknown, or clocks disagree."""
        if self.replicated_at is None or self._was_loaded:
            return None
        passed = milliseconds(self.replicated_at) - milliseconds(self.changed_at)
        return passed / 1000 if passed >= 0 else None

    @property
    def _was_loaded(self) -> bool:
        """Return whether its dates are Twitter's, of whole seconds: when it was saved is unknown.

        Of a thousand that were written here one looks so, too, and lacks its delay.
        """
        written = milliseconds(self.written_at)
        return written == milliseconds(self.changed_at) and not written % _SECOND_MILLISECONDS

    @property
    def replicated_on_another_day(self) -> bool:
        """Return whether the page must show the day too; days are those of UTC."""
        days = {
            milliseconds(each) // _DAY_MILLISECONDS
            for each in (self.changed_at, self.replicated_at)
            if each is not None
        }
        return len(days) > 1


def own_entry(tweet: Tweet, byline: Byline, document: Document | None) -> Entry:
    """Compare the reader's own tweet with its document: the newer one is shown."""
    if document is None:
        return saved_entry(tweet, byline, Progress.ON_ITS_WAY)
    if milliseconds(tweet.updated_at) > milliseconds(document["updated_at"]):
        return saved_entry(tweet, byline, Progress.CHANGE_ON_ITS_WAY)
    return document_entry(document, own=True)


def saved_entry(tweet: Tweet, byline: Byline, progress: Progress) -> Entry:
    """Return the entry of the reader's own tweet as MySQL has it."""
    return Entry(
        id=tweet.pk,
        text=tweet.text,
        byline=byline,
        own=True,
        written_at=tweet.created_at,
        changed_at=tweet.updated_at,
        progress=progress,
    )


def document_entry(
    document: Document,
    *,
    own: bool = False,
    progress: Progress = Progress.REPLICATED,
) -> Entry:
    """Return the entry of a document, which has its author's names."""
    return Entry(
        id=number(document["_id"]),
        text=document["text"],
        byline=_byline(document.get("author")),
        own=own,
        written_at=document["created_at"],
        changed_at=document["updated_at"],
        progress=progress,
        replicated_at=moment(document.get("replicated_at")),
    )


def _byline(author: Any) -> Byline:
    """Return the names in what a tweet embeds: null while its author is not replicated."""
    if not isinstance(author, dict):
        return Byline()
    return Byline(text(author.get("name")), text(author.get("screen_name")))
