"""The servers that a run measures on, and the configuration that points `cdc run` at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from cdc.config import yaml12
from cdc.errors import CdcError
from cdc_sandbox.demo import schema
from cdc_sandbox.demo.folder import MAPPINGS, shipped_mappings, write_configuration
from cdc_sandbox.servers import (
    MongoServer,
    MySQLServer,
    kafka_server,
    mongo_server,
    mysql_server,
)

RELAXED = ("SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
DURABLE = ("SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1")

Say = Callable[[str], None]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Login:
    """Where the source is and who reads it."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A source with the demo's tables, a target, and how large the run is to be."""

    source: MySQLServer
    target: MongoServer
    folder: Path
    rows: int
    repeats: int
    say: Say
    _numbers: Iterator[int]

    def number(self) -> int:
        """Return a number that names one thing of this run: a database, a range of ids."""
        return next(self._numbers)

    def login(self) -> Login:
        """Return the login with which other processes reach the source."""
        source = self.source
        return Login(source.host, source.port, source.user, source.password)

    def executed(self) -> str:
        """Return the source's GTID set."""
        return str(self.source.execute("SELECT @@GLOBAL.gtid_executed")[0][0]).replace("\n", "")

    def configure(
        self,
        *,
        start: str | None,
        apply: dict[str, object],
        chunks: Mapping[str, object] | None = None,
        as_shipped: bool = False,
        mappings: Mapping[str, Document] | None = None,
        publish: Mapping[str, object] | None = None,
    ) -> Configured:
        """Write a configuration with a target of its own.

        It starts behind the GTID set `start`, or with a backfill if there is none. Unless the
        mappings are to be `as_shipped`, they ask for what the baselines do: no index, no stamp, and
        nothing embedded. `mappings` are others in their place, by their names.
        """
        number = self.number()
        folder = self.folder / f"run-{number}"
        folder.mkdir()
        path = write_configuration(folder, self.source, self.target, listen="off")
        if mappings is None and not as_shipped:
            mappings = shipped(without=("embed", "indexes", "stamp"))
        if mappings is not None:
            _write(mappings, folder / "mappings")
        settings = yaml.safe_load(path.read_text())
        names = Configured(path, f"bench_{number}", f"bench_state_{number}", f"bench-{number}")
        settings["name"] = names.stream
        settings["target"] |= {"database": names.database, "state_database": names.state_database}
        settings |= {"start": {"gtid": start} if start else "backfill", "apply": apply}
        settings |= {"chunks": dict(chunks)} if chunks else {}
        settings |= {"publish": dict(publish)} if publish else {}
        path.write_text(yaml.safe_dump(settings))
        return names


@contextmanager
def broker() -> Iterator[str | None]:
    """Run a Kafka of one broker, and yield its address; None if none is to be had."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(kafka_server()).uri
        except CdcError:
            address = None
        yield address


def shipped(*, without: Sequence[str]) -> dict[str, Document]:
    """Return the shipped mappings without some of their keys, by their names."""
    read = {name: yaml12.read(shipped_mappings() / name).data for name in MAPPINGS}
    return {
        name.removesuffix(".yaml"): {
            key: value for key, value in mapping.items() if key not in without
        }
        for name, mapping in read.items()
    }


def _write(mappings: Mapping[str, Document], folder: Path) -> None:
    """Write mappings in place of those that are there."""
    for file in folder.iterdir():
        file.unlink()
    for name, mapping in mappings.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))


@dataclass(frozen=True, slots=True)
class Configured:
    """A configuration's file and the names in it."""

    path: Path
    database: str
    state_database: str
    stream: str


@contextmanager
def stage(*, rows: int = 0, repeats: int = 1, say: Say) -> Iterator[Stage]:
    """Start both servers, empty; they are gone when the block ends."""
    with (
        TemporaryDirectory(prefix="cdc-bench-", ignore_cleanup_errors=True) as name,
        mysql_server("mysql") as source,
        mongo_server() as target,
    ):
        say(f"MySQL {source.version}, MongoDB {target.version}")
        with closing(source.connect(autocommit=False)) as connection:
            schema.create(connection)
        yield Stage(source, target, Path(name), rows, repeats, say, count(1))
