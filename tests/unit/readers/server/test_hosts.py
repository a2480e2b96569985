"""Which host is taken, and what is raised where none can be."""

from __future__ import annotations

import pytest

from cdc.config import SourceConfig
from cdc.config.address import Address
from cdc.errors import (
    CdcError,
    Fatal,
    PositionPurged,
    Retryable,
    SourceDiverged,
    Unfit,
    UsageError,
)
from cdc.readers.server.hosts import first_usable, none_usable

SOURCE = SourceConfig(hosts=("a", "b", "c"), user="cdc", server_id=1)

AWAY = Retryable("cannot be reached")
PURGED = PositionPurged("purged", remedy="keep longer")
DIVERGED = SourceDiverged("another history", remedy="find out")
UNFIT = Unfit("is not fit", remedy="SET")
FATAL = Fatal("error 1234")


class Hosts:
    """Attempts on hosts, some of which fail; keeps what was opened and dropped."""

    def __init__(self, **failing: CdcError) -> None:
        self.failing = failing
        self.opened: list[str] = []
        self.dropped: list[str] = []
        self.refused: list[tuple[str, str]] = []

    def attempt(self, source: SourceConfig) -> str:
        host = source.address.host
        if host in self.failing:
            raise self.failing[host]
        self.opened.append(host)
        return host

    def first(self, *preferred: str) -> str:
        return first_usable(
            SOURCE,
            self.attempt,
            drop=self.dropped.append,
            is_preferred=lambda host: not preferred or host in preferred,
            refused=lambda host, error: self.refused.append((host.host, error.message)),
        )


def test_the_first_that_can_be_used_is_taken_and_the_others_are_told() -> None:
    hosts = Hosts(a=AWAY)

    assert hosts.first() == "b"
    assert hosts.opened == ["b"]
    assert hosts.refused == [("a", "cannot be reached")]


def test_the_first_that_is_preferred_is_taken_and_what_was_opened_before_is_dropped() -> None:
    hosts = Hosts()

    assert hosts.first("b") == "b"
    assert (hosts.opened, hosts.dropped) == (["a", "b"], ["a"])


def test_without_one_that_is_preferred_it_is_the_first_that_can_be_used() -> None:
    hosts = Hosts(a=AWAY)

    assert hosts.first("a") == "b"
    assert (hosts.opened, hosts.dropped) == (["b", "c"], ["c"])


def test_a_mistake_in_the_configuration_is_no_host_s_and_leaves_nothing_open() -> None:
    hosts = Hosts(b=UsageError("the password file is gone"))

    with pytest.raises(UsageError, match="the password file"):
        hosts.first("c")
    assert hosts.dropped == ["a"]


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ((PURGED, AWAY, PURGED), Retryable),
        ((UNFIT, AWAY, PURGED), Retryable),
        ((PURGED, PURGED, PURGED), PositionPurged),
        ((UNFIT, PURGED, DIVERGED), PositionPurged),
        ((UNFIT, DIVERGED, UNFIT), SourceDiverged),
        ((UNFIT, UNFIT, UNFIT), Unfit),
        ((FATAL, UNFIT, FATAL), Fatal),
    ],
)
def test_what_may_pass_is_waited_for_and_a_log_outweighs_settings(
    errors: tuple[CdcError, ...], raised: type[CdcError]
) -> None:
    found = none_usable(
        [(Address(name, 1), each) for name, each in zip("abc", errors, strict=True)]
    )

    assert type(found) is raised
    for name, each in zip("abc", errors, strict=True):
        assert f"{name}:1: {each.message}" in found.message
    decisive = next(each for each in errors if type(each) is raised)
    assert found.remedy == decisive.remedy
