"""What the target's refusals mean to whoever asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ConnectionFailure, PyMongoError

from cdc.errors import CdcError, Retryable


@contextmanager
def explained() -> Iterator[None]:
    """Raise Retryable where the target cannot be reached, CdcError for any other refusal."""
    try:
        yield
    except ConnectionFailure as error:
        raise Retryable(f"the target cannot be reached: {brief(error)}") from error
    except PyMongoError as error:
        raise CdcError(f"the target answered with an error: {brief(error)}") from error


def brief(error: Exception) -> str:
    """Give the driver's words without the whole reply, or the topology, that follows them."""
    return str(error).partition(", full error")[0].partition(", Timeout:")[0]
