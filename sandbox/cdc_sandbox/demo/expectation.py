"""The document that each row must have become, by what the mappings' documentation promises.

This is written against that promise alone, so that it can judge the code that keeps it: nothing of
`cdc.mapping` is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson.decimal128 import Decimal128
from bson.int64 import Int64

_INT32 = range(-(1 << 31), 1 << 31)
_INT64 = range(-(1 << 63), 1 << 63)


def expected_user(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a row of `users`: every column but the password.

    `verified` stays a number: the binlog does not tell TINYINT(1) from TINYINT.
    """
    return {
        "_id": bigint(row["id"]),
        "screen_name": row["screen_name"],
        "name": row["name"],
        "role": row["role"],
        "description": row["description"],
        "location": row["location"],
        "lang": row["lang"],
        "followers_count": bigint(row["followers_count"]),
        "friends_count": bigint(row["friends_count"]),
        "statuses_count": bigint(row["statuses_count"]),
        "verified": int(row["verified"]),
        "created_at": date(row["created_at"]),
        "updated_at": date(row["updated_at"]),
    }


def expected_tweet(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a row of `tweets`, with its author as `users` has them.

    The row has `author_screen_name` and `author_name` too; both are null if there is no author.
    """
    names = {"screen_name": row["author_screen_name"], "name": row["author_name"]}
    return own_tweet(row) | {"author": None if names["screen_name"] is None else names}


def own_tweet(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the row of a tweet alone makes: JSON as native values, the answered nested."""
    return {
        "_id": bigint(row["id"]),
        "user_id": bigint(row["user_id"]),
        "text": row["text"],
        "source": row["source"],
        "lang": row["lang"],
        "in_reply_to": {
            "status_id": bigint(row["in_reply_to_status_id"]),
            "user_id": bigint(row["in_reply_to_user_id"]),
            "screen_name": row["in_reply_to_screen_name"],
        },
        "retweet_count": bigint(row["retweet_count"]),
        "retweeted": bool(row["retweeted"]),
        "favorited": bool(row["favorited"]),
        "truncated": bool(row["truncated"]),
        "entities": native_json(row["entities"]),
        "place": native_json(row["place"]),
        "created_at": date(row["created_at"]),
        "updated_at": date(row["updated_at"]),
    }


def bigint(value: int | None) -> Int64 | Decimal128 | None:
    """Return an unsigned integer as its column's type: int64, or Decimal128 where that ends."""
    if value is None:
        return None
    return Int64(value) if value in _INT64 else Decimal128(str(value))


def date(value: datetime) -> datetime:
    """Return a date cut, not rounded, to milliseconds."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def native_json(text: str | None) -> Any:
    """Return a JSON column's value, each whole number in the smallest type that holds it."""
    if text is None:
        return None
    return json.loads(text, parse_int=_smallest)


def _smallest(digits: str) -> int | Int64 | Decimal128 | None:
    value = int(digits)
    return value if value in _INT32 else bigint(value)
