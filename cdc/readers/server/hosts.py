"""Tries the hosts of a source in turn, until one can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import structlog

from cdc.config.address import Address
from cdc.errors import CdcError, Halted, Retryable, UsageError

if TYPE_CHECKING:
    from cdc.config import SourceConfig

T = TypeVar("T")

Refused = Callable[[Address, CdcError], None]
"""Is told of each host that cannot be used, and why."""

log = structlog.get_logger(__name__)


def hosts(source: SourceConfig) -> str:
    """Return the addresses of a source, for messages."""
    return ", ".join(map(str, source.addresses))


def tell_refused(host: Address, error: CdcError) -> None:
    """Log that a host cannot be used."""
    remedy = {"remedy": error.remedy} if error.remedy else {}
    log.warning("source_host_refused", host=str(host), error=error.message, **remedy)


def say_nothing(_host: Address, _error: CdcError) -> None:
    """Log nothing: the error behind the last host tells all reasons."""


def first_usable(
    source: SourceConfig,
    attempt: Callable[[SourceConfig], T],
    *,
    drop: Callable[[T], None],
    is_preferred: Callable[[T], bool],
    refused: Refused = tell_refused,
) -> T:
    """Return what `attempt` makes of the first host that can be used, as they are written.

    `attempt` takes the source with that host alone. The first that `is_preferred` is taken, else
    the first of all; `drop` closes what is not taken. Raises what `attempt` did for a source of one
    host; of several what `none_usable` makes of the reasons, but UsageError, of which no host is
    the reason, at once.
    """
    hosts = source.each_host()
    if len(hosts) == 1:
        return attempt(source)
    reasons: list[tuple[Address, CdcError]] = []
    kept: list[T] = []
    try:
        for host in hosts:
            try:
                found = attempt(host)
            except UsageError:
                raise
            except CdcError as error:
                refused(host.address, error)
                reasons.append((host.address, error))
                continue
            kept.append(found)
            if is_preferred(found):
                return kept.pop()
        if kept:
            return kept.pop(0)
    finally:
        for each in kept:
            drop(each)
    raise none_usable(reasons)


def none_usable(reasons: list[tuple[Address, CdcError]]) -> CdcError:
    """Return one error for all hosts of a source.

    Retryable if one of them may become usable by itself; else what an operator must decide, or
    mend.
    """
    told = "; ".join(f"{host}: {_in_a_line(error.message)}" for host, error in reasons)
    message = f"none of source.hosts can be used: {told}"
    errors = [error for _, error in reasons]
    for kind in (Retryable, Halted, CdcError):
        for error in errors:
            if isinstance(error, kind):
                made = Retryable if kind is Retryable else type(error)
                return made(message, position=error.position, remedy=error.remedy)
    raise AssertionError("a source has a host")


def _in_a_line(text: str) -> str:
    return ", ".join(text.splitlines())
