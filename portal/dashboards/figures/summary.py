"""Counts for the page of figures, at most once a minute in each process, in a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final, TypeVar

from django.core.cache import cache

from portal import mongodb
from portal.bson_dates import FIRST
from portal.dashboards.figures import counting
from portal.dashboards.figures.counting import Bars, Ranked, Registrations, Span
from portal.mongodb import Documents

KEPT_SECONDS: Final = 60
ASKED_WITHIN_SECONDS: Final = 2.0
COUNTED_WITHIN_SECONDS: Final = 5.0
"""The limit of each figure: one that takes longer is left out, and the page says so."""

MOST_PERCENT: Final = 999
"""A larger change says more about the few tweets of before: these are told alone."""

Result = TypeVar("Result")

_counting: Final = Lock()


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a period, counted at a time; None for one that took too long.

    `earlier` counts the tweets of the period before, as long as this one; None for all time.
    """

    period: Span
    at: datetime
    newest: datetime | None
    since: datetime | None
    tweets: int
    authors: int
    over_time: Bars | None
    earlier: int | None
    top_authors: list[Ranked] | None
    top_hashtags: list[Ranked] | None
    registrations: list[Registrations] | None

    @property
    def change_percent(self) -> int | None:
        """How many more tweets there are than in the period before; None where it tells nothing."""
        if not self.earlier or self.over_time is None:
            return None
        change = round(100 * (self.over_time.tweets - self.earlier) / self.earlier)
        return change if change <= MOST_PERCENT else None

    @property
    def accounts(self) -> int | None:
        """The number of accounts."""
        if self.registrations is None:
            return None
        return sum(each.accounts for each in self.registrations)

    @property
    def tagged(self) -> int | None:
        """The number of newest tweets searched for hashtags; None for all of the period."""
        more = self.over_time and self.over_time.tweets > counting.TAGGED_TWEETS
        return counting.TAGGED_TWEETS if more else None


def summary(documents: Documents, period: Span) -> Summary:
    """Return the figures; those of the last minute, if there are any.

    One thread counts, and others wait for its result: a page that is loaded many times does not
    keep MongoDB busy. Raises `replicated.Unavailable`.
    """
    key = f"figures:{documents.name}:{period.name}"
    with _counting:
        found: Summary | None = cache.get(key)
        if found is None:
            found = _counted(documents, period)
            cache.set(key, found, KEPT_SECONDS)
    return found


def _counted(documents: Documents, period: Span) -> Summary:
    with mongodb.within(ASKED_WITHIN_SECONDS):
        tweets, authors = counting.totals(documents)
    now = datetime.now(UTC)
    newest = _in_time(lambda: counting.newest_tweet(documents))
    since = period.before(newest) if newest else None
    until = period.until
    with ThreadPoolExecutor(4, thread_name_prefix="counting") as pool:

        def begun(count: Callable[[], Result], *, can: bool = True) -> Future[Result | None]:
            return pool.submit(lambda: _in_time(count) if can else None)

        known = newest is not None or tweets == 0
        over_time = begun(lambda: counting.tweets_over_time(documents, since, until), can=known)
        top_authors = begun(lambda: counting.top_authors(documents, since, until), can=known)
        top_hashtags = begun(lambda: counting.top_hashtags(documents, since, until), can=known)
        earlier = begun(lambda: _earlier(documents, period, since), can=known)
        registrations = begun(lambda: counting.registrations(documents, now))
    return Summary(
        period=period,
        at=now,
        newest=newest,
        since=since,
        tweets=tweets,
        authors=authors,
        over_time=over_time.result(),
        earlier=earlier.result(),
        top_authors=top_authors.result(),
        top_hashtags=top_hashtags.result(),
        registrations=registrations.result(),
    )


def _earlier(documents: Documents, period: Span, since: datetime | None) -> int | None:
    if since is None or period.days is None:
        return None
    begin = since - min(timedelta(days=period.days), since - FIRST)
    return counting.tweets_between(documents, begin, since)


def _in_time(count: Callable[[], Result]) -> Result | None:
    try:
        with mongodb.within(COUNTED_WITHIN_SECONDS):
            return count()
    except mongodb.Unavailable:
        return None
