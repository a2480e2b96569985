"""Container images of the servers, and what each is started with."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdc_sandbox.servers import mariadbd, mysqld
from cdc_sandbox.servers.kafka import kafka_settings
from cdc_sandbox.servers.mongo import mongod_options, with_options
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.versions import Flavour, Name, Version

DEFAULT_TAGS: Mapping[Name, str] = {"mysql": "8.4", "mariadb": "11", "mongo": "8", "kafka": "4.4.0"}
_MYSQL_PORT = 3306
_CONTROLLER_PORT = 9093  # inside its container


@dataclass(frozen=True, slots=True)
class Image:
    """One server in a container, reachable on a port of this machine's loopback."""

    name: str
    command: tuple[str, ...]
    inner_port: int
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    volume: tuple[Path, str] | None = None

    @property
    def user(self) -> str | None:
        """Who runs it: with a folder of this machine, the one who called, who has to delete it."""
        return f"{os.getuid()}:{os.getgid()}" if self.volume else None

    def docker_run(self, container: str) -> list[str]:
        """Return the command that starts a container which outlives this process."""
        environment = [f"--env={key}={value}" for key, value in self.environment.items()]
        volume = [f"--volume={self.volume[0]}:{self.volume[1]}:rw"] if self.volume else []
        return [
            *("docker", "run", "--detach", f"--name={container}"),
            f"--publish={LOOPBACK}:{self.port}:{self.inner_port}",
            *([f"--user={self.user}"] if self.user else []),
            *environment,
            *volume,
            self.name,
            *self.command,
        ]


def tagged(version: Version) -> str:
    """Return the image of a version, by the tag that its publisher gives it."""
    name = "apache/kafka" if version.name == "kafka" else version.name
    return f"{name}:{version.number or DEFAULT_TAGS[version.name]}"


def mysql_image(
    flavour: Flavour,
    version: Version,
    *,
    port: int,
    password: str,
    options: Sequence[str] = (),
    data_dir: Path | None = None,
) -> Image:
    """Return a source of this flavour."""
    defaults = mysqld.DEFAULTS if flavour == "mysql" else mariadbd.DEFAULTS
    prefix = flavour.upper()
    return Image(
        name=tagged(version),
        command=(f"--server-id={random.randrange(1, 2**31)}", *defaults, *options),
        inner_port=_MYSQL_PORT,
        port=port,
        environment={
            f"{prefix}_ROOT_PASSWORD": password,
            f"{prefix}_ROOT_HOST": "%",
            f"{prefix}_INITDB_SKIP_TZINFO": "1",
        },
        volume=(data_dir, "/var/lib/mysql") if data_dir else None,
    )


def mongo_image(
    version: Version,
    *,
    port: int,
    replica_set: bool,
    options: Sequence[str] = (),
    data_dir: Path | None = None,
) -> Image:
    """Return a target.

    It listens on the same port inside and outside: a replica set's member is known by one address,
    which it and its clients must both reach.
    """
    return Image(
        name=tagged(version),
        command=tuple(
            with_options(
                ["--bind_ip_all", *mongod_options(port=port, replica_set=replica_set)], options
            )
        ),
        inner_port=port,
        port=port,
        volume=(data_dir, "/data/db") if data_dir else None,
    )


def kafka_image(version: Version, *, port: int) -> Image:
    """Return a Kafka of one broker, which is known by one address as a replica set's member is.

    Its image reads each setting from a variable, as apache/kafka describes.
    """
    settings = kafka_settings(node=1, ports=[(port, _CONTROLLER_PORT)], host="")
    variables = {f"KAFKA_{key.upper().replace('.', '_')}": it for key, it in settings.items()}
    return Image(
        name=tagged(version), command=(), inner_port=port, port=port, environment=variables
    )
