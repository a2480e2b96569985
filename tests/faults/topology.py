"""What a campaign runs on, and under which conditions."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

from tests.end_to_end.support.sources import KINDS

REPLICATED: Final = "-replica"
SOURCES: Final = (*KINDS, *(f"{flavour}{REPLICATED}" for flavour in ("mysql", "mariadb")))
"""Those of `tests.end_to_end.support.sources`, and a primary with a replica, by GTIDs."""

STANDALONE: Final = 0
"""So many members has a target without transactions."""
MEMBERS: Final = (STANDALONE, 1, 3)
DRAWN_MEMBERS: Final = (STANDALONE, 1, 1, 1, 3, 3)
DRAWN_DAEMONS: Final = (1, 1, 2, 3)


class Condition(StrEnum):
    """What makes a campaign's servers and links others than the usual ones."""

    TLS = "tls"
    """The links are encrypted: a damaged byte is noticed wherever it is."""
    SMALL_DISKS = "small disks"
    """The servers' data are in file systems that can be full; the superuser alone mounts them."""
    TINY_CACHES = "tiny caches"
    FAKE_CLOCKS = "fake clocks"
    """The clocks of the servers and the daemons can be set."""
    LANES = "lanes"
    """Full batches are written by three lanes; no order changes, since what embeds is no round."""
    APPLIERS = "appliers"
    """Two other processes write these lanes, and get their parts through a Kafka of one broker."""
    PUBLISHING = "publishing"
    """What changes and what is read is published to a Kafka of one broker, too."""


class Trait(StrEnum):
    """What a topology has to have for a fault."""

    PROXIED_TARGET = "proxied target"
    """A target of one address, behind a proxy."""
    SECONDARIES = "secondaries"
    REPLICA = "replica"
    """The source has a replica."""
    LONELY_SOURCE = "lonely source"
    ENCRYPTED_TARGET = "encrypted target"
    PLAIN_COMMITS = "plain commits"
    """A proxy can see when the target is asked to commit."""
    SMALL_SOURCE = "small source"
    SMALL_TARGET = "small target"
    SMALL_MEMBERS = "small members"
    LANES = "lanes"
    APPLIERS = "appliers"
    BROKER = "broker"
    CLOCKS = "clocks"
    """Those of the daemons, the source and the target can be set."""


@dataclass(frozen=True, slots=True)
class Topology:
    """`kind` is one of `SOURCES`, `members` one of `MEMBERS`; `daemons` follow one stream."""

    kind: str
    members: int
    daemons: int
    conditions: frozenset[Condition] = frozenset()

    def __str__(self) -> str:
        target = f"{self.members} member(s)" if self.members else "a standalone"
        words = [self.kind, target, f"{self.daemons} daemon(s)", *sorted(self.conditions)]
        return ", ".join(words)

    @property
    def is_replicated(self) -> bool:
        """Whether the source has a replica."""
        return self.kind.endswith(REPLICATED)

    @property
    def has_lanes(self) -> bool:
        """Whether full batches are written by lanes, here or elsewhere."""
        return Condition.LANES in self.conditions or self.has_appliers

    @property
    def has_appliers(self) -> bool:
        """Whether these lanes are elsewhere."""
        return Condition.APPLIERS in self.conditions

    @property
    def publishes(self) -> bool:
        """Whether the stream publishes."""
        return Condition.PUBLISHING in self.conditions

    @property
    def traits(self) -> frozenset[Trait]:
        """What faults can be done to it."""
        has, found = self.conditions, set[Trait]()
        found.add(Trait.REPLICA if self.is_replicated else Trait.LONELY_SOURCE)
        if self.members > 1:
            found.add(Trait.SECONDARIES)
        else:
            found.add(Trait.PROXIED_TARGET)
            if Condition.TLS in has:
                found.add(Trait.ENCRYPTED_TARGET)
            elif self.members != STANDALONE:
                found.add(Trait.PLAIN_COMMITS)
        if self.has_lanes:
            found.add(Trait.LANES)
        if self.has_appliers:
            found.add(Trait.APPLIERS)
        if self.has_appliers or self.publishes:
            found.add(Trait.BROKER)
        if Condition.SMALL_DISKS in has:
            found.add(Trait.SMALL_SOURCE)
            found.add(Trait.SMALL_TARGET if self.members <= 1 else Trait.SMALL_MEMBERS)
        if Condition.FAKE_CLOCKS in has:
            found.add(Trait.CLOCKS)
        return frozenset(found)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {**asdict(self), "conditions": sorted(self.conditions)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        conditions = frozenset(map(Condition, kept["conditions"]))
        return cls(kept["kind"], kept["members"], kept["daemons"], conditions)


def drawn(
    seed: int,
    *,
    kinds: Iterable[str] = (),
    members: int | None = None,
    daemons: int | None = None,
    conditions: frozenset[Condition] | None = None,
    possible: Iterable[Condition] = Condition,
) -> Topology:
    """Draw a topology from a seed; what is given is not drawn, but its chance is.

    `possible` are the conditions that this machine can make.
    """
    chance = random.Random(f"topology {seed}")
    kind = chance.choice(tuple(kinds) or SOURCES)
    of_target, of_stream = chance.choice(DRAWN_MEMBERS), chance.choice(DRAWN_DAEMONS)
    under = frozenset(each for each in Condition if chance.random() < 0.5)
    there = of_target if members is None else members
    transactional = {Condition.LANES, Condition.APPLIERS}
    can_be = frozenset(possible) - (transactional if there == STANDALONE else set())
    return Topology(
        kind, there, daemons or of_stream, (under if conditions is None else conditions) & can_be
    )
