"""All that the demo plays on: both servers, the tables, the configuration and the daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from cdc_sandbox.demo import schema
from cdc_sandbox.demo.connections import Connection, Database
from cdc_sandbox.demo.daemon import Daemon
from cdc_sandbox.demo.folder import write_configuration
from cdc_sandbox.demo.portal import Portal, is_there, mappings
from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer, mongo_server, mysql_server
from cdc_sandbox.servers.ports import LOOPBACK, free_port

SERVER_NAMES: dict[Flavour, str] = {"mysql": "MySQL", "mariadb": "MariaDB"}


@dataclass(frozen=True, slots=True)
class Stage:
    """Servers that run, with the demo's tables in the source; the daemon is not started yet."""

    source: MySQLServer
    target: MongoServer
    connection: Connection
    database: Database
    daemon: Daemon
    portal: Portal | None  # where this installation has one

    @property
    def source_name(self) -> str:
        """Return what people call the source."""
        return SERVER_NAMES[self.source.flavour]


@contextmanager
def stage(flavour: Flavour, *, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set the stage; everything is stopped and removed when the block ends."""
    say(f"starting {SERVER_NAMES[flavour]} and MongoDB; what is missing is downloaded once")
    with (
        tempfile.TemporaryDirectory(prefix="cdc-demo-", ignore_cleanup_errors=True) as name,
        mysql_server(flavour) as source,
        mongo_server() as target,
        closing(source.connect(autocommit=False)) as connection,
        target.client(readConcernLevel="majority") as client,
    ):
        say(f"{SERVER_NAMES[flavour]} {source.version} on {source.host}:{source.port}")
        say(f"MongoDB {target.version} on {target.host}:{target.port}, a replica set of one member")
        listen = f"{LOOPBACK}:{free_port()}"  # the usual one is for one's own daemon
        portal = _portal(Path(name), source, target, listen)
        if portal is None:
            schema.create(connection)
        else:
            schema.create_database(connection)
            say("making the portal's tables")
            portal.migrate()
        more_mappings = mappings() if portal else []
        write_configuration(Path(name), source, target, more_mappings=more_mappings, listen=listen)
        with closing(Daemon(Path(name))) as daemon, closing(portal) if portal else nullcontext():
            yield Stage(source, target, connection, client[schema.SCHEMA], daemon, portal)


def _portal(folder: Path, source: MySQLServer, target: MongoServer, listen: str) -> Portal | None:
    if not is_there():
        return None
    return Portal(folder, source, target, status_url=f"http://{listen}/status")
