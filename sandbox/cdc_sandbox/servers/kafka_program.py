"""Kafka from its jars: fetched once, checked by their sums, and given a formatted data folder."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from cdc_sandbox.servers import maven
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.java import java_command
from cdc_sandbox.servers.kafka import kafka_settings, require_client
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.sql_program import run_once
from cdc_sandbox.servers.versions import KNOWN, Jars, Version

_OPTIONS: Final = (
    "-Xmx256m",
    # A broker of a test lives for seconds: the quick compiler is enough for it, and starts sooner.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
)
_LOGGING: Final = """\
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n%throwable
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """The Kafka of the cache, ready to run."""

    jars: Path
    java: tuple[str, ...]
    version: str

    def prepare(
        self, folder: Path, *, cluster: str, node: int, ports: Sequence[tuple[int, int]]
    ) -> list[str]:
        """Make `folder` an empty broker's, one of `len(ports)`; return the command that runs it.

        `cluster` is its cluster's name, of new_cluster; `ports` as of kafka_settings.
        """
        folder.mkdir(parents=True)
        settings = kafka_settings(node=node, ports=ports, host=LOOPBACK)
        lines = (settings | {"log.dirs": str(folder / "data")}).items()
        properties = folder / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in lines))
        (folder / "log4j2.properties").write_text(_LOGGING)
        arguments = ("format", f"--cluster-id={cluster}", f"--config={properties}")
        run_once(self._command(folder, "kafka.tools.StorageTool", *arguments))
        return self._command(folder, "kafka.Kafka", str(properties))

    def _command(self, folder: Path, program: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
        path = f"{self.jars}/*"
        return [*self.java, *_OPTIONS, logging, "-cp", path, program, *arguments]


def new_cluster() -> str:
    """Return the name of a new cluster, as Kafka wants it: 16 bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def require(version: Version, cache: Cache) -> None:
    """Raise Unfit where a Kafka can be neither asked nor, unless it was before, fetched."""
    require_client()
    if cache.newest(version.kind) is None:
        maven.require(_coordinates(version)[0])


def installed(version: Version, cache: Cache) -> Kafka:
    """Return a Kafka; the first time it is fetched. Unfit says what this machine lacks for it."""
    require(version, cache)
    built = cache.obtain(version.kind, lambda folder: _build(version, cache, folder))
    return Kafka(built.folder / "jars", tuple(java_command(cache)), built.version)


def _build(version: Version, cache: Cache, folder: Path) -> str:
    told = number(version)
    jars = folder / "jars"
    jars.mkdir()
    with cache.locked("maven"):  # whose own repository is made for one at a time
        maven.copy_all(_coordinates(version), jars)
    sums = resources.files("cdc_sandbox.servers") / "jars" / f"kafka-{told}.sha256"
    maven.check(jars, maven.read_sums(sums.read_text()))
    return told


def _coordinates(version: Version) -> tuple[str, ...]:
    assert isinstance(version.origin, Jars)
    return version.origin.coordinates


def number(version: Version) -> str:
    """Return what the version really is, also of the default, which has no number."""
    same = (it.number for it in KNOWN if it.origin == version.origin)
    return version.number or next(same)
