"""Threads that look at the target all the time, around every proxy."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from tests.end_to_end.support.bank import amounts
from tests.faults.checkers import (
    Forward,
    HonestLag,
    NeverBack,
    WholeOrders,
    WholeTransactions,
)
from tests.faults.stage import Stage
from tests.faults.threads import Threads
from tests.faults.topology import STANDALONE
from tests.faults.workload import AWAY

PAUSE_SECONDS: Final = 0.05
ORDERS_SECONDS: Final = 0.2
"""The pause between two looks at all orders and their lines, which are some hundred documents."""
SNAPSHOT: Final = ReadConcern("snapshot")

PROVED_WITHIN_SECONDS: Final = 2.0
"""Longer than a proof counts that nothing more is to be read: one and a half heartbeats."""


class Watchers:
    """One thread a look; a target that is away is looked at again."""

    def __init__(
        self,
        stage: Stage,
        whole: WholeTransactions,
        whole_orders: WholeOrders,
        never_back: NeverBack,
        forward: Forward,
        honest: HonestLag,
    ) -> None:
        stream, client = stage.stream, stage.client
        self._stage = stage
        self._database = client[stream.database.name]
        self._streams = client[stream.state.name].get_collection(
            "streams", read_concern=ReadConcern("majority")
        )
        # A new primary may not know yet how far a majority was: a session waits until it does.
        has_majority = stage.topology.members != STANDALONE
        self._session = client.start_session(causal_consistency=True) if has_majority else None
        self._client = client
        self._name = stream.name
        self._whole, self._never_back, self._forward = whole, never_back, forward
        self._honest, self._whole_orders = honest, whole_orders
        self._stopping = threading.Event()
        self._resume_after: Any = None
        looks = [self._state, self._lag]
        if stage.topology.members != STANDALONE:  # which shows neither snapshots nor changes
            looks += [self._snapshot, self._orders, self._changes]
        self._turns = {look: threading.Lock() for look in looks}
        self._away = threading.Event()
        self.threads = Threads((partial(self._again, each) for each in looks), self._stopping)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Have nobody look: the target is what the source has been, until it is resynced."""
        self._away.set()
        with ExitStack() as stack:
            for each in self._turns.values():
                stack.enter_context(each)
            yield
            self._never_back.forget()
            self._forward.forget()
            self._resume_after = None
            self._away.clear()

    def _again(self, look: Callable[[], None]) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            with self._turns[look]:
                try:
                    look()
                except (PyMongoError, *AWAY, ValueError):
                    self._stopping.wait(0.2)

    def _snapshot(self) -> None:
        self._whole.see(amounts(self._client, self._database.name))

    def _orders(self) -> None:
        with self._client.start_session() as session, session.start_transaction(SNAPSHOT):
            orders, lines = (
                [*self._database[name].find(session=session)] for name in ("orders", "order_lines")
            )
        self._whole_orders.see(orders, lines)
        self._stopping.wait(ORDERS_SECONDS)

    def _changes(self) -> None:
        with self._database["counters"].watch(
            full_document="updateLookup", resume_after=self._resume_after, max_await_time_ms=200
        ) as changes:
            while not self._stopping.is_set() and not self._away.is_set():
                change = changes.try_next()
                self._resume_after = changes.resume_token
                if change is not None and change.get("fullDocument"):
                    document = change["fullDocument"]
                    self._never_back.see(document["_id"], int(document["version"]))

    def _lag(self) -> None:
        """Look at the source, later at what the stream says, and last at the target."""
        followed, schema = self._stage.followed, self._stage.stream.schema
        with followed.connect(schema) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT SUM(version) FROM counters")
            [(committed,)] = cursor.fetchall()
        self._stopping.wait(PROVED_WITHIN_SECONDS)
        with urllib.request.urlopen(f"http://{self._stage.listen}/status", timeout=20) as answer:
            told = json.load(answer)
        counters = self._database.get_collection("counters", read_concern=ReadConcern("local"))
        if self._stage.followed is not followed:
            return  # a replica that lags: no stream can know what it lacks
        applied = sum(int(each["version"]) for each in counters.find())
        self._honest.see(
            committed=int(committed),
            applied=applied,
            state=told["state"],
            lag=told["lag_seconds"],
        )

    def _state(self) -> None:
        state = self._streams.find_one({"_id": self._name}, session=self._session)
        if state is not None and state["position"] is not None:
            self._forward.see(state)
        self._stopping.wait(0.2)
