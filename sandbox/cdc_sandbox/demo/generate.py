"""Invented tweets, seeded, in the shape of the dataset's documents."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from cdc_sandbox.demo.languages import EMOJI, SOURCES, Language, languages, screen_names

Document = dict[str, Any]

A_DAY = datetime(2026, 9, 2, 18, 11, 23, tzinfo=UTC)
"""When tweets begin, or end, that need be of no day in particular."""

_YEAR = timedelta(days=365)
_SEED_OF_PEOPLE = 2010
_FIRST_TWEET_ID = 22_819_396_900
_ID_STEP = 1_000
_BEYOND_DOUBLES = 1 << 60  # ids that a double cannot hold
_REMEMBERED_TWEETS = 200


@dataclass(slots=True)
class Person:
    """An invented author; the counters grow while tweets are made."""

    id: int
    name: str
    screen_name: str
    language: Language
    created_at: datetime
    description: str | None
    verified: bool
    followers: int
    friends: int
    statuses: int


def invented_people(until: datetime = A_DAY) -> list[Person]:
    """Return everybody who tweets in the demo: the same people whatever the seed.

    They registered one after the other, over the year before `until`.
    """
    rng = Random(_SEED_OF_PEOPLE)
    spoken = languages()
    named = [
        (each, name)
        for names in zip(*(each.people for each in spoken), strict=True)
        for each, name in zip(spoken, names, strict=True)
    ]
    nicks = screen_names(len(named))
    dates = [until - _YEAR, *_over_a_year(rng, len(named) - 1, until)]
    return [
        _person(rng, number, language, name, nick, at)
        for number, ((language, name), nick, at) in enumerate(zip(named, nicks, dates, strict=True))
    ]


def invented_tweets(seed: int, *, first_id: int = _FIRST_TWEET_ID) -> Iterator[Document]:
    """Yield tweets without end, from A_DAY on, each with an id of its own.

    They are decoded: plain ints, not `$numberLong`. The same seed gives the same tweets; streams
    whose `first_id` are at least 1,000 x their length apart share no id.
    """
    rng = Random(seed)
    return _tweets(rng, _from_now_on(rng, A_DAY), invented_people(), first_id)


def a_year_of_tweets(
    seed: int, number: int, *, until: datetime, first_id: int = _FIRST_TWEET_ID
) -> Iterator[Document]:
    """Yield tweets as `invented_tweets` does, a number of them, over the year before `until`."""
    rng = Random(seed)
    return _tweets(rng, _over_a_year(rng, number, until), invented_people(until), first_id)


def _over_a_year(rng: Random, number: int, until: datetime) -> Iterator[datetime]:
    """Yield moments in order, whole seconds: each somewhere in a part of its own."""
    for passed in range(number):
        share = (passed + rng.random()) / number
        yield (until - _YEAR + _YEAR * share).replace(microsecond=0)


def _from_now_on(rng: Random, at: datetime) -> Iterator[datetime]:
    while True:
        at += timedelta(seconds=rng.randrange(1, 90))
        yield at


def _tweets(
    rng: Random, dates: Iterable[datetime], people: list[Person], first_id: int
) -> Iterator[Document]:
    registered = [person.created_at for person in people]
    remembered: deque[Document] = deque(maxlen=_REMEMBERED_TWEETS)
    for number, at in enumerate(dates):
        tweet_id = first_id + number * _ID_STEP + rng.randrange(_ID_STEP)
        if rng.randrange(12) == 0:
            tweet_id += _BEYOND_DOUBLES
        authors = people[: max(1, bisect_right(registered, at))]
        tweet = _tweet(rng, tweet_id, at, authors, remembered)
        remembered.append(tweet)
        yield tweet


def _person(
    rng: Random, number: int, language: Language, name: str, screen_name: str, at: datetime
) -> Person:
    described = rng.choice((None, "", *language.sentences))
    return Person(
        id=(53_500_001 + number * 7_919) + (_BEYOND_DOUBLES if number % 20 == 19 else 0),
        name=name,
        screen_name=screen_name,
        language=language,
        created_at=at,
        description=described,
        verified=number % 13 == 0,
        followers=rng.randrange(5_000) if number != 33 else 3_100_000_000,
        friends=rng.randrange(2_000),
        statuses=rng.randrange(9_000),
    )


def _tweet(
    rng: Random, tweet_id: int, at: datetime, people: list[Person], remembered: deque[Document]
) -> Document:
    author = rng.choice(people)
    author.statuses += 1
    author.followers += rng.randrange(3)
    answered = rng.choice(remembered) if remembered and rng.randrange(4) == 0 else None
    text, entities = _written(rng, author, people, answered)
    return {
        "_id": {"$oid": f"{rng.getrandbits(96):024x}"},
        "text": text,
        "in_reply_to_status_id": answered and answered["id"],
        "retweet_count": rng.choice((None, None, 0, rng.randrange(120))),
        "contributors": None,
        "created_at": _twitter_date(at),
        "geo": None,
        "source": rng.choice(SOURCES),
        "coordinates": None,
        "in_reply_to_screen_name": answered and answered["user"]["screen_name"],
        "truncated": len(text) > 140 and rng.randrange(2) == 0,
        "entities": entities,
        "retweeted": rng.randrange(20) == 0,
        "place": _place(rng, author.language) if rng.randrange(6) == 0 else None,
        "user": _user(author),
        "favorited": rng.randrange(10) == 0,
        "in_reply_to_user_id": answered and answered["user"]["id"],
        "id": tweet_id,
    }


def _written(
    rng: Random, author: Person, people: list[Person], answered: Document | None
) -> tuple[str, Document]:
    text = _Text()
    if answered is not None:
        text.mention(answered["user"])
    for _ in range(_sentences(rng)):
        text.add(rng.choice(author.language.sentences))
    if rng.randrange(3) == 0:
        text.add(rng.choice(EMOJI))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        text.hashtag(rng.choice(author.language.hashtags))
    if answered is None and rng.randrange(4) == 0:
        text.mention(_user(rng.choice(people)))
    if rng.randrange(2) == 0:
        text.url(f"{rng.getrandbits(40):x}")
    return text.text, text.entities


def _sentences(rng: Random) -> int:
    if rng.randrange(50) == 0:
        return rng.randrange(10, 60)
    return rng.randrange(1, 3)


class _Text:
    """A tweet's text as it grows, and the entities found in it (indices in code points)."""

    def __init__(self) -> None:
        self.text = ""
        self.entities: Document = {"user_mentions": [], "urls": [], "hashtags": []}

    def add(self, words: str) -> list[int]:
        self.text += f" {words}" if self.text else words
        return [len(self.text) - len(words), len(self.text)]

    def hashtag(self, tag: str) -> None:
        self.entities["hashtags"].append({"text": tag, "indices": self.add(f"#{tag}")})

    def mention(self, user: Document) -> None:
        indices = self.add(f"@{user['screen_name']}")
        named = {key: user[key] for key in ("name", "screen_name", "id")}
        self.entities["user_mentions"].append({**named, "indices": indices})

    def url(self, slug: str) -> None:
        short = f"http://example.com/{slug[:6]}"
        expanded = f"http://www.example.org/reading/{slug}/index.html?from=tweet&ref={slug[::-1]}"
        self.entities["urls"].append(
            {"url": short, "expanded_url": expanded, "indices": self.add(short)}
        )


def _user(person: Person) -> Document:
    language = person.language
    return {
        "friends_count": person.friends,
        "profile_sidebar_fill_color": "768575",
        "location": language.town if person.id % 4 else "",
        "verified": person.verified,
        "follow_request_sent": None,
        "favourites_count": person.friends % 97,
        "profile_sidebar_border_color": "1c9dbd",
        "profile_image_url": f"http://img.example.com/{person.screen_name}.jpg",
        "geo_enabled": person.id % 3 == 0,
        "created_at": _twitter_date(person.created_at),
        "description": person.description,
        "time_zone": None,
        "url": f"http://example.com/{person.screen_name}" if person.id % 2 else None,
        "screen_name": person.screen_name,
        "notifications": None,
        "profile_background_color": "081114",
        "listed_count": person.followers % 31,
        "lang": language.code,
        "profile_background_image_url": "http://img.example.com/bg.jpg",
        "statuses_count": person.statuses,
        "following": None,
        "profile_text_color": "25b8c2",
        "protected": False,
        "show_all_inline_media": False,
        "profile_background_tile": True,
        "name": person.name,
        "contributors_enabled": False,
        "profile_link_color": "eb55b6",
        "followers_count": person.followers,
        "id": person.id,
        "profile_use_background_image": True,
        "utc_offset": None,
    }


def _place(rng: Random, language: Language) -> Document:
    west, south = rng.randrange(-720, 718) / 4, rng.randrange(-320, 319) / 4
    east, north = west + 0.375, south + 0.25
    return {
        "id": f"{rng.getrandbits(64):016x}",
        "name": language.town,
        "full_name": f"{language.town}, {language.country}",
        "country": language.country,
        "country_code": language.country_code,
        "place_type": "city",
        "url": None,
        "attributes": {},
        "bounding_box": {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north]]],
        },
    }


def _twitter_date(at: datetime) -> str:
    return at.strftime("%a %b %d %H:%M:%S +0000 %Y")
