"""A piece of a debt becomes smaller for as long as the target cannot hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from cdc.errors import CdcError
from cdc.writers.conflicts import MustSplit
from cdc.writers.embedding.embedder import PIECE
from cdc.writers.embedding.paying import Paying
from cdc.writers.embedding.terms import AT_ONCE, Terms
from cdc.writers.errors import RefusedTogether, TooLarge


class Target:
    """Holds so many documents in a transaction."""

    def __init__(self, holds: int, error: type[Exception]) -> None:
        self.holds = holds
        self.tried: list[tuple[int, int]] = []
        self._error = error

    def __call__(self, terms: Terms, count: int) -> bool:
        self.tried.append((count, terms.at_once))
        if count > self.holds:
            raise self._error("no")
        return True


class Strict:
    """Refuses one of several documents that a statement changes."""

    def __init__(self) -> None:
        self.tried: list[tuple[int, bool]] = []

    def __call__(self, terms: Terms, count: int) -> bool:
        self.tried.append((count, terms.apart))
        if not terms.apart:
            raise RefusedTogether("no")
        return True


class Nothing:
    """Debts of no embed."""

    nothing: ClassVar[dict[tuple[str, str], int]] = {}

    def counts(self) -> dict[tuple[str, str], int]:
        return {}


def once(attempt: Callable[[], Any]) -> Any:
    return attempt()


def paying(target: Target | Strict) -> Paying:
    debts: Any = Nothing()
    return Paying(debts, once, target, lambda: None)


@pytest.mark.parametrize("error", [TooLarge, MustSplit])
def test_a_piece_that_is_too_large_is_cut_and_grows_again(error: type[Exception]) -> None:
    target = Target(200, error)
    pieces = paying(target)

    for _ in range(3):
        assert pieces.piece()

    assert target.tried == [
        (PIECE, AT_ONCE),
        (PIECE // 8, 0),
        (PIECE // 4, AT_ONCE),
        (PIECE // 32, 0),
        (PIECE // 16, AT_ONCE),
    ]


def test_a_piece_that_was_refused_without_a_name_is_sent_with_a_statement_a_document() -> None:
    target = Strict()
    pieces = paying(target)

    for _ in range(2):
        assert pieces.piece()

    assert target.tried == [(PIECE, False), (PIECE, True)] * 2


def test_a_single_document_that_does_not_fit_is_for_an_operator() -> None:
    with pytest.raises(CdcError, match="cannot hold a single document"):
        paying(Target(0, TooLarge)).piece()
