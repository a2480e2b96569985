"""The administrator's pages for authors and tweets."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.utils.text import Truncator

from portal.optimistic_lock import AsSeen, SeenAdmin
from portal.tweets.models import Author, Tweet

_SHOWN_CHARACTERS: Final = 60


class AuthorForm(AsSeen[Author]):
    """Changes an author, if they are still as the form showed them."""


class TweetForm(AsSeen[Tweet]):
    """Changes a tweet, if it is still as the form showed it."""


@admin.register(Author)
class AuthorAdmin(SeenAdmin[Author]):
    """Authors, found by name."""

    form = AuthorForm
    list_display = ("screen_name", "name", "lang", "followers_count", "verified", "updated_at")
    list_filter = ("verified", "lang")
    search_fields = ("=id", "screen_name", "name")
    ordering = ("screen_name",)
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(Tweet)
class TweetAdmin(SeenAdmin[Tweet]):
    """Tweets, the newest first; ids grow with time."""

    form = TweetForm
    list_display = ("id", "author", "beginning", "created_at", "updated_at")
    list_filter = ("truncated", "retweeted")
    list_select_related = ("author",)
    search_fields = ("=id", "author__screen_name", "text")
    ordering = ("-id",)
    raw_id_fields = ("author",)
    readonly_fields = ("id", "updated_at")
    show_full_result_count = False  # counting millions of rows takes longer than the page

    @admin.display(description="text", ordering="text")
    def beginning(self, tweet: Tweet) -> str:
        """Return how the text begins: rows of one height are looked through faster."""
        return Truncator(tweet.text).chars(_SHOWN_CHARACTERS)
