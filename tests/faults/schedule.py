"""What goes wrong, and when: drawn from a seed, so that it can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """A kind of fault."""

    KILL_DAEMON = "kill_daemon"
    """kill -9, at a random moment."""
    KILL_AT_STEP = "kill_at_step"
    """The next daemon dies at a named step of its writer."""
    STOP_DAEMON = "stop_daemon"
    """SIGTERM: it gives its lease back."""
    FREEZE_DAEMON = "freeze_daemon"
    """SIGSTOP, longer than its lease or not, then SIGCONT."""
    CUT_SOURCE = "cut_source"
    """All connections to the source end."""
    HIDE_SOURCE = "hide_source"
    """Nothing comes through any more, and nothing ends."""
    SLOW_SOURCE = "slow_source"
    """What the source sends comes in small late pieces."""
    DAMAGE_SOURCE = "damage_source"
    """A byte of what the source sends is another one, once."""
    RESTART_SOURCE = "restart_source"
    KILL_SOURCE = "kill_source"
    ROTATE = "rotate"
    """The source begins another binlog file."""
    MOVE_SOURCE = "move_source"
    """The stream's address means the other of a primary and its replica."""
    LAG_REPLICA = "lag_replica"
    CUT_TARGET = "cut_target"
    HIDE_TARGET = "hide_target"
    SLOW_TARGET = "slow_target"
    LOSE_ANSWER = "lose_answer"
    """The target does what it is asked, and the link ends before it answers."""
    RESTART_TARGET = "restart_target"
    KILL_TARGET = "kill_target"
    END_SESSIONS = "end_sessions"
    """An administrator ends all sessions of the target, and with them open transactions."""
    STEP_DOWN = "step_down"
    KILL_PRIMARY = "kill_primary"
    LAG = "lag"
    """The secondaries fetch nothing: there is a primary and no majority."""
    KILL_PRIMARY_AHEAD = "kill_primary_ahead"
    """The primary dies while no other member has what it has: that is rolled back."""
    VERIFY = "verify"
    RESYNC = "resync"
    BACKFILL = "backfill"
    SCHEMA_CHANGE = "schema_change"
    TRUNCATE = "truncate"
    LARGE_TRANSACTION = "large_transaction"
    REFUSE_ROWS = "refuse_rows"
    """The target's validator refuses rows for a while: they become dead letters."""


OF_ONE_MEMBER: Final = frozenset(
    {
        Kind.CUT_TARGET,
        Kind.HIDE_TARGET,
        Kind.SLOW_TARGET,
        Kind.LOSE_ANSWER,
        Kind.RESTART_TARGET,
        Kind.KILL_TARGET,
    }
)
"""What a target of one member, behind a proxy, can suffer."""

OF_TWO_SOURCES: Final = frozenset({Kind.MOVE_SOURCE, Kind.LAG_REPLICA})

OF_THREE_MEMBERS: Final = frozenset(
    {Kind.STEP_DOWN, Kind.KILL_PRIMARY, Kind.LAG, Kind.KILL_PRIMARY_AHEAD}
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault, so many seconds after the one before it; `seconds` is how long it lasts."""

    kind: Kind
    after: float
    seconds: float
    draw: int
    """A random number, for what else the fault has to choose."""


def possible(*, members: int, replicated: bool) -> tuple[Kind, ...]:
    """Return the kinds of faults that a target of so many members, and a source, can suffer."""
    others = OF_ONE_MEMBER if members > 1 else OF_THREE_MEMBERS
    others |= frozenset() if replicated else OF_TWO_SOURCES
    return tuple(kind for kind in Kind if kind not in others)


def drawn(seed: int, kinds: Sequence[Kind], seconds: float) -> list[Planned]:
    """Return a schedule of about so many seconds; each kind comes once before any comes again."""
    chance = random.Random(seed)
    planned: list[Planned] = []
    deck: list[Kind] = []
    left = seconds
    while left > 0:
        if not deck:
            deck = chance.sample(list(kinds), len(kinds))
        each = Planned(
            deck.pop(), chance.uniform(0.2, 2.5), chance.uniform(0.1, 4), chance.getrandbits(32)
        )
        planned.append(each)
        left -= each.after + each.seconds
    return planned


def to_json(schedule: Iterable[Planned]) -> list[dict[str, Any]]:
    """Return it as it is kept."""
    return [asdict(each) for each in schedule]


def from_json(kept: Iterable[dict[str, Any]]) -> list[Planned]:
    """Read what `to_json` wrote."""
    return [Planned(**{**each, "kind": Kind(each["kind"])}) for each in kept]
