from __future__ import annotations

from datetime import datetime

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from cdc_sandbox.demo.expectation import bigint, date, expected_tweet, expected_user, native_json
from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.demo.rows import tweet_row, user_row


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, Int64(0)),
        (2**63 - 1, Int64(2**63 - 1)),
        (2**63, Decimal128("9223372036854775808")),
        (2**64 - 1, Decimal128("18446744073709551615")),
        (None, None),
    ],
)
def test_a_bigint_is_an_int64_as_long_as_it_fits(
    value: int | None, wanted: Int64 | Decimal128 | None
) -> None:
    found = bigint(value)

    assert found == wanted
    assert type(found) is type(wanted)


def test_a_date_is_cut_to_milliseconds() -> None:
    assert date(datetime(2010, 9, 2, 1, 2, 3, 999_999)) == datetime(2010, 9, 2, 1, 2, 3, 999_000)


def test_whole_numbers_in_json_take_the_smallest_type_that_holds_them() -> None:
    found = native_json("[1, 2147483647, 2147483648, 9223372036854775808, 1.0]")

    assert [type(each) for each in found] == [int, int, Int64, Decimal128, float]


def test_sql_null_and_json_null_are_both_null() -> None:
    assert native_json(None) is None
    assert native_json("null") is None


def test_a_user_has_no_password_and_its_columns_own_names() -> None:
    row = user_row(next(invented_tweets(1)))._asdict()

    document = expected_user(row)

    assert document.keys() == (row.keys() - {"id", "password"}) | {"_id"}


def test_a_tweet_names_its_author_and_whom_it_answers() -> None:
    row = tweet_row(next(invented_tweets(1)))._asdict()
    answered = {"in_reply_to_status_id", "in_reply_to_user_id", "in_reply_to_screen_name"}

    names = {"author_screen_name": "ana", "author_name": "Ana"}

    document = expected_tweet(row | dict.fromkeys(answered, 7) | names)

    assert document.keys() == (row.keys() - {"id"} - answered) | {"_id", "author", "in_reply_to"}
    assert document["user_id"] == row["user_id"]
    assert document["author"] == {"screen_name": "ana", "name": "Ana"}
    assert document["in_reply_to"] == {"status_id": 7, "user_id": 7, "screen_name": 7}
