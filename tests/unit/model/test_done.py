"""What is applied beyond a position, by spans of transactions: as sets of numbers would tell it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cdc.model.done import Done, Span, joined

PREFIXES = st.sampled_from(["a:", "b:"])
SPANS = st.builds(
    lambda prefix, first, more: Span(prefix, first, first + more),
    PREFIXES,
    st.integers(1, 40),
    st.integers(0, 5),
)


def numbers(*spans: Span) -> set[tuple[str, int]]:
    return {(each.prefix, one) for each in spans for one in range(each.first, each.last + 1)}


@given(st.lists(SPANS, max_size=12), SPANS)
def test_spans_tell_what_sets_of_their_numbers_do(spans: list[Span], asked: Span) -> None:
    done = Done(tuple(spans))

    assert done.contains(asked) == (numbers(asked) <= numbers(*spans))
    assert done.overlaps(asked) == bool(numbers(asked) & numbers(*spans))


@given(st.lists(SPANS, max_size=12))
def test_joined_spans_hold_the_same_numbers_each_once_and_are_as_few_as_can_be(
    spans: list[Span],
) -> None:
    found = joined(spans)

    assert numbers(*found) == numbers(*spans)
    assert found == sorted(found)
    for one, two in pairwise(found):
        assert one.prefix != two.prefix or one.last + 1 < two.first
