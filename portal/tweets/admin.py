"""How an administrator looks at authors and tweets."""

from __future__ import annotations

from django.contrib import admin

from portal.tweets.models import Author, Tweet


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin[Author]):
    """Authors, found by name."""

    list_display = ("screen_name", "name", "lang", "followers_count", "verified", "updated_at")
    list_filter = ("verified", "lang")
    search_fields = ("=id", "screen_name", "name")
    ordering = ("screen_name",)
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(Tweet)
class TweetAdmin(admin.ModelAdmin[Tweet]):
    """Tweets, the newest first; ids grow with time."""

    list_display = ("id", "author", "text", "created_at", "updated_at")
    list_filter = ("truncated", "retweeted")
    list_select_related = ("author",)
    search_fields = ("=id", "author__screen_name", "text")
    ordering = ("-id",)
    raw_id_fields = ("author",)
    readonly_fields = ("id", "updated_at")
    show_full_result_count = False  # counting millions of rows takes longer than the page
