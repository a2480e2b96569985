"""What must hold: each checker is told what was seen, and says what is wrong with it.

They share no code with cdc. `tests/unit/faults` has a test for each that shows that it can fail.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from tests.end_to_end.support.history import expanded, sequences
from tests.support.faults import TWICE

Document = Mapping[str, Any]

TOLD: Final = 3_000
"""Characters of rows that differ: all of them are kept in a file."""

EXPECTED_ENDS: Final = frozenset({0, -9})
"""Stopped as asked, or killed."""


@dataclass
class Violations:
    """What was found wrong, in the order in which it was found."""

    found: list[str] = field(default_factory=list)

    def __call__(self, what: str) -> None:
        """Note it."""
        self.found.append(what)
        print(f"VIOLATION: {what}", flush=True)


class WholeTransactions:
    """Each snapshot of the target shows the same sum: no half of a transfer."""

    def __init__(self, total: int, violated: Violations) -> None:
        self._total = total
        self._violated = violated
        self.snapshots = 0

    def see(self, amounts: Iterable[int]) -> None:
        """Take all amounts of one snapshot."""
        self.snapshots += 1
        if (found := sum(amounts)) != self._total:
            self._violated(f"a snapshot shows a sum of {found}, not {self._total}")


class WholeOrders:
    """Each snapshot of the target shows in each order the lines that it shows beside the orders."""

    def __init__(self, violated: Violations) -> None:
        self._violated = violated
        self.snapshots = 0

    def see(self, orders: Iterable[Document], lines: Iterable[Document]) -> None:
        """Take all orders and all lines of one snapshot."""
        self.snapshots += 1
        beside: dict[Any, list[Document]] = {}
        for line in sorted(lines, key=lambda each: each["_id"]):
            beside.setdefault(line["order_id"], []).append(line)
        wrong = [each for each in orders if each["lines"] != beside.get(each["_id"], [])]
        for order in wrong[:1]:
            told = f"{order['lines']}, and beside it {beside.get(order['_id'], [])}"
            self._violated(f"a snapshot shows in order {order['_id']} {told}"[:TOLD])


class NeverBack:
    """No document shows an older version than it has shown before."""

    def __init__(self, violated: Violations) -> None:
        self._violated = violated
        self._newest: dict[Any, int] = {}
        self.changes = 0

    def forget(self) -> None:
        """Take the next versions as they are: the source itself has gone back."""
        self._newest.clear()

    def see(self, key: Any, version: int) -> None:
        """Take what a change stream tells of a document."""
        self.changes += 1
        if version < (newest := self._newest.get(key, version)):
            self._violated(f"counter {key} went back from {newest} to {version}")
        self._newest[key] = max(newest, version)


class HonestLag:
    """No stream says that it lags by nothing while it lacks what was committed seconds ago."""

    def __init__(self, violated: Violations) -> None:
        self._violated = violated
        self.looks = 0
        self.behind = 0

    def see(self, *, committed: int, applied: int, state: str, lag: float | None) -> None:
        """Take how far the source was, then what the stream said, then how far the target is."""
        self.looks += 1
        if applied >= committed:
            return
        self.behind += 1
        if state == "active" and lag == 0:
            self._violated(f"the lag is told as 0, and {committed - applied} changes are missing")


class Forward:
    """The state document only moves forward, as a majority sees it."""

    def __init__(self, violated: Violations) -> None:
        self._violated = violated
        self._last: Document | None = None
        self.looks = 0

    def forget(self) -> None:
        """Take the next state as it is: an operator has set the position."""
        self._last = None

    def see(self, state: Document) -> None:
        """Take the state document as it is now."""
        self.looks += 1
        last, self._last = self._last, state
        if last is None:
            return
        for name in ("epoch", "sequence"):
            if state[name] < last[name]:
                self._violated(f"{name} went back from {last[name]} to {state[name]}")
        if not holds(state["position"], last["position"]):
            self._violated(f"the position {state['position']} lacks what {last['position']} had")


def holds(position: Document, earlier: Document) -> bool:
    """Return whether a saved position holds all of an earlier one."""
    if "gtid" in position:
        return set(expanded(earlier["gtid"])) <= set(expanded(position["gtid"]))
    if "mariadb_gtid" in position:
        now, before = sequences(position["mariadb_gtid"]), sequences(earlier["mariadb_gtid"])
        return all(now.get(domain, 0) >= number for domain, number in before.items())
    return bool((position["file"], position["offset"]) >= (earlier["file"], earlier["offset"]))


def compare_ledger(
    applied: Iterable[str],
    committed: Iterable[str],
    violated: Violations,
    *,
    repeated: bool = False,
) -> int:
    """Require each committed transaction to be applied once; return how many there are.

    `repeated` is the promise of a target without transactions: once, or more often.
    """
    counted, wanted = Counter(applied), set(committed)
    if lost := wanted - counted.keys():
        violated(f"{len(lost)} transactions were lost, such as {sorted(lost)[:3]}")
    if foreign := counted.keys() - wanted:
        violated(
            f"{len(foreign)} transactions that nobody committed, such as {sorted(foreign)[:3]}"
        )
    doubled = [each for each, count in counted.items() if count > 1]
    if doubled and not repeated:
        violated(f"{len(doubled)} transactions were applied twice, such as {sorted(doubled)[:3]}")
    return len(wanted)


def compare_rows(
    table: str,
    rows: Mapping[Any, Document],
    documents: Mapping[Any, Document],
    violated: Violations,
) -> int:
    """Require the documents of a table to be its rows; return how many there are."""
    wrong = [key for key in {*rows, *documents} if rows.get(key) != documents.get(key)]
    if wrong:
        shown = [(key, rows.get(key), documents.get(key)) for key in sorted(wrong, key=str)[:3]]
        violated(f"{table}: {len(wrong)} of {len(rows)} rows differ, such as {shown}"[:TOLD])
    return len(rows)


def compare_foreign(
    kept: Iterable[Document], found: Iterable[Document], violated: Violations
) -> None:
    """Require the documents of somebody else to be as they were."""
    wanted, there = ({str(each["_id"]): each for each in them} for them in (kept, found))
    wrong = sorted(key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key))
    if wrong:
        violated(f"{len(wrong)} documents of somebody else are not as they were: {wrong[:3]}")


def compare_history(
    versions: Mapping[Any, int], changes: Iterable[Document], violated: Violations
) -> None:
    """Require that each step of each counter, from 0 to its version, is told once, in order."""
    steps: dict[Any, list[tuple[int, int]]] = {key: [] for key in versions}
    for each in sorted(changes, key=lambda change: (change["number"], change["_id"]["row"])):
        if each["before"] is not None:
            steps[each["keys"][0]].append((each["before"]["version"], each["after"]["version"]))
    for key, version in versions.items():
        wanted = [(number, number + 1) for number in range(version)]
        if steps[key] != wanted:
            odd = next(
                (found, step) for found, step in zip_longest(steps[key], wanted) if found != step
            )
            violated(f"the history of counter {key} has {odd[0]} instead of {odd[1]}")


def judge_index(name: str, there: Iterable[str], violated: Violations) -> None:
    """Require an index that a mapping asks for to be there again, whoever died as it was built."""
    if name not in (found := [*there]):
        violated(f"the index {name} is missing; there are {found}")


def judge_end(code: int, log: Iterable[Document], text: str, violated: Violations) -> None:
    """Judge how a daemon has ended: a traceback is a failure, and so is any code but two.

    The ledger takes each transaction once: what is refused there was applied before. A daemon that
    has said nothing yet could not know that it was asked to stop.
    """
    if code == -signal.SIGTERM and not text:
        return
    if found := re.search(rf"^{TWICE}(.*)", text, re.MULTILINE):
        violated(f"a transaction was applied twice: {found[1]}")
    if "Traceback (most recent call last)" in text:
        violated(f"a traceback in a daemon's log:\n{text[text.index('Traceback') :][:2000]}")
    if code not in EXPECTED_ENDS:
        told = [each for each in log if each.get("event") in ("stopped", "unexpected_error")]
        violated(f"a daemon ended with {code}: {told[-1:] or text[-1000:]}")


def judge_memory(peak_megabytes: float, ceiling_megabytes: float, violated: Violations) -> None:
    """Require a daemon to have stayed below a ceiling."""
    if peak_megabytes > ceiling_megabytes:
        violated(f"a daemon took {peak_megabytes:.0f} MB; {ceiling_megabytes:.0f} are the limit")


def judge_rest(status: Document, violated: Violations) -> None:
    """Judge what a stream tells of itself once it has caught up and all is quiet."""
    told = {name: status[name] for name in ("state", "lag_seconds", "bytes_behind")}
    if told != {"state": "active", "lag_seconds": 0, "bytes_behind": 0}:
        violated(f"at rest the status tells {told}")
