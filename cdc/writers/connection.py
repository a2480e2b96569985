"""A connection to the target."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, PyMongoError
from pymongo.uri_parser import parse_uri, split_options

from cdc.config import TargetConfig
from cdc.config.address import Address
from cdc.errors import CdcError, Retryable, Unfit, UsageError
from cdc.writers.errors import CHECK_HOSTS

Client = MongoClient[dict[str, Any]]

SELECTION_MILLISECONDS: Final = 5_000
"""The limit of an operation's search for a primary; then it is retried, with a log line."""

ANSWER_MILLISECONDS: Final = 70_000
"""The limit of an answer: longer than a transaction may live at the server (60 s)."""

NAME_MILLISECONDS: Final = 2_000
"""The limit of asking one server which replica set it is of."""

LISTENING_SECONDS: Final = 1.0
"""The limit of a first look at a host; one that takes longer is left to the driver."""

MIN_HEARTBEAT_SECONDS: Final = 0.5
"""The shortest interval that the drivers' specification allows."""

MAX_HEARTBEAT_SECONDS: Final = 10.0

_ASKED_SET: Final = re.compile(r"\b(replicaSet|directConnection)=[^&]*&?", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')
"""The driver's quotes of a URI; with an unescaped sign, the end of a password."""


def connect_target(target: TargetConfig, *, heartbeat_seconds: float = 5.0) -> Client:
    """Return a client; it connects on first use. Raises UsageError for a wrong URI.

    The driver's monitor queries the server at each heartbeat. If no answer comes for two more, it
    closes the connections in use. So a dead link is noticed within three intervals, and a batch may
    still take as long as it needs. The driver itself retries what was cut outside a transaction,
    once, for SELECTION_MILLISECONDS at most; only then does the daemon hear of it.
    """
    uri = target.uri.get_secret_value()
    heartbeat = min(max(heartbeat_seconds, MIN_HEARTBEAT_SECONDS), MAX_HEARTBEAT_SECONDS)
    try:
        # else the driver would only warn, and continue without: unencrypted, for `tls=ture`
        if options := urlsplit(uri).query:
            split_options(options, warn=False)
        return MongoClient(
            uri,
            appname="cdc",
            serverSelectionTimeoutMS=SELECTION_MILLISECONDS,
            heartbeatFrequencyMS=int(heartbeat * 1000),
            connectTimeoutMS=int(2 * heartbeat * 1000),
            socketTimeoutMS=ANSWER_MILLISECONDS,
            w="majority",
            tz_aware=True,
        )
    except (ConfigurationError, ValueError, OSError) as error:
        raise _explained(error, uri) from None  # the driver's error may hold a part of a password


@contextmanager
def asking_target(target: TargetConfig) -> Iterator[Client]:
    """Yield a client for a command, which is to be told why no server is found.

    Raises Retryable at once if every host refuses to be connected to, and Unfit in place of what
    says that no server is found, if its replica set has another name.
    """
    with connect_target(target) as client:
        require_listening(target)
        try:
            yield client
        except (Retryable, ConnectionFailure):
            require_set_name(target)
            raise


def hosts_of(target: TargetConfig) -> str:
    """Return the hosts of target.uri, as they are written there, without the login."""
    return urlsplit(target.uri.get_secret_value()).netloc.rpartition("@")[2]


def require_listening(target: TargetConfig) -> None:
    """Raise Retryable if there is nobody behind any host of the URI.

    The driver would look for a primary there until SELECTION_MILLISECONDS are over.
    """
    uri = target.uri.get_secret_value()
    if not uri.startswith("mongodb://"):
        return
    reasons = []
    for host, port in parse_uri(uri)["nodelist"]:
        try:
            socket.create_connection((host, port), timeout=LISTENING_SECONDS).close()
        except (ConnectionRefusedError, socket.gaierror) as error:
            reasons.append(f"{Address(host, port)}: {error}")
        except (OSError, TypeError):  # it may still answer, or is a socket in a folder
            return
        else:
            return
    raise Retryable(f"the target cannot be reached: {', '.join(reasons)}", remedy=CHECK_HOSTS)


def require_set_name(target: TargetConfig) -> None:
    """Raise Unfit if a server of the URI is of a replica set of another name.

    The driver only says that it finds no server then. Returns if none answers, or the names agree.
    """
    uri = urlsplit(target.uri.get_secret_value())
    if uri.scheme != "mongodb":
        return
    parsed = parse_uri(uri.geturl())
    wanted = parsed["options"].get("replicaSet")
    for host, port in parsed["nodelist"] if wanted else ():
        found = _set_name(host, port, _ASKED_SET.sub("", uri.query))
        if found is not None and found != wanted:
            raise Unfit(
                f"target.uri asks for the replica set {wanted}, and {host}:{port} is of"
                f" {found or 'none'}",
                remedy=f"write replicaSet={found} in target.uri"
                if found
                else "leave out replicaSet= in target.uri, or make it a replica set: --replSet",
            )


def _set_name(host: str, port: int, options: str) -> str | None:
    """Return the name of a server's replica set, empty if it is of none; None if nobody answers."""
    try:
        with MongoClient[dict[str, Any]](
            f"mongodb://{Address(host, port)}/?{options}",
            directConnection=True,
            serverSelectionTimeoutMS=NAME_MILLISECONDS,
        ) as client:
            return str(client.admin.command("hello").get("setName", ""))
    except (PyMongoError, ValueError, OSError):
        return None


def _explained(error: Exception, uri: str) -> CdcError:
    what = _QUOTED.sub("…", str(error))
    if uri.startswith("mongodb+srv:") and type(error) is ConfigurationError:
        return Retryable(
            f"the target's host cannot be looked up: {what}",
            remedy="check the host in target.uri, its SRV record, and the resolver",
        )
    if "quote_plus" in what:  # the driver's word for Python programs
        what = "user and password in it must be percent-encoded (RFC 3986)"
    return UsageError(
        f"target.uri cannot be used: {what}",
        remedy="write mongodb://HOST:PORT/?replicaSet=…, and USER:PASSWORD@ before the host, with"
        " signs like / and @ in the password as %2F and %40",
    )
