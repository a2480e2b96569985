"""Counts the replicated data in MongoDB: each pipeline is bounded in what it reads or returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from heapq import nsmallest
from typing import Final, Literal, NamedTuple
from unicodedata import normalize

from portal.accounts.roles import Role
from portal.bson_dates import FIRST, LAST
from portal.mongodb import Document, Documents
from portal.typed import NOT_A_LIST, text

TWEETS: Final = "tweets"
USERS: Final = "users"
ACCOUNTS: Final = "accounts"

LISTED: Final = 10
RECENT: Final = timedelta(days=30)
MOST_BARS: Final = 400
"""The most bars of a readable chart; beyond it, one bar is a month, or a year."""
TAGGED_TWEETS: Final = 100_000
"""The most tweets that are read for hashtags, the newest first: no index covers those."""

_MOST_DAYS: Final = 40_000
_DAY_MILLISECONDS: Final = 86_400_000

Pipeline = list[Document]
Unit = Literal["day", "month", "year"]


class Period(Enum):
    """A period that ends with the newest tweet, in days."""

    MONTH = 30
    YEAR = 365
    ALL = None

    @property
    def label(self) -> str:
        """The display name."""
        return "all time" if self.value is None else f"{self.value} days"

    def before(self, newest: datetime) -> datetime | None:
        """Return the beginning of the first day of the period that ends with `newest`."""
        if self.value is None:
            return None
        start = newest - min(timedelta(days=self.value - 1), newest - FIRST)
        return start.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def days(self) -> int | None:
        """How many days it has; None for all time."""
        days: int | None = self.value
        return days

    @property
    def until(self) -> datetime | None:
        """Its last moment; None for the newest tweet."""
        return None


@dataclass(frozen=True, slots=True)
class Dates:
    """The period of some days, the first and the last included."""

    first: date
    last: date

    @property
    def name(self) -> str:
        """A name that no other period has."""
        return f"{self.first.isoformat()}..{self.last.isoformat()}"

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def label(self) -> str:
        """The display name."""
        return f"{self.days:,} day{'' if self.days == 1 else 's'}"

    def before(self, _: datetime) -> datetime:
        """Return its beginning, whatever the newest tweet is."""
        return datetime.combine(self.first, time.min, UTC)

    @property
    def until(self) -> datetime:
        """Its last moment."""
        return datetime.combine(self.last, time.max, UTC)


Span = Period | Dates


class Bar(NamedTuple):
    """The tweets of a day, or of the month or year that begins with it."""

    day: date
    tweets: int


class Bars(NamedTuple):
    """Tweets over time, a bar for each day, month or year."""

    unit: Unit
    bars: list[Bar]

    @property
    def tweets(self) -> int:
        """The sum of all bars."""
        return sum(each.tweets for each in self.bars)


class Ranked(NamedTuple):
    """One of the most frequent: its name, what else is known of it, and its count."""

    name: str
    more: str
    times: int


class Registrations(NamedTuple):
    """The accounts of a role; `recent` of them are from the last 30 days."""

    role: str
    accounts: int
    recent: int


def newest_tweet(documents: Documents) -> datetime | None:
    """Return the time of the newest tweet; None if there is none."""
    found = documents[TWEETS].find_one(
        _of_the_calendar(FIRST), {"_id": 0, "created_at": 1}, sort=[("created_at", -1)]
    )
    return found["created_at"] if found else None


def tweets_between(documents: Documents, since: datetime, until: datetime) -> int:
    """Count the tweets from a moment on, and before another one."""
    within = {"created_at": {"$gte": since, "$lt": until, **NOT_A_LIST}}
    return documents[TWEETS].count_documents(within)


def tweets_over_time(
    documents: Documents, since: datetime | None, until: datetime | None = None
) -> Bars:
    """Count tweets by day of UTC, empty days included; by month or year if there are many."""
    pipeline: Pipeline = [
        _within(since, until),
        {
            "$group": {
                "_id": {
                    "$floor": {"$divide": [{"$toLong": "$created_at"}, _DAY_MILLISECONDS]},
                },
                "tweets": {"$sum": 1},
            }
        },
        {"$sort": {"_id": 1}},
        {"$limit": _MOST_DAYS},
    ]
    found = {_day(each["_id"]): each["tweets"] for each in _read(documents, TWEETS, pipeline)}
    if not found:
        return Bars("day", [])
    first, last = since.date() if since else min(found), until.date() if until else max(found)
    unit = _unit(first, last)
    counts: Counter[date] = Counter()
    for day, tweets in found.items():
        counts[_beginning(day, unit)] += tweets
    return Bars(unit, [Bar(day, counts[day]) for day in _beginnings(first, last, unit)])


def top_authors(
    documents: Documents, since: datetime | None, until: datetime | None = None
) -> list[Ranked]:
    """Return the authors with the most tweets, by screen name and name."""
    pipeline: Pipeline = [
        _within(since, until),
        {"$group": {"_id": "$user_id", "count": {"$sum": 1}}},
        *_top(),
        {"$lookup": {"from": USERS, "localField": "_id", "foreignField": "_id", "as": "user"}},
        {"$project": {"count": 1, "user.screen_name": 1, "user.name": 1}},
    ]
    return [_author(each) for each in _read(documents, TWEETS, pipeline)]


def top_hashtags(
    documents: Documents, since: datetime | None, until: datetime | None = None
) -> list[Ranked]:
    """Return the most frequent hashtags of the newest tweets, regardless of case.

    Case is folded here, by all spellings. `$toLower` covers ASCII only, and a collation without
    case also equates Hiragana and Katakana, but not ß and SS.
    """
    pipeline: Pipeline = [
        _within(since, until),
        {"$sort": {"created_at": -1}},
        {"$limit": TAGGED_TWEETS},
        {"$project": {"_id": 0, "tag": "$entities.hashtags.text"}},
        {"$unwind": "$tag"},
        {"$match": {"tag": {"$type": "string", **NOT_A_LIST}}},
        {"$group": {"_id": "$tag", "count": {"$sum": 1}}},
    ]
    uses: Counter[str] = Counter()
    spellings: dict[str, tuple[int, str]] = {}
    for each in _read(documents, TWEETS, pipeline):
        tag, spelling = _folded(each["_id"]), (-each["count"], each["_id"])
        uses[tag] += each["count"]
        spellings[tag] = min(spelling, spellings.get(tag, spelling))
    top = nsmallest(LISTED, uses, key=lambda tag: (-uses[tag], tag))
    return [Ranked(f"#{spellings[tag][1].lower()}", "", uses[tag]) for tag in top]


def registrations(documents: Documents, now: datetime) -> list[Registrations]:
    """Return the number of accounts of each role, in the order of the roles; unknown ones last."""
    is_recent = {"$gte": ["$date_joined", now - RECENT]}
    pipeline: Pipeline = [
        {
            "$group": {
                "_id": "$role",
                "accounts": {"$sum": 1},
                "recent": {"$sum": {"$cond": [is_recent, 1, 0]}},
            }
        },
        {"$sort": {"_id": 1}},
        {"$limit": LISTED},
    ]
    found = {str(each["_id"]): each for each in _read(documents, ACCOUNTS, pipeline)}
    known = {role.value: str(role.label) for role in Role}
    return [
        Registrations(known.get(role, role), each["accounts"], each["recent"])
        for role in [*known, *(found.keys() - known.keys())]
        if (each := found.get(role, {"accounts": 0, "recent": 0} if found else None))
    ]


def totals(documents: Documents) -> tuple[int, int]:
    """Return about how many tweets and authors there are; the server knows without counting."""
    return (
        documents[TWEETS].estimated_document_count(),
        documents[USERS].estimated_document_count(),
    )


def _within(since: datetime | None, until: datetime | None) -> Document:
    """Return the stage that an index on `created_at` serves."""
    return {"$match": _of_the_calendar(since or FIRST, until or LAST)}


def _of_the_calendar(since: datetime, until: datetime = LAST) -> Document:
    """Return the filter of tweets; values that are no date, or none to show, are in no period."""
    return {"created_at": {"$gte": since, "$lte": until, **NOT_A_LIST}}


def _top() -> Pipeline:
    return [{"$sort": {"count": -1, "_id": 1}}, {"$limit": LISTED}]


def _read(documents: Documents, collection: str, pipeline: Pipeline) -> Iterator[Document]:
    yield from documents[collection].aggregate(pipeline, allowDiskUse=True)


def _folded(text: str) -> str:
    """Return a text that is the same for all cases: Unicode's definition D145."""
    return normalize("NFD", normalize("NFD", text).casefold())


def _author(found: Document) -> Ranked:
    """Return an author's name; their own row may still be on its way."""
    user: Document = next(iter(found["user"]), {})
    screen_name = text(user.get("screen_name"))
    return Ranked(
        f"@{screen_name}" if screen_name else f"author {found['_id']}",
        text(user.get("name")),
        found["count"],
    )


def _day(number: float) -> date:
    return (datetime.fromtimestamp(0, UTC) + timedelta(days=number)).date()


def _unit(first: date, last: date) -> Unit:
    if (last - first).days < MOST_BARS:
        return "day"
    return (
        "month" if (last.year - first.year) * 12 + last.month - first.month < MOST_BARS else "year"
    )


def _beginning(day: date, unit: Unit) -> date:
    if unit == "day":
        return day
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _beginnings(first: date, last: date, unit: Unit) -> Iterator[date]:
    """Yield the first day of each bar, without a gap."""
    if unit == "day":
        yield from (first + timedelta(days=number) for number in range((last - first).days + 1))
        return
    months = range(1, 13) if unit == "month" else (1,)
    begun = (date(year, month, 1) for year in range(first.year, last.year + 1) for month in months)
    yield from (day for day in begun if _beginning(first, unit) <= day <= last)
