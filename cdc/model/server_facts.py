"""The facts about both sides that preflight's rules judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from cdc.model.table_map import TableMap
from cdc.model.table_name import full_name


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that the source has registered; `uuid` is empty on MariaDB."""

    server_id: int
    uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """A source as one account sees it; None stands for facts that the account may not see.

    `variables` are global ones, by lower-case name; one that the server does not have is absent.
    `privileges` are those on `*.*`, in upper case. `readable`: the schemas of which the account may
    read each table, as patterns of LIKE; `unreadable`: those that it may not read although it may
    read all others. `replicates`: the source is itself a replica.
    `clock` is its UTC time at the query.
    """

    flavour: Literal["mysql", "mariadb"]
    version: tuple[int, ...]
    version_text: str
    account: str
    variables: Mapping[str, str]
    privileges: frozenset[str]
    readable: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    logged_schemas: tuple[str, ...] = ()
    ignored_schemas: tuple[str, ...] = ()
    replicates: bool | None = False
    replicas: tuple[Replica, ...] | None = ()
    binary_logs: tuple[tuple[str, int], ...] | None = ()
    clock: datetime | None = None

    def variable(self, name: str) -> str:
        """Return a global variable, empty if the server does not have it."""
        return self.variables.get(name, "")

    def may_read(self, schema: str) -> bool:
        """Return whether the account may read every table of a schema, so that it sees them all."""
        everywhere = self.privileges & {"SELECT", "ALL PRIVILEGES"}
        return (bool(everywhere) and schema not in self.unreadable) or any(
            is_like(schema, pattern) for pattern in self.readable
        )

    @property
    def read_only(self) -> bool:
        """Whether it takes changes from its own source alone."""
        return self.variable("read_only") not in {"", "OFF"}  # MariaDB 12 knows several ways

    @property
    def gets_more(self) -> bool:
        """Whether another server may send it transactions, as far as the account may see."""
        return self.replicates is not False or self.variable("wsrep_on") == "ON"

    @property
    def mariadb(self) -> bool:
        """Whether it is MariaDB."""
        return self.flavour == "mariadb"

    @property
    def binlog_monitor(self) -> str:
        """The privilege to read the binlog's state."""
        return "BINLOG MONITOR" if self.mariadb else "REPLICATION CLIENT"


def is_like(text: str, pattern: str) -> bool:
    """Return whether a text is LIKE a pattern, as a GRANT names schemas; case counts."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    words = ({"%": ".*", "_": "."}.get(each) or re.escape(each[-1]) for each in tokens)
    return re.fullmatch("".join(words), text, re.DOTALL) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """A table that a mapping follows.

    `kind` and `engine` as information_schema names them. `columns` is None, and `cascades` unknown,
    for a table whose rows the account may not read. `cascades` are the table's foreign keys by
    which the server changes its rows when a parent's row changes. `generated` names the columns
    that the server computes. `uncopyable` says why a table that the stream must still copy cannot
    be read as a whole.
    """

    schema: str
    table: str
    kind: str = "BASE TABLE"
    engine: str = "InnoDB"
    columns: TableMap | None = None
    cascades: tuple[str, ...] = ()
    generated: frozenset[str] = frozenset()
    uncopyable: str = ""

    @property
    def name(self) -> str:
        """`schema.table`."""
        return full_name(self.schema, self.table)


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An index that a mapping requests: whether it exists, what prevents it, and what mends that.

    `remedy` is empty where it is that of every index.
    """

    collection: str
    name: str
    present: bool
    obstacle: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFacts:
    """An existing collection, `database.collection`.

    `options` are those of listCollections, without those that are off. `expiring` names its indexes
    by which documents expire. `shard_key`: the fields, each 1 or hashed; None if it is not sharded,
    or the account may not see them. Of a sharded cluster also: `is_empty`, and the `keys` of its
    indexes.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    expiring: tuple[str, ...] = ()
    shard_key: Mapping[str, object] | None = None
    is_empty: bool = False
    keys: tuple[Mapping[str, object], ...] = ()


NO_RIGHT: Final = "the account may not write there"
"""The refusal of a write that the account has no role for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFacts:
    """A target as one account sees it.

    `refusals` holds, for each tested `database.collection`, why it cannot be written, NO_RIGHT for
    one. `collections` are the existing ones; None if the account may not list them. `account` is
    the user and the database of its login; None without a login. `may_shard`: the account may shard
    collections. `majority_late_seconds`: how far a majority is behind the primary; None if it does
    not say.
    """

    version: tuple[int, ...]
    version_text: str
    topology: Literal["replica set", "sharded", "standalone"]
    writable: bool
    refusals: Mapping[str, str] = field(default_factory=dict)
    account: tuple[str, str] | None = None
    collections: tuple[CollectionFacts, ...] | None = ()
    may_shard: bool = True
    majority_late_seconds: float | None = None
