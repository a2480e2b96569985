"""The replicated tables, as the demo's `schema.sql` and the shipped mappings have them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from portal.tweets.fields import UnsignedBigIntegerField
from portal.tweets.ids import new_id

SCREEN_NAME_CHARACTERS = 64


class Dated(models.Model):
    """A row that knows when it was changed; a bulk load keeps the dates of its rows."""

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it as changed now."""
        self.updated_at = timezone.now()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "updated_at"}
        super().save(*args, **kwargs)


class Author(Dated):
    """The author of tweets: a customer, or one of the dataset, who has no account."""

    id = UnsignedBigIntegerField(primary_key=True, default=new_id, editable=False)
    screen_name = models.CharField(max_length=SCREEN_NAME_CHARACTERS, unique=True)
    name = models.CharField(max_length=255)
    # A column from before accounts had passwords of their own: it opens nothing.
    password = models.CharField(max_length=128, default="!", editable=False)
    role = models.CharField(max_length=32, default="member", editable=False)
    description = models.TextField(null=True, blank=True)
    location = models.CharField(max_length=255, null=True, blank=True)
    lang = models.CharField(max_length=16, null=True, blank=True)
    followers_count = models.PositiveIntegerField(default=0)
    friends_count = models.PositiveIntegerField(default=0)
    statuses_count = models.PositiveIntegerField(default=0)
    verified = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The table that `users.yaml` maps."""

        db_table = "users"

    def __str__(self) -> str:
        return f"@{self.screen_name}"


class Tweet(Dated):
    """A tweet."""

    id = UnsignedBigIntegerField(primary_key=True, default=new_id, editable=False)
    author = models.ForeignKey(
        Author, on_delete=models.PROTECT, related_name="tweets", db_column="user_id"
    )
    text = models.TextField()
    source = models.CharField(max_length=255, null=True, blank=True)
    lang = models.CharField(max_length=16, null=True, blank=True)
    in_reply_to_status_id = UnsignedBigIntegerField(null=True, blank=True)
    in_reply_to_user_id = UnsignedBigIntegerField(null=True, blank=True)
    in_reply_to_screen_name = models.CharField(
        max_length=SCREEN_NAME_CHARACTERS, null=True, blank=True
    )
    retweet_count = models.PositiveIntegerField(null=True, blank=True)
    retweeted = models.BooleanField(default=False)
    favorited = models.BooleanField(default=False)
    truncated = models.BooleanField(default=False)
    entities = models.JSONField(null=True, blank=True)
    place = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The table that `tweets.yaml` maps."""

        db_table = "tweets"

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:40]}"


class Loading(models.Model):
    """The progress of `load_tweets` with a file; it is deleted when the file is done."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    documents = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.documents} documents of {self.fingerprint[:12]}"
