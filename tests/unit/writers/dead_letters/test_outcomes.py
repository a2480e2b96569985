from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson import Binary, DatetimeMS, Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.any_time import ANY_TIME_AWARE
from cdc.model.batch import Batch
from cdc.model.dead_letter import Failure
from cdc.model.document_id import comparable
from cdc.writers.dead_letters.ledger import key_of, outcomes
from cdc.writers.dead_letters.store import MAX_KEY_BYTES, letter_id, opened
from tests.unit.writers.dead_letters.support.batches import (
    Step,
    delete,
    failure,
    identifier,
    insert,
    replace,
    transaction,
)

keys = st.integers(0, 3)
scripts = st.lists(
    st.lists(st.tuples(st.sampled_from(["write", "delete", "fail"]), keys), max_size=6), max_size=4
)


def step(kind: str, key: int) -> Step:
    made: dict[str, Step] = {"write": replace(key), "delete": delete(key), "fail": failure(key)}
    return made[kind]


@given(scripts, st.sets(keys))
def test_the_last_change_of_each_document_decides(
    script: list[list[tuple[str, int]]], known: set[int]
) -> None:
    batch = Batch(
        tuple(
            transaction(number, [step(*each) for each in steps])
            for number, steps in enumerate(script, start=1)
        )
    )
    last = {key: kind for steps in script for kind, key in steps}

    letters, resolved = outcomes(
        "s", batch, {"c": {comparable(identifier(key)): str(key) for key in known}}
    )

    assert {each.failure.id for each in letters} == {
        identifier(key) for key, kind in last.items() if kind == "fail"
    }
    assert {*resolved} == {str(key) for key in known & last.keys() if last[key] != "fail"}


def test_a_letter_tells_the_latest_failure_and_how_many_there_were() -> None:
    batch = Batch(
        (
            transaction(1, [failure(1), replace(1), failure(1)]),
            transaction(2, [insert(2), failure(1)]),
        )
    )

    [letter], _ = outcomes("s", batch, {})

    assert letter.transaction.identity == "uuid:2"
    assert letter.times == 2


def test_failures_without_a_key_are_told_apart_by_what_can_be_told_of_them() -> None:
    one = failure(None)
    other = one._replace(document=b"another")
    batch = Batch((transaction(1, [one, insert(1), other, one]),))

    letters, _ = outcomes("s", batch, {})

    assert sorted(each.times for each in letters) == [1, 2]
    assert all(isinstance(each.failure, Failure) for each in letters)


@pytest.mark.parametrize("key", [5, 5.0, Int64(5), Decimal128("5.00")])
def test_ids_that_mongodb_takes_for_equal_share_a_letter(key: Any) -> None:
    assert letter_id("s", "c", identifier(key)) == letter_id("s", "c", identifier(5))


def test_other_ids_collections_and_streams_have_letters_of_their_own() -> None:
    others = [
        letter_id("s", "c", identifier(key))
        for key in (5, 6, "5", b"5", {"a": 5}, {"b": 5}, 0.1, Decimal128(Decimal("0.1")))
    ]
    others += [letter_id("s", "d", identifier(5)), letter_id("t", "c", identifier(5))]

    assert len({*others}) == len(others)


def stored(key: Any) -> dict[str, Any]:
    """A letter on a document as it comes back from the target."""
    [letter], _ = outcomes("s", Batch((transaction(1, [failure(key)]),)), {})
    write = opened("s", letter)
    assert isinstance(write.change, list)
    [stage] = write.change
    sent = bson.encode({"key": stage["$set"]["key"]["$literal"]})
    return bson.decode(sent, ANY_TIME_AWARE)


@pytest.mark.parametrize(
    "key",
    [
        5,
        Int64(5),
        5.5,
        Decimal128("5.00"),
        "five",
        b"\0\xff",
        Binary(bytes(16), 4),
        True,
        datetime(2024, 5, 6, 7, 8, 9, 123_000, UTC),
        DatetimeMS(-(10**15)),
        {"b": Int64(1), "a": {"x": "y"}},
    ],
)
def test_a_letter_s_key_leads_back_to_the_very_id(key: Any) -> None:
    assert key_of(stored(key)) == identifier(key)


def test_a_key_that_is_too_large_for_a_letter_is_left_out() -> None:
    assert stored("x" * MAX_KEY_BYTES)["key"] is None
