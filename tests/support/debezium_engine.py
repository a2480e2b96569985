"""A real Debezium, embedded in a program of its own, that follows a MySQL server."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from cdc.errors import Unfit
from cdc_sandbox.servers import MySQLServer
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.java import java_command
from tests.support.jars import jars_of
from tests.support.waiting import DEADLINE_SECONDS, eventually

VERSION: Final = "3.6.1.Final"
_COORDINATES: Final = [
    f"io.debezium:debezium-{name}:{VERSION}" for name in ("api", "embedded", "connector-mysql")
]
_PROGRAM: Final = Path(__file__).with_name("DebeziumRunner.java")


class Record(NamedTuple):
    """What it would send to a topic."""

    topic: str
    key: Any
    value: Any


class Debezium:
    """A running engine; `records` are those that came so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.records: list[Record] = []
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, topic: str, key: Any) -> None:
        """Wait for a record."""
        eventually(lambda: self.has(topic, key), DEADLINE_SECONDS, waiting_for=f"{topic} {key}")

    def has(self, topic: str, key: Any) -> bool:
        return any(each.key == key for each in self.of(topic))

    def of(self, topic: str) -> list[Record]:
        """Return the records of a topic that have come so far."""
        while not self._lines.empty():
            found, one, value = self._lines.get().rstrip("\n").split("\t")
            self.records.append(Record(found, _read_json(one), _read_json(value)))
        return [each for each in self.records if each.topic == topic]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)


def _read_json(text: str) -> Any:
    return None if text in ("", "null") else json.loads(text)


@contextmanager
def debezium(source: MySQLServer, folder: Path, *, name: str, schema: str) -> Iterator[Debezium]:
    """Follow a schema from now on, by the defaults but for schemas in messages.

    What is inserted into its table `signals` has it read tables, for example.
    Raises Unfit where Maven, a Java compiler or Debezium cannot be had.
    """
    if shutil.which("javac") is None:
        raise Unfit("Debezium's engine is started by a program in Java, and there is no javac")
    jars = jars_of("debezium", VERSION, _COORDINATES)
    settings = {
        "name": name,
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
        "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
        "schema.history.internal.file.filename": str(folder / "history"),
        "topic.prefix": name,
        "database.hostname": source.host,
        "database.port": source.port,
        "database.user": source.user,
        "database.password": source.password,
        "database.server.id": 85744,
        "database.ssl.mode": "disabled",
        "driver.allowPublicKeyRetrieval": "true",
        "database.include.list": schema,
        "snapshot.mode": "no_data",
        "signal.data.collection": f"{schema}.signals",
        "include.schema.changes": "false",
        "provide.transaction.metadata": "true",
        "skipped.operations": "none",
        "converter.schemas.enable": "false",
    }
    properties = folder / "engine.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    command = [
        *java_command(Cache.of_user()),
        "-Xmx512m",
        "-cp",
        f"{jars}/*",
        str(_PROGRAM),
        str(properties),
    ]
    with (
        (folder / "engine.log").open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield Debezium(process)
        finally:
            process.kill()
