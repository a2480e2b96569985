"""Finds the hashtags, mentions and addresses in a text, in the dataset's shape."""

from __future__ import annotations

import re
from typing import Any

from portal.tweets.models import Author

_HASHTAG = re.compile(r"(?<![\w#&/])#(\w*[^\W\d]\w*)")
_MENTION = re.compile(r"(?<![\w@/])@([\w.+-]*\w)")
ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]]")


def entities(text: str) -> dict[str, Any]:
    """Return what the text names; indices count code points, mentions are of known authors only."""
    return {
        "user_mentions": _mentions(text),
        "urls": [
            {"url": found[0], "expanded_url": found[0], "indices": list(found.span())}
            for found in ADDRESS.finditer(text)
        ],
        "hashtags": [
            {"text": found[1], "indices": list(found.span())} for found in _HASHTAG.finditer(text)
        ],
    }


def _mentions(text: str) -> list[dict[str, Any]]:
    found = list(_MENTION.finditer(text))
    authors = Author.objects.filter(screen_name__in={each[1] for each in found})
    known = {author.screen_name.casefold(): author for author in authors}
    return [
        {
            "name": author.name,
            "screen_name": author.screen_name,
            "id": author.pk,
            "indices": list(each.span()),
        }
        for each in found
        if (author := known.get(each[1].casefold()))
    ]
