"""A primary and a replica of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdc_sandbox.servers import Flavour, MySQLServer, mysql_server
from tests.support.dialect import change_source, forget_source, start_replica, stop_replica
from tests.support.unsynced import UNSYNCED
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Pair:
    """A primary and its replica; the options of both are the same."""

    primary: MySQLServer
    replica: MySQLServer

    def replicated(self) -> None:
        """Wait until the replica has all that the primary has committed."""
        eventually(lambda: executed(self.replica) == executed(self.primary))

    def detach(self) -> None:
        self.replica.execute(stop_replica(self.replica))

    def promote(self) -> None:
        """Make the replica a server of its own."""
        self.detach()
        self.replica.execute(forget_source(self.replica))

    def attach(self) -> None:
        self.replica.execute(start_replica(self.replica))
        self.replicated()


def executed(server: MySQLServer) -> str:
    name = "gtid_binlog_pos" if server.flavour == "mariadb" else "gtid_executed"
    return str(server.execute(f"SELECT @@GLOBAL.{name}")[0][0]).replace("\n", "")


def follow(primary: MySQLServer, replica: MySQLServer) -> None:
    """Make one server a replica of another one, from its first transaction on."""
    if primary.flavour == "mariadb":
        replica.execute("SET GLOBAL gtid_slave_pos = ''")
    replica.execute(change_source(replica, primary))
    replica.execute(start_replica(replica))


def become_replica(old: MySQLServer, primary: MySQLServer) -> None:
    """Make a former primary, which lacks nothing and has nothing of its own, a replica."""
    if old.flavour == "mariadb":
        old.execute("SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos")
    old.execute(change_source(old, primary))


@contextmanager
def pair(
    flavour: Flavour,
    *,
    options: Sequence[str] = UNSYNCED,
    prefix: Sequence[str] = (),
    data_dirs: Sequence[Path | None] = (None, None),
) -> Iterator[Pair]:
    """Start a primary and its replica, and kill both at the end; the rest as of mysql_server."""
    options = [*options, "--relay-log-recovery=ON"]  # else a replica that crashed cannot read on
    options += ["--log-slave-updates"] if flavour == "mariadb" else []
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                mysql_server(flavour, options=options, prefix=prefix, data_dir=data_dir)
            )
            for data_dir in data_dirs
        ]
        follow(*servers)
        yield Pair(*servers)
        for server in servers:
            server.kill()
