"""The app's name in Django."""

from __future__ import annotations

from django.apps import AppConfig


class TweetsConfig(AppConfig):
    """The app `tweets`."""

    name = "portal.tweets"
