"""The shapes that rows are mapped to, and the expected documents, without `cdc.mapping`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cdc_sandbox.demo.expectation import bigint, date, native_json
from cdc_sandbox.demo.rows import TweetRow

Fields = dict[str, str]
"""Target path → column."""

AS_IT_IS = "as it is"
JSON_COLUMNS = ("entities", "place")
PLAIN_COLUMNS = tuple(name for name in TweetRow._fields if name not in JSON_COLUMNS)
FLAGS = ("retweeted", "favorited", "truncated")
DATES = ("created_at", "updated_at")

SHAPED: Fields = {
    "author.id": "user_id",
    "body": "text",
    "client": "source",
    "language": "lang",
    "reply.to.status": "in_reply_to_status_id",
    "reply.to.user": "in_reply_to_user_id",
    "reply.to.name": "in_reply_to_screen_name",
    "counts.retweets": "retweet_count",
    "flags.retweeted": "retweeted",
    "flags.favorited": "favorited",
    "found": "entities",
    "place": "place",
    "at": "created_at",
}


def paths(columns: Iterable[str], fields: Fields | None) -> Fields:
    """Return the fields of a mapping; without `fields` all columns but the id."""
    return fields or {name: name for name in columns if name != "id"}


def expected(row: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return the document of a row."""
    document: dict[str, Any] = {"_id": bigint(row["id"])}
    for path, column in fields.items():
        *parents, name = path.split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = _value(column, row[column])
    return document


def _value(column: str, value: Any) -> Any:
    if column in JSON_COLUMNS:
        return native_json(value)
    if column in DATES:
        return date(value)
    if isinstance(value, int) and column not in FLAGS:
        return bigint(value)
    return value
