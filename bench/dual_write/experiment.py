"""Measures what dual writes, and cdc, lose when processes die.

An application writes, edits and deletes tweets, and dies by SIGKILL many times. Either it writes
everything twice, to MySQL and then to MongoDB. Or it writes to MySQL only, and cdc, killed as
often, does the rest. In the end rows and documents are compared, by code that shares nothing with
`cdc.mapping`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from random import Random

from bench import replication
from bench.dual_write.application import AUTHOR_ID, Life, Running, Second
from bench.replication import Client
from bench.report import Figure, Table
from bench.stage import Configured, Stage
from cdc_sandbox.demo.comparison import TABLES, TableComparison, compare_table
from cdc_sandbox.demo.daemon import Daemon

BETWEEN = "dual write, killed between the two"
ANY_MOMENT = "dual write, killed at any moment"
REPLICATED = "single write and cdc, both killed"

_MOST_WRITES = 30
_LONGEST_SECONDS = 0.15
_POLL_SECONDS = 0.01
_AUTHOR = (
    "REPLACE INTO twitter.users (id, screen_name, name, password, role, followers_count,"
    " friends_count, statuses_count, verified, created_at, updated_at)"
    f" VALUES ({AUTHOR_ID}, 'author', 'Author', '!', 'member', 0, 0, 0, 0, NOW(6), NOW(6))"
)
_QUERIES = (
    "SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE id <> CONNECTION_ID() AND command = 'Query'"
)


@dataclass(frozen=True, slots=True)
class Experiment:
    """Kills processes so many times; the seed decides what they write, and when they die."""

    stage: Stage
    client: Client
    kills: int
    seed: int

    def run(self) -> Table:
        """Try each way on tables that are empty at first."""
        table = Table(f"what {self.kills} kills cost, seed {self.seed}")
        table.rows = [
            self._dual_writes(BETWEEN, between=True),
            self._dual_writes(ANY_MOMENT, between=False),
            self._replicated(REPLICATED),
        ]
        return table

    def _dual_writes(self, name: str, *, between: bool) -> dict[str, Figure]:
        self._begin(name)
        database = f"dual_write_{self.stage.number()}"
        moments, writes = Random(self.seed), 0
        for life in self._lives(Second(self.stage.target.uri, database), between=between):
            application = Running(life)
            application.wait(None if between else moments.uniform(0, _LONGEST_SECONDS))
            writes += application.kill()
        self._until_quiet(database)
        return self._row(name, writes, database)

    def _replicated(self, name: str) -> dict[str, Figure]:
        """Kill the application behind its commits, and the daemon at any moment."""
        self._begin(name)
        names = self.stage.configure(start=self.stage.executed(), apply={}, as_shipped=True)
        self.stage.source.execute(_AUTHOR)  # within the stream: the tweets embed its names
        moments, writes = Random(self.seed), 0
        for life in self._lives(None, between=True):
            with closing(Daemon(names.path.parent)) as daemon:
                daemon.start()
                self._until_caught_up(names, daemon)
                application = Running(life)
                application.wait(moments.uniform(0, _LONGEST_SECONDS))
                daemon.kill()
            application.wait()
            writes += application.kill()
        with replication.running(self.stage, names) as daemon:
            self._until_caught_up(names, daemon)
        return self._row(name, writes, names.database)

    def _begin(self, name: str) -> None:
        self.stage.say(name)
        for statement in ("TRUNCATE TABLE twitter.tweets", _AUTHOR):
            self.stage.source.execute(statement)

    def _lives(self, second: Second | None, *, between: bool) -> Iterator[Life]:
        numbers = Random(self.seed)
        for number in range(1, self.kills + 1):
            dies_after = numbers.randint(1, _MOST_WRITES) if between else None
            yield Life(number, self.seed, self.stage.login(), second, dies_after)

    def _until_caught_up(self, names: Configured, daemon: Daemon) -> None:
        """Wait until this daemon writes, and until it has written everything."""
        streams = self.client[names.state_database]["streams"]
        while not streams.count_documents({"_id": names.stream, "owner.pid": daemon.pid}):
            daemon.check()
            time.sleep(_POLL_SECONDS)
        replication.wait_for(self.stage.executed(), names, self.client, daemon)

    def _until_quiet(self, database: str) -> None:
        """Wait until both servers have finished the requests of dead processes."""
        working = {"currentOp": 1, "ns": f"{database}.tweets"}
        while (
            self.stage.source.execute(_QUERIES) != [(0,)]
            or self.client.admin.command(working)["inprog"]
        ):
            time.sleep(_POLL_SECONDS)

    def _row(self, name: str, writes: int, database: str) -> dict[str, Figure]:
        found = self._compare(database)
        return {
            "way": name,
            "writes": writes,
            "rows": found.rows,
            "missing": found.missing,
            "extra": found.extra,
            "different": found.different,
        }

    def _compare(self, database: str) -> TableComparison:
        [tweets] = [each for each in TABLES if each.name == "tweets"]
        with closing(self.stage.source.connect(autocommit=False)) as connection:
            return compare_table(connection, self.client[database]["tweets"], tweets)


def lost(table: Table, way: str) -> int:
    """Return the number of documents that differ from their rows."""
    [row] = [each for each in table.rows if each["way"] == way]
    return sum(int(row[kind] or 0) for kind in ("missing", "extra", "different"))
