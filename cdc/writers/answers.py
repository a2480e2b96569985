"""What the target's refusals mean to whoever asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import PyMongoError

from cdc.writers import failures


@contextmanager
def explained() -> Iterator[None]:
    """Raise Retryable for what passes, Unfit where the account is refused, CdcError otherwise."""
    try:
        yield
    except PyMongoError as error:
        raise failures.explained(error) from error
