"""A dataset's document as the rows of the demo's tables."""

from __future__ import annotations

import json
import re
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

ROLE = "member"

_T = TypeVar("_T")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWITTER_DATE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d):(\d\d):(\d\d) \+0000 (\d{4})"
)
_TEXT_BYTES = 65_535


class UserRow(NamedTuple):
    """A row of `twitter.users`; dates are UTC."""

    id: int
    screen_name: str
    name: str
    password: str
    role: str
    description: str | None
    location: str | None
    lang: str | None
    followers_count: int
    friends_count: int
    statuses_count: int
    verified: bool
    created_at: datetime
    updated_at: datetime


class TweetRow(NamedTuple):
    """A row of `twitter.tweets`; dates are UTC, `entities` and `place` JSON text."""

    id: int
    user_id: int
    text: str
    source: str | None
    lang: str | None
    in_reply_to_status_id: int | None
    in_reply_to_user_id: int | None
    in_reply_to_screen_name: str | None
    retweet_count: int | None
    retweeted: bool
    favorited: bool
    truncated: bool
    entities: str | None
    place: str | None
    created_at: datetime
    updated_at: datetime


def user_row(tweet: dict[str, Any]) -> UserRow:
    """Return the row of the tweet's author, as of the tweet; ValueError names what is wrong."""
    user = _Fields(_author(tweet), "user.")
    user_id = user.number("id", bits=64)
    return UserRow(
        id=user_id,
        screen_name=user.text("screen_name", characters=64),
        name=user.text("name", characters=255),
        password=unusable_password(user_id),
        role=ROLE,
        description=user.optional_text("description"),
        location=user.optional_text("location", characters=255),
        lang=user.optional_text("lang", characters=16),
        followers_count=user.optional_number("followers_count") or 0,
        friends_count=user.optional_number("friends_count") or 0,
        statuses_count=user.optional_number("statuses_count") or 0,
        verified=user.flag("verified"),
        created_at=user.date("created_at"),
        updated_at=_Fields(tweet).date("created_at"),
    )


def tweet_row(tweet: dict[str, Any]) -> TweetRow:
    """Return the row of the tweet; ValueError names what is wrong."""
    fields = _Fields(tweet)
    created_at = fields.date("created_at")
    return TweetRow(
        id=fields.number("id", bits=64),
        user_id=_Fields(_author(tweet), "user.").number("id", bits=64),
        text=fields.text("text"),
        source=fields.optional_text("source", characters=255),
        lang=fields.optional_text("lang", characters=16),
        in_reply_to_status_id=fields.optional_number("in_reply_to_status_id", bits=64),
        in_reply_to_user_id=fields.optional_number("in_reply_to_user_id", bits=64),
        in_reply_to_screen_name=fields.optional_text("in_reply_to_screen_name", characters=64),
        retweet_count=fields.optional_number("retweet_count"),
        retweeted=fields.flag("retweeted"),
        favorited=fields.flag("favorited"),
        truncated=fields.flag("truncated"),
        entities=fields.json("entities"),
        place=fields.json("place"),
        created_at=created_at,
        updated_at=created_at,
    )


def unusable_password(user_id: int) -> str:
    """Return what no password hashes to: `!` begins no hash, the rest is made up of the id."""
    return "!" + sha256(f"unusable {user_id}".encode()).hexdigest()


def _author(tweet: dict[str, Any]) -> dict[str, Any]:
    author = tweet.get("user")
    if not isinstance(author, dict):
        raise ValueError("user is not a document")
    return author


class _Fields:
    """Checked access to a document's fields."""

    def __init__(self, document: dict[str, Any], prefix: str = "") -> None:
        self._document = document
        self._prefix = prefix

    def text(self, name: str, *, characters: int | None = None) -> str:
        return self._required(name, self.optional_text(name, characters=characters))

    def optional_text(self, name: str, *, characters: int | None = None) -> str | None:
        value = self._document.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(name, f"is not a string: {value!r}")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise self._wrong(name, "holds half a surrogate pair") from None
        if size > _TEXT_BYTES or (characters is not None and len(value) > characters):
            raise self._wrong(name, f"is too long: {len(value)} characters")
        return value

    def number(self, name: str, *, bits: int = 32) -> int:
        return self._required(name, self.optional_number(name, bits=bits))

    def optional_number(self, name: str, *, bits: int = 32) -> int | None:
        value = self._document.get(name)
        if isinstance(value, str) and re.fullmatch(r"\d+\+", value):  # the dataset has "100+"
            value = int(value[:-1])
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, f"is not a whole number: {value!r}")
        if not 0 <= value < 1 << bits:
            raise self._wrong(name, f"is not a number of {bits} bits: {value}")
        return value

    def flag(self, name: str) -> bool:
        value = self._document.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, f"is neither true nor false: {value!r}")
        return bool(value)

    def date(self, name: str) -> datetime:
        value = self.text(name)
        if (match := _TWITTER_DATE.fullmatch(value)) is None or match[1] not in _MONTHS:
            raise self._wrong(name, f"is not a date of Twitter's: {value!r}")
        try:
            day, hour, minute, second, year = map(int, match.group(2, 3, 4, 5, 6))
            return datetime(year, _MONTHS.index(match[1]) + 1, day, hour, minute, second)
        except ValueError as error:
            raise self._wrong(name, f"is no date: {value!r}") from error

    def json(self, name: str) -> str | None:
        value = self._document.get(name)
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._wrong(name, "holds half a surrogate pair") from None
        return text

    def _required(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise self._wrong(name, "is missing")
        return value

    def _wrong(self, name: str, problem: str) -> ValueError:
        return ValueError(f"{self._prefix}{name} {problem}")
