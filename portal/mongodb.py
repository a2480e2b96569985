"""The replicated data: the one place where the portal talks to MongoDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

from django.conf import settings
from pymongo import MongoClient, timeout
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure, PyMongoError

Document: TypeAlias = dict[str, Any]
Documents: TypeAlias = Database[Document]


class NotLetIn(PyMongoError):
    """MongoDB does not know the portal's account, or does not let it read."""


# The errors of a query if nobody answers, not in time, or not to us: the page then says so. A
# query that is wrong is a defect of ours, and stays one.
Unavailable = (ConnectionFailure, ExecutionTimeout, NotLetIn)

_FIND_SERVER_MILLISECONDS = 1_500  # within two seconds a page reports that the target is down
_QUERY_MILLISECONDS = 10_000
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18

_lock = Lock()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the queries of a block to so many seconds in all; raises `Unavailable`, or mistakes."""
    try:
        with timeout(seconds):
            yield
    except OperationFailure as error:
        if error.code not in (_UNAUTHORIZED, _AUTHENTICATION_FAILED):
            raise
        raise NotLetIn from error


def documents() -> Documents:
    """Return the database of the replicated collections.

    Dates are aware and in UTC; those beyond Python's years are `DatetimeMS`.
    """
    return _database(settings.MONGODB_DATABASE)


def state() -> Documents:
    """Return the database in which the daemon keeps its state and finds jobs."""
    return _database(settings.MONGODB_STATE_DATABASE)


def _database(name: str) -> Documents:
    # The lock, as two threads that are first at once would make two clients.
    with _lock:
        return _client(settings.MONGODB_URI, os.getpid())[name]


@cache
def _client(uri: str, process: int) -> MongoClient[Document]:
    """Return the process's client: it connects at its first query, and must not survive a fork."""
    return MongoClient(
        uri,
        appname="portal",
        tz_aware=True,
        datetime_conversion="DATETIME_AUTO",
        unicode_decode_error_handler="replace",  # one broken text is no reason to show none
        readConcernLevel="majority",  # no page shows what a failover could take back
        w="majority",
        connectTimeoutMS=_FIND_SERVER_MILLISECONDS,
        serverSelectionTimeoutMS=_FIND_SERVER_MILLISECONDS,
        socketTimeoutMS=_QUERY_MILLISECONDS,
    )
