from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.authors import author_of
from portal.accounts.roles import Role
from portal.tweets.forms import LONGEST_TWEET, TweetForm
from portal.tweets.models import Author, Tweet
from tests.portal.support.people import person

pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture
def ana() -> Author:
    return author_of(person("ana"))


def write(author: Author, text: str, tweet: Tweet | None = None) -> Tweet:
    seen = TweetForm(author=author, instance=tweet).seen
    form = TweetForm({"text": text, "seen": seen}, author=author, instance=tweet)
    assert form.is_valid(), form.errors
    form.save()
    return Tweet.objects.get()


def named_in(tweet: Tweet) -> dict[str, Any]:
    assert isinstance(tweet.entities, dict)
    return tweet.entities


def test_a_tweet_is_the_authors_with_what_its_text_names(ana: Author) -> None:
    text = "Olá @ana, see #MySQL8 and #2010 at https://example.com/a?b=1."

    tweet = write(ana, text)

    assert (tweet.author, tweet.source) == (ana, "portal")
    named = named_in(tweet)
    assert [tag["text"] for tag in named["hashtags"]] == ["MySQL8"]
    assert [url["url"] for url in named["urls"]] == ["https://example.com/a?b=1"]
    assert [(each["id"], each["indices"]) for each in named["user_mentions"]] == [(ana.pk, [4, 8])]


def test_a_changed_tweet_keeps_id_author_and_date(ana: Author) -> None:
    tweet = write(ana, "first #a")

    changed = write(ana, "second #b", tweet)

    assert (changed.pk, changed.author, changed.created_at) == (tweet.pk, ana, tweet.created_at)
    assert named_in(changed)["hashtags"][0]["text"] == "b"
    assert changed.updated_at > changed.created_at


def test_the_end_of_a_line_is_one_character(ana: Author) -> None:
    assert write(ana, "a\r\n" * (LONGEST_TWEET // 2 - 1) + "bc").text.endswith("a\na\nbc")


@pytest.mark.parametrize("text", ["", "   ", "x" * (LONGEST_TWEET + 1)])
def test_nothing_and_too_much_are_refused(ana: Author, text: str) -> None:
    assert not TweetForm({"text": text}, author=ana).is_valid()


def test_an_account_whose_name_an_author_of_the_dataset_has_writes_under_another() -> None:
    Author.objects.create(screen_name="tom", name="Tom of the dataset")
    tom = person("tom", Role.CUSTOMER)

    author = author_of(tom)

    assert author.screen_name == f"tom_{tom.pk}"
    tom.refresh_from_db()
    assert author_of(tom) == author
