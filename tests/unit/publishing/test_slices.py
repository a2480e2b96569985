"""Parts in slices: whole again whatever order they come in, and never from two parts."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from cdc.publishing.slices import Joiner, Slice, cut


@given(st.binary(max_size=200), st.integers(1, 50), st.randoms(use_true_random=False))
def test_slices_in_any_order_are_the_part_again(
    data: bytes, most: int, chance: random.Random
) -> None:
    slices = [*cut("lane", 3, data, most)]
    chance.shuffle(slices)
    joiner = Joiner()

    found = [joiner.add(header.encode(), piece) for header, piece in slices]

    assert found == [None] * (len(slices) - 1) + [data]


def test_a_slice_that_comes_twice_counts_once() -> None:
    [(one, first), (two, second)] = cut("lane", 3, b"abcd", 2)
    joiner = Joiner()

    assert joiner.add(one.encode(), first) is None
    assert joiner.add(one.encode(), first) is None
    assert joiner.add(two.encode(), second) == b"abcd"


def test_slices_of_two_parts_are_none() -> None:
    [(one, first), _] = cut("lane", 3, b"abcd", 2)
    [_, (two, second)] = cut("lane", 4, b"efgh", 2)
    joiner = Joiner()

    assert joiner.add(one.encode(), first) is None
    assert joiner.add(two.encode(), second) is None


def test_bytes_that_are_not_those_that_were_sent_are_no_part() -> None:
    [(header, _)] = cut("lane", 3, b"abcd", 10)

    assert Joiner().add(header.encode(), b"abce") is None


@given(st.binary(max_size=60))
def test_a_header_of_somebody_else_is_passed_over(header: bytes) -> None:
    assert Joiner().add(header, b"abcd") is None


def test_a_header_is_read_as_it_was_written() -> None:
    header = Slice("65f0", 3, 0, 2, 4, 17)

    assert Slice.decode(header.encode()) == header
