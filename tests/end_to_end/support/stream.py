from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import History
from tests.support.faults import FAULT, LEDGER
from tests.support.waiting import eventually

Document = dict[str, Any]
LEDGER_NAME = "ledger"


def hashable(key: Any) -> Any:
    """An `_id`; the values of a compound one."""
    return tuple(key.values()) if isinstance(key, dict) else key


class Stream:
    """A stream of its own: schema, target database, state database, files and daemons."""

    def __init__(
        self,
        source: MySQLServer,
        mongo: MongoServer,
        client: MongoClient[Document],
        history: History,
        *,
        schema: str,
        folder: Path,
    ) -> None:
        self.source = source
        self.mongo = mongo
        self.client = client
        self.history = history
        self.schema = schema
        self.name = schema
        self.database = client[f"{schema}_docs"]
        self.state = client[f"{schema}_state"]
        self.daemons: list[Daemon] = []
        self.tables: list[str] = []
        self.environment: dict[str, str] = {}
        """What every daemon has in its environment, beside what `start` is given."""
        self._folder = folder
        self._numbers = count()
        self._starting = threading.Lock()
        """Several threads may start daemons."""
        self.settings: Document = {
            "name": self.name,
            "source": {
                "host": source.host,
                "port": source.port,
                "user": source.user,
                "password": source.password,
                "tls": "off",
                "heartbeat_seconds": 0.5,
            },
            "target": {
                "uri": mongo.uri,
                "database": self.database.name,
                "state_database": self.state.name,
            },
            "mappings": ["mappings/*.yaml"],
            "start": history.start,
            "apply": {},
            "http": {"listen": "off"},
            "log": {"format": "json", "level": "debug"},
        }
        (folder / "mappings").mkdir()

    # -- the source's side

    def table(self, name: str, columns: str, mapping: Mapping[str, Any] | None = None) -> None:
        """Create a table and follow it; its first column is the key."""
        self.sql(
            f"CREATE TABLE {name} ({columns})"
            " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        )
        self.follow(name, mapping)

    def follow(self, name: str, mapping: Mapping[str, Any] | None = None) -> None:
        self.map(name, mapping)
        self.tables.append(name)

    def map(self, name: str, mapping: Mapping[str, Any] | None = None) -> None:
        """Write a mapping of what is judged elsewhere."""
        document = {"source": f"{self.schema}.{name}", "target": name, **(mapping or {})}
        (self._folder / "mappings" / f"{name}.yaml").write_text(json.dumps(document))

    def sql(self, *statements: str) -> None:
        """Run statements one after the other on one connection, each its own transaction."""
        with self.source.connect(self.schema) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def transaction(self, *statements: str, end: str = "COMMIT") -> None:
        self.sql("BEGIN", *statements, end)

    def rows(self, table: str, key_columns: int = 1) -> dict[Any, Document]:
        """The table's rows by the value of their first column, or by those of their first ones."""
        with self.source.connect(self.schema) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description or ()][key_columns:]
            return {
                row[0] if key_columns == 1 else row[:key_columns]: dict(
                    zip(names, row[key_columns:], strict=True)
                )
                for row in cursor.fetchall()
            }

    # -- the target's side

    def documents(self, collection: str) -> dict[Any, Document]:
        """A collection's documents by `_id`, a compound one as its values."""
        return {
            hashable(document.pop("_id")): document for document in self.database[collection].find()
        }

    def ledger(self) -> list[str]:
        entries = self.state[LEDGER_NAME].find()
        return [str(entry.get("identity", entry["_id"])) for entry in entries]

    def state_document(self) -> Document | None:
        return self.state["streams"].find_one({"_id": self.name})

    # -- the daemon

    @property
    def config(self) -> Path:
        return self._folder / "cdc.yaml"

    @property
    def daemon(self) -> Daemon:
        """The latest one."""
        return self.daemons[-1]

    def configure(self) -> None:
        """Write the configuration, for commands before any daemon."""
        whole = self.config.with_suffix(".part")
        whole.write_text(json.dumps(self.settings))
        whole.rename(self.config)  # a daemon that is just starting may be reading it

    def start(
        self,
        *options: str,
        fault: str = "",
        ledger: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Daemon:
        with self._starting:
            self.configure()
            number = next(self._numbers)
        environment = {**self.environment, **(environment or {})}
        if fault:
            environment[FAULT] = fault
        if ledger:
            environment[LEDGER] = LEDGER_NAME
        log = self._folder / f"daemon-{number}.log"
        started = Daemon(self.config, log, environment, *options)
        self.daemons.append(started)
        return started

    def until_streaming(self) -> None:
        self.daemon.until_logged("source_connected")

    def caught_up(self) -> bool:
        """Whether the checkpoint covers all that the source has committed."""
        state = self.state_document()
        if state and not state["inflight"] and self.history.reached(state["position"]):
            return True
        self.daemon.check_alive(waiting_for=f"{self.name} to catch up")
        return False

    def until_caught_up(self) -> None:
        eventually(self.caught_up, waiting_for=f"{self.name} to catch up")

    def stop(self) -> None:
        """End the daemon as an operator does."""
        self.daemon.until_logged("streaming")
        assert self.daemon.stop() == 0, self.daemon.stderr

    def stop_copying(self) -> None:
        """End a daemon whose workers make the first copy, and these with it."""
        assert self.daemon.stop() == 0, self.daemon.stderr

    def mongo_refuses(self, collection: str, validator: Document) -> None:
        """Have the target refuse documents of a collection that do not match a validator."""
        if collection not in self.database.list_collection_names():
            self.database.create_collection(collection)
        self.database.command({"collMod": collection, "validator": validator})

    def restart(self) -> Daemon:
        self.stop()
        return self.start()

    # -- the judgement

    def assert_equal(self) -> None:
        """Require that both sides are equal, and each transaction was applied exactly once."""
        self.assert_same_content()
        assert sorted(self.ledger()) == sorted(self.history.committed())

    def assert_same_content(self) -> None:
        for table in self.tables:
            assert self.documents(table) == self.rows(table), table

    def settle(self) -> None:
        """Catch up, then judge."""
        self.until_caught_up()
        self.assert_equal()

    def close(self) -> None:
        for daemon in self.daemons:
            if daemon.running:
                daemon.kill()

    def drop(self) -> None:
        # A daemon that was killed inside a transaction leaves it open, for a minute, in the way.
        self.client.admin.command("killAllSessions", [])
        self.client.drop_database(self.database.name)
        self.client.drop_database(self.state.name)
        self.source.execute(f"DROP DATABASE IF EXISTS `{self.schema}`")

    def proxied_target(self, port: int) -> None:
        """Reach the target through a proxy on this port of the loopback."""
        self.settings["target"]["uri"] = f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def named_hosts(self, *hosts: MySQLServer | str) -> None:
        """Name these hosts instead of the one, in their order."""
        source = self.settings["source"]
        source.pop("host", None), source.pop("port", None)
        source["hosts"] = [
            each if isinstance(each, str) else f"{each.host}:{each.port}" for each in hosts
        ]

    def proxied_source(self, port: int) -> None:
        self.settings["source"]["port"] = port
