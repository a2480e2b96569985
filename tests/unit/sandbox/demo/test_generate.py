from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import UTC, timedelta
from hashlib import sha256
from itertools import islice

from cdc_sandbox.demo.generate import (
    A_DAY,
    a_year_of_tweets,
    invented_people,
    invented_tweets,
)
from cdc_sandbox.demo.languages import languages
from cdc_sandbox.demo.rows import tweet_row, user_row

SCRIPTS = {
    *("LATIN", "HIRAGANA", "CJK", "ARABIC", "HEBREW", "CYRILLIC", "GREEK", "THAI", "BENGALI"),
    *("ARMENIAN",),
}


def test_the_same_seed_tells_the_same_tweets() -> None:
    first, second, other = (list(islice(invented_tweets(seed), 50)) for seed in (7, 7, 8))

    assert first == second
    assert first != other


def test_every_tweet_has_an_id_of_its_own() -> None:
    ids = [tweet["id"] for tweet in islice(invented_tweets(3), 5_000)]

    assert len(set(ids)) == len(ids)
    assert any(each > 2**53 for each in ids)


def test_the_people_are_the_same_whatever_the_seed() -> None:
    known = {person.id: person.screen_name for person in invented_people()}

    tweeting = {
        tweet["user"]["id"]: tweet["user"]["screen_name"]
        for seed in (1, 2)
        for tweet in islice(invented_tweets(seed), 500)
    }

    assert tweeting == known


def test_indices_find_what_they_name_in_the_text() -> None:
    for tweet in islice(invented_tweets(4), 300):
        for hashtag in tweet["entities"]["hashtags"]:
            begin, end = hashtag["indices"]
            assert tweet["text"][begin:end] == f"#{hashtag['text']}"


def test_every_invented_tweet_fits_the_tables() -> None:
    for tweet in islice(invented_tweets(5), 2_000):
        tweet_row(tweet)
        user_row(tweet)


def test_the_people_are_the_same_on_every_python() -> None:
    """Faker and its data are pinned; nothing else may decide what people are called."""
    people = [(person.name, person.screen_name) for person in invented_people()]

    texts = [text for language in languages() for text in (*language.sentences, language.town)]
    assert people[0] == ("Brenda Mcdonald", "sabrina55")
    assert sha256(repr((people, texts)).encode()).hexdigest()[:16] == "612ed636f9fa2c4b"


def test_every_script_that_people_write_is_there() -> None:
    written = "".join(tweet["text"] for tweet in islice(invented_tweets(6), 2_000))

    found = {unicodedata.name(each).split()[0] for each in set(written) if each.isalpha()}

    assert found >= SCRIPTS


def test_the_people_write_and_are_called_what_databases_trip_over() -> None:
    written = "".join(tweet["text"] for tweet in islice(invented_tweets(6), 500))

    for character in ("'", '"', "\\", "%", "\u200f", "\u200d", "İ", "ı", "a\u0301", "👩‍💻"):
        assert character in written
    assert max(len(tweet["text"]) for tweet in islice(invented_tweets(6), 500)) > 1_000


def test_a_year_s_tweets_are_spread_over_it_in_their_order() -> None:
    tweets = list(a_year_of_tweets(1, 730, until=A_DAY))

    dates = [tweet_row(tweet).created_at.replace(tzinfo=UTC) for tweet in tweets]
    months = Counter((each.year, each.month) for each in dates)
    assert dates == sorted(dates)
    assert A_DAY - timedelta(days=365) <= dates[0]
    assert dates[-1] < A_DAY
    assert len(months) == 13
    assert min(list(months.values())[1:-1]) > 50


def test_nobody_tweets_before_having_registered() -> None:
    rows = [(user_row(each), tweet_row(each)) for each in a_year_of_tweets(2, 900, until=A_DAY)]

    registered = {user.id: user.created_at for user, _ in rows}
    assert all(user.created_at <= tweet.created_at for user, tweet in rows)
    assert max(registered.values()) - min(registered.values()) > timedelta(days=300)
