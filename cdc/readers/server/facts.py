"""Queries a source for the facts that preflight judges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

from cdc.model import binlog_engine
from cdc.model.server_facts import Replica, SourceFacts, TableFacts
from cdc.model.table_name import sql_name
from cdc.readers.server.catalog import generated_columns
from cdc.readers.server.connection import SourceConnection, is_mariadb
from cdc.readers.server.driver_errors import AccessDenied
from cdc.readers.server.queries import records, rows
from cdc.readers.server.table_description import describe_table

T = TypeVar("T")

TABLES: Final = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})
_WITHOUT_ROWS: Final = frozenset({"VIEW", "SEQUENCE"})
"""Kinds of tables, as in information_schema, that have no rows for a mapping."""

VARIABLES: Final = (
    "binlog_format",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_row_value_options",
    binlog_engine.VARIABLE,
    "enforce_gtid_consistency",
    "gtid_binlog_pos",
    "gtid_binlog_state",
    "gtid_executed",
    "gtid_mode",
    "gtid_purged",
    "gtid_strict_mode",
    "innodb_native_foreign_keys",
    "log_bin",
    "log_replica_updates",
    "log_slave_updates",
    "lower_case_table_names",
    "read_only",
    "server_id",
    "server_uuid",
    "wsrep_on",
)

# `  CONSTRAINT `name` FOREIGN KEY (…) REFERENCES …`; no other line of SHOW CREATE TABLE has it.
# MariaDB 10.11 does not double a ` in the name.
_CASCADE: Final = re.compile(
    r"^  CONSTRAINT `(?P<name>.+?)` FOREIGN KEY .*?"
    r"(?P<rule>ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL).*?),?$",
    re.MULTILINE,
)
_GRANT: Final = re.compile(
    r"^(?P<verb>GRANT|REVOKE) (?P<privileges>.+?) ON (?P<schema>\*|`(?:[^`]|``)+`)\.\* (?:TO|FROM) "
)
"""A line of SHOW GRANTS on all tables, or on those of a schema."""


def current_account(connection: SourceConnection) -> str:
    """Return the account that the server took the session for, `user@host`."""
    [[account]] = rows(connection, "SELECT CURRENT_USER()")
    return str(account)


def fetch_source_facts(connection: SourceConnection) -> SourceFacts:
    """Query everything about the server; a fact that the account may not see is None."""
    mariadb = is_mariadb(connection)
    [[version_text, clock]] = rows(connection, "SELECT VERSION(), UTC_TIMESTAMP(6)")
    version = _version(str(version_text))
    variables = _variables(connection)
    logging = variables.get("log_bin") == "ON"
    grants = [*_grants(connection)]
    status = _allowed(lambda: _binlog_status(connection, version, mariadb=mariadb)) or {}
    return SourceFacts(
        flavour="mariadb" if mariadb else "mysql",
        version=version,
        version_text=str(version_text),
        account=current_account(connection),
        variables=variables,
        privileges=_everywhere(grants),
        readable=_read(grants, "GRANT"),
        unreadable=_read(grants, "REVOKE"),
        logged_schemas=_listed(status.get("Binlog_Do_DB")),
        ignored_schemas=_listed(status.get("Binlog_Ignore_DB")),
        replicates=_allowed(lambda: _replicates(connection, version, mariadb=mariadb)),
        replicas=_allowed(lambda: _replicas(connection, version, mariadb=mariadb)),
        binary_logs=_allowed(lambda: _binary_logs(connection)) if logging else (),
        clock=clock.replace(tzinfo=UTC) if isinstance(clock, datetime) else None,
    )


def table_facts(connection: SourceConnection, schema: str, table: str) -> TableFacts | None:
    """Query everything about a table; None for one that the account cannot see."""
    found = rows(
        connection,
        "SELECT table_type, COALESCE(engine, '') FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s",
        schema,
        table,
    )
    if not found:
        return None
    kind, engine = (str(each) for each in found[0])
    readable = _allowed(
        lambda: rows(connection, f"SELECT * FROM {sql_name(schema, table)} LIMIT 0")
    )
    if readable is None or kind in _WITHOUT_ROWS:
        return TableFacts(schema=schema, table=table, kind=kind, engine=engine)
    return TableFacts(
        schema=schema,
        table=table,
        kind=kind,
        engine=engine,
        columns=describe_table(connection, schema, table),
        cascades=_cascades(connection, schema, table),
        generated=frozenset(generated_columns(connection, schema, table)),
    )


def is_table(connection: SourceConnection, schema: str, table: str) -> bool:
    """Return whether there is a table of this name; a view, for example, does not count."""
    return kind_of(connection, schema, table) in TABLES


def kind_of(connection: SourceConnection, schema: str, table: str) -> str:
    """Return what has this name, as `BASE TABLE` or `VIEW`; "" if the account sees nothing."""
    found = rows(
        connection,
        "SELECT table_type FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s",
        schema,
        table,
    )
    return "".join(str(kind) for (kind,) in found)


def server_version(connection: SourceConnection) -> tuple[int, ...]:
    """Return the numbers of the server's version."""
    [(text,)] = rows(connection, "SELECT VERSION()")
    return _version(str(text))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0]))


def _variables(connection: SourceConnection) -> dict[str, str]:
    found = rows(connection, "SHOW GLOBAL VARIABLES WHERE variable_name IN %s", VARIABLES)
    return {str(name).lower(): str(value) for name, value in found}


class _Grant(NamedTuple):
    """Privileges that an account has, or by REVOKE has not, on a schema; None for all."""

    verb: str
    privileges: frozenset[str]
    schema: str | None

    @property
    def reads(self) -> bool:
        """Whether it is about reading tables."""
        return bool(self.privileges & {"SELECT", "ALL PRIVILEGES"})


def _grants(connection: SourceConnection) -> Iterator[_Grant]:
    """Yield what the account has, also by active roles; `SHOW GRANTS` expands them."""
    for (line,) in rows(connection, "SHOW GRANTS"):
        if match := _GRANT.match(str(line)):
            names = frozenset(each.strip().upper() for each in match["privileges"].split(","))
            quoted = match["schema"]
            schema = None if quoted == "*" else quoted[1:-1].replace("``", "`")
            yield _Grant(match["verb"], names, schema)


def _read(grants: Iterable[_Grant], verb: str) -> frozenset[str]:
    """Return the schemas whose tables the account may read, or by REVOKE may not."""
    return frozenset(
        each.schema
        for each in grants
        if each.verb == verb and each.reads and each.schema is not None
    )


def _everywhere(grants: Iterable[_Grant]) -> frozenset[str]:
    """Return the privileges on every schema."""
    privileges: set[str] = set()
    for each in grants:
        if each.verb == "GRANT" and each.schema is None:
            privileges |= each.privileges
    if "REPLICATION CLIENT" in privileges:  # MariaDB's older name
        privileges.add("BINLOG MONITOR")
    return frozenset(privileges)


def _binlog_status(
    connection: SourceConnection, version: tuple[int, ...], *, mariadb: bool
) -> dict[str, Any]:
    old = mariadb or version < (8, 2)
    found = records(connection, "SHOW MASTER STATUS" if old else "SHOW BINARY LOG STATUS")
    return found[0] if found else {}


def is_fed(connection: SourceConnection) -> bool:
    """Return whether another server is sending it transactions, or is being connected to for that.

    False if the account may not see it.
    """
    [[version_text]] = rows(connection, "SELECT VERSION()")
    version, mariadb = _version(str(version_text)), is_mariadb(connection)
    found = _allowed(lambda: _replication(connection, version, mariadb=mariadb)) or []
    return any(
        str(value) not in {"No", ""}
        for row in found
        for name, value in row.items()
        if name in {"Slave_IO_Running", "Replica_IO_Running"}
    )


def _replicates(connection: SourceConnection, version: tuple[int, ...], *, mariadb: bool) -> bool:
    return bool(_replication(connection, version, mariadb=mariadb))


def _replication(
    connection: SourceConnection, version: tuple[int, ...], *, mariadb: bool
) -> Sequence[dict[str, Any]]:
    """Return the state of its replication from each server that it follows."""
    if mariadb:
        return records(connection, "SHOW ALL SLAVES STATUS")
    old = version < (8, 0, 22)
    return records(connection, "SHOW SLAVE STATUS" if old else "SHOW REPLICA STATUS")


def _replicas(
    connection: SourceConnection, version: tuple[int, ...], *, mariadb: bool
) -> tuple[Replica, ...]:
    old = mariadb or version < (8, 0, 22)
    found = records(connection, "SHOW SLAVE HOSTS" if old else "SHOW REPLICAS")
    lower = [{key.lower(): value for key, value in row.items()} for row in found]
    return tuple(
        Replica(int(row["server_id"]), str(row.get("replica_uuid") or row.get("slave_uuid") or ""))
        for row in lower
    )


def _binary_logs(connection: SourceConnection) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(size)) for name, size, *_ in rows(connection, "SHOW BINARY LOGS"))


def _cascades(connection: SourceConnection, schema: str, table: str) -> tuple[str, ...]:
    """Read the foreign keys from the definition.

    MariaDB shows information_schema.referential_constraints only to accounts that may do more
    than SELECT.
    """
    [[_, definition, *_]] = rows(connection, f"SHOW CREATE TABLE {sql_name(schema, table)}")
    return tuple(
        f"{match['name'].replace('``', '`')} ({match['rule']})"
        for match in _CASCADE.finditer(str(definition))
    )


def _listed(value: object) -> tuple[str, ...]:
    return tuple(filter(None, str(value or "").split(",")))


def _allowed(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except AccessDenied:
        return None
