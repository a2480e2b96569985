"""Reads a page of the timeline: from MongoDB, and the reader's own tweets also from MySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bson import Decimal128
from django.utils import timezone

from portal import mongodb
from portal.bson_dates import milliseconds
from portal.dashboards.timeline.entries import (
    Byline,
    Entry,
    Progress,
    document_entry,
    own_entry,
    saved_entry,
)
from portal.dashboards.timeline.page_cursor import Key, PageCursor, key, number, place_of
from portal.mongodb import Document
from portal.tweets.fields import LARGEST_ID
from portal.tweets.models import Author, Tweet
from portal.typed import NOT_A_LIST

ENTRIES_PER_PAGE = 20
MOST_NEWS = 20
"""So many new tweets are counted; then there are more."""

# The reader's own tweets stay on top for so long, however much others write meanwhile.
_FRESH = timedelta(minutes=1)
_SHOWN = ("text", "user_id", "author", "created_at", "updated_at", "replicated_at")
# The fields that an entry needs: another mapping, or another writer, may leave them out.
_ID = {
    "$type": ["int", "long", "decimal"],
    "$gte": 0,
    "$lte": Decimal128(str(LARGEST_ID)),
    **NOT_A_LIST,
}
_DATE = {"$type": "date", **NOT_A_LIST}
_TWEET: Document = {
    "_id": _ID,
    "user_id": _ID,
    "text": {"$type": "string", **NOT_A_LIST},
    "created_at": _DATE,
    "updated_at": _DATE,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first; and the start of the next page, if there is one.

    `newest` is the place of the newest document, if it was read.
    """

    entries: list[Entry]
    older_than: PageCursor | None
    newest: PageCursor | None = None


def everybody(reader: Author, before: PageCursor | None) -> Page:
    """Read everybody's tweets; on the first page, the reader's own fresh ones come first."""
    leading = _leading(reader) if before is None else []
    documents, older_than = _cut(list(_newest(before)), _place)
    shown = {entry.id for entry in leading}
    rest = [each for each in documents if number(each["_id"]) not in shown]
    newest = _place(documents[0]) if documents else None
    return Page([*leading, *_entries(rest, reader)], older_than, newest)


def news(reader: Author, since: PageCursor) -> int:
    """Count others' tweets that are newer, up to one more than `MOST_NEWS`."""
    newer = _TWEET | since.newer_documents(but_of=reader.pk)
    return mongodb.documents()["tweets"].count_documents(newer, limit=MOST_NEWS + 1)


def own(reader: Author, before: PageCursor | None) -> Page:
    """Read the reader's tweets, each compared with its document."""
    tweets, older_than = _own_rows(reader, before)
    return Page(_compared(tweets, reader), older_than)


def saved(reader: Author, before: PageCursor | None) -> Page:
    """Read the reader's tweets from MySQL alone: it is unknown what is replicated."""
    tweets, older_than = _own_rows(reader, before)
    byline = _byline(reader)
    return Page([saved_entry(each, byline, Progress.UNKNOWN) for each in tweets], older_than)


def _leading(reader: Author) -> list[Entry]:
    changed_last = Tweet.objects.filter(author=reader).order_by("-updated_at")[:ENTRIES_PER_PAGE]
    fresh_since = milliseconds(timezone.now() - _FRESH)
    return [
        entry
        for entry in _compared(changed_last, reader)
        if entry.waiting or milliseconds(entry.changed_at) > fresh_since
    ]


def _compared(tweets: Iterable[Tweet], reader: Author) -> list[Entry]:
    tweets = list(tweets)
    documents = {number(each["_id"]): each for each in _tweets({each.pk for each in tweets})}
    byline = _byline(reader)
    return [own_entry(each, byline, documents.get(each.pk)) for each in tweets]


def _entries(documents: list[Document], reader: Author) -> list[Entry]:
    """Return entries of documents; MySQL is read after them, so a missing row was deleted."""
    own_ids = [number(each["_id"]) for each in documents if _author(each) == reader.pk]
    rows = Tweet.objects.in_bulk(own_ids)
    return [
        _own(each, rows.get(number(each["_id"])), reader)
        if _author(each) == reader.pk
        else document_entry(each)
        for each in documents
    ]


def _own(document: Document, tweet: Tweet | None, reader: Author) -> Entry:
    if tweet is None:
        return document_entry(document, own=True, progress=Progress.BEING_REMOVED)
    return own_entry(tweet, _byline(reader), document)


def _own_rows(reader: Author, before: PageCursor | None) -> tuple[list[Tweet], PageCursor | None]:
    tweets = Tweet.objects.filter(author=reader).order_by("-created_at", "-id")
    if before is not None:
        tweets = tweets.filter(before.older_rows)
    newest = list(tweets[: ENTRIES_PER_PAGE + 1])
    return _cut(newest, lambda each: place_of(each.created_at, each.pk))


def _cut(read: list[T], at: Callable[[T], PageCursor]) -> tuple[list[T], PageCursor | None]:
    """Return one page of the rows read, and the start of the next page, if there is one."""
    page = read[:ENTRIES_PER_PAGE]
    return page, at(page[-1]) if len(read) > len(page) else None


def _newest(before: PageCursor | None) -> Iterable[Document]:
    older = before.older_documents if before else {}
    tweets = mongodb.documents()["tweets"].find(_TWEET | older, _SHOWN)
    return tweets.sort([("created_at", -1), ("_id", -1)]).limit(ENTRIES_PER_PAGE + 1)


def _tweets(ids: set[int]) -> Iterable[Document]:
    return mongodb.documents()["tweets"].find(_TWEET | {"_id": {"$in": _keys(ids)}}, _SHOWN)


def _byline(author: Author) -> Byline:
    return Byline(author.name, author.screen_name)


def _author(document: Document) -> int:
    return number(document["user_id"])


def _place(document: Document) -> PageCursor:
    return place_of(document["created_at"], number(document["_id"]))


def _keys(ids: set[int]) -> list[Key]:
    return [key(each) for each in ids]
