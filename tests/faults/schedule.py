"""What goes wrong, and when: drawn from a seed, so that it can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from tests.faults.topology import Topology, Trait


class Kind(StrEnum):
    """A kind of fault."""

    KILL_DAEMON = "kill_daemon"
    """kill -9, at a random moment."""
    KILL_AT_STEP = "kill_at_step"
    """The next daemon dies at a named step of its writer."""
    KILL_IN_ROUND = "kill_in_round"
    """The next daemon dies while its lanes write."""
    KILL_IN_CLEAR = "kill_in_clear"
    """The next daemon dies while it empties a collection, and again."""
    KILL_IN_PARTS = "kill_in_parts"
    """The next daemon dies about amid a transaction that is applied in parts, and again."""
    KILL_IN_INDEX_BUILD = "kill_in_index_build"
    """An index is gone; the next daemons die while a primary builds it again."""
    STOP_DAEMON = "stop_daemon"
    """SIGTERM: it gives its lease back."""
    FREEZE_AT_STEP = "freeze_at_step"
    """The next daemon stands still at a step, about as long as its lease lasts, then goes on."""
    FREEZE_DAEMON = "freeze_daemon"
    """SIGSTOP, longer than its lease or not, then SIGCONT."""
    JUMP_DAEMONS = "jump_daemons"
    """The daemons' clock is another one for a while."""
    KILL_APPLIER = "kill_applier"
    KILL_APPLIER_IN_PART = "kill_applier_in_part"
    """The next applier dies when it has written a part, or amid that."""
    STOP_APPLIER = "stop_applier"
    """SIGTERM: its lanes are given to another one, and back."""
    FREEZE_APPLIER = "freeze_applier"
    KILL_BROKER = "kill_broker"
    """The broker dies, and is back later."""
    FREEZE_BROKER = "freeze_broker"
    CUT_BROKER = "cut_broker"
    HIDE_BROKER = "hide_broker"
    HALF_HIDE_BROKER = "half_hide_broker"
    SLOW_BROKER = "slow_broker"
    REPEAT_PARTS = "repeat_parts"
    """Parts come again, in any order, and others that are damaged."""
    TRUNCATE_PARTS = "truncate_parts"
    DELETE_PARTS = "delete_parts"
    """The topic that carries parts is deleted."""
    CUT_SOURCE = "cut_source"
    """All connections to the source end."""
    HIDE_SOURCE = "hide_source"
    """Nothing comes through any more, and nothing ends."""
    HALF_HIDE_SOURCE = "half_hide_source"
    """Nothing comes through in one direction."""
    HIDE_AMID_EVENT = "hide_amid_event"
    """Half an event comes, and then nothing."""
    SLOW_SOURCE = "slow_source"
    """What the source sends comes late."""
    SINGLE_BYTES_SOURCE = "single_bytes_source"
    """What the source sends comes byte by byte."""
    DAMAGE_SOURCE = "damage_source"
    """A byte of what the source sends is another one, once."""
    REORDER_SOURCE = "reorder_source"
    """Two halves of what the source sends change places, once."""
    RESTART_SOURCE = "restart_source"
    KILL_SOURCE = "kill_source"
    FILL_SOURCE = "fill_source"
    """The source's disk is full, and has room again."""
    FILL_REPLICA = "fill_replica"
    """The same, below a replica of the source."""
    JUMP_SOURCE = "jump_source"
    ROTATE = "rotate"
    """The source begins another binlog file."""
    PURGE = "purge"
    """What no daemon has read is purged: they say so, and the documented remedy is taken."""
    LOSE_TAIL = "lose_tail"
    """The source's last transactions are gone: as for `PURGE`, where any of them was applied."""
    BEGIN_ANEW = "begin_anew"
    """The stream and its documents are removed; it begins with a copy by workers, amid changes."""
    MOVE_SOURCE = "move_source"
    """The stream's address means the other of a primary and its replica."""
    LAG_REPLICA = "lag_replica"
    PROMOTE = "promote"
    """The primary dies, and its replica, which has everything, takes its place."""
    PROMOTE_LAGGING = "promote_lagging"
    """The same, and the replica lacks the last transactions: as for `LOSE_TAIL`."""
    CUT_TARGET = "cut_target"
    HIDE_TARGET = "hide_target"
    HALF_HIDE_TARGET = "half_hide_target"
    HIDE_AMID_BATCH = "hide_amid_batch"
    """Half a message comes to the target, and then nothing."""
    HIDE_AT_COMMIT = "hide_at_commit"
    """The target is asked to commit, and its answer is lost in a black hole."""
    LOSE_COMMIT = "lose_commit"
    """The target commits, and the link ends before it says so, also when it is asked again."""
    SLOW_TARGET = "slow_target"
    SINGLE_BYTES_TARGET = "single_bytes_target"
    DAMAGE_TARGET = "damage_target"
    LOSE_ANSWER = "lose_answer"
    """The target does what it is asked, and the link ends before it answers."""
    RESTART_TARGET = "restart_target"
    KILL_TARGET = "kill_target"
    FILL_TARGET = "fill_target"
    """The target's disk is full; it dies of that, and has room again."""
    FILL_MEMBER = "fill_member"
    """The same, below any one of three."""
    JUMP_TARGET = "jump_target"
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
    RETRY_LETTERS = "retry_letters"
    SCHEMA_CHANGE = "schema_change"
    SCHEMA_STORM = "schema_storm"
    """A table is altered, emptied, renamed and made anew at once."""
    TRUNCATE = "truncate"
    LARGE_TRANSACTION = "large_transaction"
    HEAVY_TRANSACTION = "heavy_transaction"
    """200 MB at once, and the daemons or the source die while it is applied."""
    REFUSE_ROWS = "refuse_rows"
    """The target's validator refuses rows for a while: they become dead letters."""


NEEDS: Final[dict[Kind, frozenset[Trait]]] = {
    **dict.fromkeys(
        (
            *(Kind.CUT_TARGET, Kind.HIDE_TARGET, Kind.HALF_HIDE_TARGET, Kind.HIDE_AMID_BATCH),
            *(Kind.SLOW_TARGET, Kind.SINGLE_BYTES_TARGET, Kind.LOSE_ANSWER),
            *(Kind.RESTART_TARGET, Kind.KILL_TARGET),
        ),
        frozenset({Trait.PROXIED_TARGET}),
    ),
    **dict.fromkeys((Kind.HIDE_AT_COMMIT, Kind.LOSE_COMMIT), frozenset({Trait.PLAIN_COMMITS})),
    Kind.DAMAGE_TARGET: frozenset({Trait.ENCRYPTED_TARGET}),
    **dict.fromkeys(
        (
            *(Kind.STEP_DOWN, Kind.KILL_PRIMARY, Kind.LAG, Kind.KILL_PRIMARY_AHEAD),
            Kind.KILL_IN_INDEX_BUILD,
        ),
        frozenset({Trait.SECONDARIES}),
    ),
    **dict.fromkeys((Kind.MOVE_SOURCE, Kind.LAG_REPLICA, Kind.PROMOTE), frozenset({Trait.REPLICA})),
    Kind.PROMOTE_LAGGING: frozenset({Trait.REPLICA, Trait.FEW_TABLES}),
    **dict.fromkeys(
        (Kind.PURGE, Kind.LOSE_TAIL, Kind.BEGIN_ANEW),
        frozenset({Trait.LONELY_SOURCE, Trait.FEW_TABLES}),
    ),
    Kind.KILL_IN_ROUND: frozenset({Trait.LANES}),
    **dict.fromkeys(
        (
            *(Kind.KILL_APPLIER, Kind.KILL_APPLIER_IN_PART, Kind.STOP_APPLIER),
            *(Kind.FREEZE_APPLIER, Kind.REPEAT_PARTS, Kind.TRUNCATE_PARTS, Kind.DELETE_PARTS),
        ),
        frozenset({Trait.APPLIERS}),
    ),
    **dict.fromkeys(
        (
            *(Kind.KILL_BROKER, Kind.FREEZE_BROKER, Kind.CUT_BROKER, Kind.HIDE_BROKER),
            *(Kind.HALF_HIDE_BROKER, Kind.SLOW_BROKER),
        ),
        frozenset({Trait.BROKER}),
    ),
    Kind.HEAVY_TRANSACTION: frozenset({Trait.HEAVY}),
    Kind.FILL_SOURCE: frozenset({Trait.SMALL_SOURCE}),
    Kind.FILL_REPLICA: frozenset({Trait.SMALL_SOURCE, Trait.REPLICA}),
    Kind.FILL_TARGET: frozenset({Trait.SMALL_TARGET}),
    Kind.FILL_MEMBER: frozenset({Trait.SMALL_MEMBERS}),
    Kind.JUMP_DAEMONS: frozenset({Trait.CLOCKS}),
    Kind.JUMP_SOURCE: frozenset({Trait.CLOCKS}),
    Kind.JUMP_TARGET: frozenset({Trait.CLOCKS, Trait.PROXIED_TARGET}),
}
"""What a topology has to have for a fault; for the others, nothing."""

AT_SOURCE: Final = frozenset(
    {
        *(Kind.CUT_SOURCE, Kind.HIDE_SOURCE, Kind.HALF_HIDE_SOURCE, Kind.HIDE_AMID_EVENT),
        *(Kind.SLOW_SOURCE, Kind.SINGLE_BYTES_SOURCE, Kind.DAMAGE_SOURCE, Kind.REORDER_SOURCE),
        *(Kind.RESTART_SOURCE, Kind.KILL_SOURCE, Kind.JUMP_SOURCE),
        *(Kind.FILL_SOURCE, Kind.FILL_REPLICA),
        *(Kind.ROTATE, Kind.PURGE, Kind.LOSE_TAIL, Kind.MOVE_SOURCE, Kind.LAG_REPLICA),
        *(Kind.PROMOTE, Kind.PROMOTE_LAGGING, Kind.BEGIN_ANEW),
        *(Kind.SCHEMA_CHANGE, Kind.SCHEMA_STORM, Kind.TRUNCATE, Kind.LARGE_TRANSACTION),
        *(Kind.HEAVY_TRANSACTION, Kind.KILL_IN_CLEAR, Kind.KILL_IN_PARTS),
    }
)
"""What one nemesis does, while another one harms the daemons and the target."""


OFTEN: Final = {Kind.HEAVY_TRANSACTION: 3}
"""Kinds that come so many times where others come once: half a minute has only half of all."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault, so many seconds after the one before it; `seconds` is how long it lasts."""

    kind: Kind
    after: float
    seconds: float
    draw: int
    """A random number, for what else the fault has to choose."""


def possible(topology: Topology) -> list[Kind]:
    """Return the kinds of faults that a topology can suffer."""
    return [kind for kind in Kind if NEEDS.get(kind, frozenset()) <= topology.traits]


def both(seed: int, kinds: Sequence[Kind], seconds: float) -> list[list[Planned]]:
    """Return the schedules of two nemeses: one at the source, and one at all the rest."""
    sides = (
        [kind for kind in kinds if kind in AT_SOURCE],
        [kind for kind in kinds if kind not in AT_SOURCE],
    )
    return [drawn(f"{seed}/{number}", side, seconds) for number, side in enumerate(sides) if side]


def drawn(seed: str, kinds: Sequence[Kind], seconds: float) -> list[Planned]:
    """Return a schedule of about so many seconds.

    Each kind comes once before any comes again, or as often as `OFTEN` says.
    """
    chance = random.Random(seed)
    planned: list[Planned] = []
    deck: list[Kind] = []
    left = seconds
    while left > 0:
        if not deck:
            several = [kind for kind in kinds for _ in range(OFTEN.get(kind, 1))]
            deck = chance.sample(several, len(several))
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
