from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cdc.retry import let_go


class Batch:
    """Something large."""


class Driver:
    """Keeps its last error, as drivers do."""

    error: BaseException | None = None

    def send(self, batch: Batch) -> None:
        try:
            raise ValueError(id(batch))
        except ValueError as error:
            self.error = error
            raise


@contextmanager
def only_counted() -> Iterator[None]:
    """Only counted references free memory."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def attempt(batch: Batch) -> None:
    try:
        Driver().send(batch)
    except ValueError as error:
        raise RuntimeError("in other words") from error


@pytest.mark.parametrize("lets_go", [True, False])
def test_what_an_error_came_through_is_free_once_it_is_let_go(lets_go: bool) -> None:
    with only_counted():
        batch = Batch()
        seen = weakref.ref(batch)
        try:
            attempt(batch)
        except RuntimeError as error:
            if lets_go:
                let_go(error)
        del batch

        assert (seen() is None) == lets_go
    gc.collect()


def test_an_error_that_leads_back_to_itself_is_let_go() -> None:
    error = ValueError("one")
    error.__context__ = RuntimeError("other")
    error.__context__.__context__ = error

    let_go(error)

    assert error.__traceback__ is None
