from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import cdc_sandbox.demo
from cdc_sandbox.demo.dataset import read
from cdc_sandbox.demo.generate import (
    SAMPLE_SEED,
    SAMPLE_TWEETS,
    invented_people,
    invented_tweets,
    write_sample,
)
from cdc_sandbox.demo.rows import tweet_row, user_row

SAMPLE = Path(cdc_sandbox.demo.__file__).with_name("sample-tweets.json")


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


def test_the_shipped_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    written = tmp_path / "sample.json"

    write_sample(written)

    assert written.read_bytes() == SAMPLE.read_bytes()


def test_the_shipped_sample_reads_back_as_the_generator_made_it() -> None:
    with SAMPLE.open(encoding="utf-8") as stream:
        found = [document.content for document in read(stream)]

    wanted = list(islice(invented_tweets(SAMPLE_SEED), SAMPLE_TWEETS))
    for tweet in wanted:
        tweet["_id"] = tweet["_id"]["$oid"]
    assert found == wanted


def test_the_shipped_sample_is_an_array_in_canonical_extended_json() -> None:
    tweets = json.loads(SAMPLE.read_text(encoding="utf-8"))

    kinds = {next(iter(tweet["id"])) for tweet in tweets}

    assert len(tweets) == SAMPLE_TWEETS
    assert kinds == {"$numberLong"}
    assert len({tweet["user"]["screen_name"] for tweet in tweets}) == 41
    assert max(len(tweet["text"]) for tweet in tweets) > 1_000
