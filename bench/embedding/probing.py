"""A row each tenth of a second, and when a majority shows its document: the stream's lag."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from pymongo.read_concern import ReadConcern

from bench.latency import latencies
from bench.observing import GIVEN_UP_AFTER_SECONDS, Committed, Seen
from bench.replication import Client
from bench.stage import Document, Stage

INTERVAL_SECONDS = 0.1
POLL_SECONDS = 0.005
TABLE = "twitter.probes"
COLLECTION = "probes"
MAPPING: Document = {"source": TABLE, "target": COLLECTION}
IDS_APART = 1_000_000


def create(stage: Stage) -> None:
    """Create the table."""
    stage.source.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (id BIGINT PRIMARY KEY)")


@dataclass(slots=True)
class Probe:
    """The rows that were written, and the looks at the collection; ids count from `first_id`."""

    stage: Stage
    client: Client
    database: str
    first_id: int
    committed: list[Committed] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    stop: Event = field(default_factory=Event)
    last_id: int | None = None
    """The last row's, once none follows."""

    @property
    def lags(self) -> list[float]:
        """The seconds from each commit until its document was seen."""
        return latencies(self.committed, self.seen)

    def write(self) -> None:
        """Commit a row each tenth of a second until it is enough."""
        number = self.first_id
        with closing(self.stage.source.connect()) as connection, connection.cursor() as cursor:
            while not self.committed or not self.stop.wait(INTERVAL_SECONDS):
                number += 1
                cursor.execute(f"INSERT INTO {TABLE} VALUES ({number})")
                self.committed.append(Committed(number, time.monotonic()))
        self.last_id = number

    def watch(self) -> None:
        """Look for the newest document until it is that of the last row."""
        documents = self.client[self.database].get_collection(
            COLLECTION, read_concern=ReadConcern("majority")
        )
        deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
        while time.monotonic() < deadline:
            newest = documents.find_one({}, {"_id": True}, sort=[("_id", -1)])
            if newest is not None:
                self.seen.append(Seen(int(newest["_id"]), time.monotonic()))
                if newest["_id"] == self.last_id:
                    return
            time.sleep(POLL_SECONDS)


@contextmanager
def probing(stage: Stage, client: Client, database: str) -> Iterator[Probe]:
    """Write and watch while the block runs; the lags are known once it has ended."""
    probe = Probe(stage, client, database, stage.number() * IDS_APART)
    threads = [Thread(target=work, daemon=True) for work in (probe.write, probe.watch)]
    for thread in threads:
        thread.start()
    try:
        yield probe
    finally:
        probe.stop.set()
        for thread in threads:
            thread.join()
