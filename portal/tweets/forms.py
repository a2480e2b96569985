"""The forms of a customer: to write and to change a tweet, and to change one's name."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from portal.optimistic_lock import AsSeen
from portal.plain_forms import PlainForm
from portal.tweets.entities import entities
from portal.tweets.models import Author, Tweet

LONGEST_TWEET = 280
SOURCE = "portal"


class _Text(forms.CharField):
    """A text whose line ends count as in a browser: forms send two characters for one."""

    def to_python(self, value: Any) -> Any:
        """Return the text as it was typed."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Return no `maxlength`, which is in units of UTF-16: the page's script counts."""
        attributes = super().widget_attrs(widget)
        attributes["data-longest"] = attributes.pop("maxlength")
        return attributes


class TweetForm(PlainForm, AsSeen[Tweet]):
    """A tweet's text; everything else follows from it and from its author."""

    text = _Text(
        label="Your tweet",
        max_length=LONGEST_TWEET,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "max_length": "A tweet has %(limit_value)d characters at most; this has %(show_value)d."
        },
    )
    missing: ClassVar = {"text": "Write something first."}

    class Meta:
        """The field of the form."""

        model = Tweet
        fields = ("text",)

    def __init__(self, *args: Any, author: Author, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._author = author

    def save(self, commit: bool = True) -> Tweet:
        """Create the author's new tweet, or change the form's instance."""
        tweet: Tweet = super().save(commit=False)
        tweet.entities = entities(tweet.text)
        if tweet._state.adding:
            tweet.author = self._author
            tweet.source = SOURCE
            tweet.lang = self._author.lang
        if commit:
            tweet.save()
        return tweet


class NameForm(PlainForm, AsSeen[Author]):
    """An author's display name, which each of their tweets shows."""

    missing: ClassVar = {"name": "Enter a name."}

    class Meta:
        """The field of the form."""

        model = Author
        fields = ("name",)
        labels: ClassVar = {"name": "Your name"}
