"""Every variable of a server that has a value in each session, and other values for it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from cdc_sandbox.servers import MySQLServer

ENUMERATED = 8
"""The number of an enumeration's members that are tried."""
BITS = 48
"""No set has as many members."""

INSTRUMENTS = ("performance_schema", "wsrep_")
"""What begins so only measures, or needs a Galera cluster."""

NAMED: Mapping[str, Sequence[str]] = {
    "block_encryption_mode": ("'aes-256-cbc'",),
    "character_set_collations": ("'utf8mb4=utf8mb4_bin'",),
    "default_regex_flags": ("'DOTALL'",),
    "default_storage_engine": ("'MyISAM'",),
    "default_tmp_storage_engine": ("'MyISAM'",),
    "enforce_storage_engine": ("'InnoDB'",),
    "group_replication_consistency": ("'BEFORE_AND_AFTER'",),
    "innodb_ft_user_stopword_table": (),
    "internal_tmp_mem_storage_engine": ("'MEMORY'",),
    "lc_messages": ("'de_DE'",),
    "lc_time_names": ("'de_DE'",),
    "max_session_mem_used": ("1000000",),  # with the least no statement is executed at all
    "redirect_url": (),
    "session_track_system_variables": ("'*'", "''"),
    "system_versioning_asof": ("'2001-02-03 04:05:06'",),  # such tables are refused
    "storage_engine": ("'MyISAM'",),
    "time_zone": ("'+05:45'",),
}
"""Values of variables whose type does not show in their value."""


def admin(server: MySQLServer) -> pymysql.connections.Connection[Cursor]:
    """A session in which values out of range are cut to their range."""
    return server.connect(sql_mode="")


def inherited(server: MySQLServer) -> dict[str, str]:
    """The global values of variables that a session has values of its own for, by name."""
    with closing(admin(server)) as connection, connection.cursor() as cursor:
        return {
            name: value
            for name, value in _globals(cursor).items()
            if _accepts(cursor, f"SET SESSION {name} = @@GLOBAL.{name}")
            and _accepts(cursor, f"SET GLOBAL {name} = @@GLOBAL.{name}")
        }


def server_wide(server: MySQLServer, sessions: Container[str]) -> dict[str, str]:
    """The values of all other variables, by name, that may change while a server runs."""
    with closing(admin(server)) as connection, connection.cursor() as cursor:
        return {
            name: value
            for name, value in _globals(cursor).items()
            if name not in sessions
            and not name.startswith(INSTRUMENTS)
            and _accepts(cursor, f"SET GLOBAL {name} = @@GLOBAL.{name}")
        }


def _globals(cursor: Cursor) -> dict[str, str]:
    cursor.execute("SHOW GLOBAL VARIABLES")
    return {str(name).lower(): str(value) for name, value in cursor.fetchall()}


def alternatives(server: MySQLServer, variables: Mapping[str, str]) -> dict[str, list[str]]:
    """Other lawful values of each variable, as SQL; every one of them was accepted."""
    with closing(admin(server)) as connection, connection.cursor() as cursor:
        return {name: _others(cursor, name, value) for name, value in variables.items()}


def _others(cursor: Cursor, name: str, value: str) -> list[str]:
    cursor.execute(f"SELECT @@GLOBAL.{name}")
    [(before,)] = cursor.fetchall()
    found = []
    for literal in _literals(cursor, name, value):
        if not _accepts(cursor, f"SET GLOBAL {name} = {literal}"):
            continue
        cursor.execute(f"SELECT @@GLOBAL.{name}")
        if cursor.fetchall() != ((before,),):
            found.append(literal)
        cursor.execute(f"SET GLOBAL {name} = %s", (before,))
    return found


def _literals(cursor: Cursor, name: str, value: str) -> Iterator[str]:
    if name in NAMED:
        yield from NAMED[name]
    elif name.startswith("character_set"):
        yield from ("latin1", "utf16") if name != "character_set_client" else ("latin1",)
    elif "collation" in name:
        yield from ("latin1_german1_ci", "utf8mb4_0900_as_cs", "utf8mb4_general_ci", "utf8mb4_bin")
    elif value in {"ON", "OFF", "YES", "NO"}:
        yield from map(str, range(3))
    elif value.replace(".", "").isdigit():
        small = "0.000001" if "." in value else "1"
        yield from ("0", small, f"{value} * 2 + 1" if "." in value else str(int(value) * 2 + 1))
    elif "=" in value:
        yield _toggled(cursor, name, value)
    else:
        yield from map(str, range(ENUMERATED))
        yield _everything(cursor, name)


def _toggled(cursor: Cursor, name: str, value: str) -> str:
    """Every flag turned, but those that cannot be turned with the rest."""
    turned: list[str] = []
    for flag in value.split(","):
        option, _, state = flag.partition("=")
        other = f"{option}={'off' if state == 'on' else 'on'}"
        if _accepts(cursor, f"SET GLOBAL {name} = '{','.join([*turned, other])}'"):
            turned.append(other)
    cursor.execute(f"SET GLOBAL {name} = %s", (value,))
    return f"'{','.join(turned)}'"


def _everything(cursor: Cursor, name: str) -> str:
    """A set with every member that is accepted beside the others."""
    cursor.execute(f"SELECT @@GLOBAL.{name}")
    [(before,)] = cursor.fetchall()
    whole = 0
    for bit in range(BITS):
        if _accepts(cursor, f"SET GLOBAL {name} = {whole | 1 << bit}"):
            whole |= 1 << bit
    cursor.execute(f"SET GLOBAL {name} = %s", (before,))
    return str(whole)


@contextmanager
def changed(server: MySQLServer, values: Mapping[str, str]) -> Iterator[None]:
    """Set these global values of variables, and restore the old ones."""
    before: dict[str, Any] = {}
    with closing(admin(server)) as connection, connection.cursor() as cursor:
        for name in values:
            cursor.execute(f"SELECT @@GLOBAL.{name}")
            [(before[name],)] = cursor.fetchall()
    with closing(admin(server)) as connection, connection.cursor() as cursor:
        try:
            for name, literal in values.items():  # some are refused beside others
                _accepts(cursor, f"SET GLOBAL {name} = {literal}")
            yield
        finally:
            late = [name for name, value in before.items() if not _restored(cursor, name, value)]
            for name in late:
                cursor.execute(f"SET GLOBAL {name} = %s", (before[name],))


def _restored(cursor: Cursor, name: str, value: Any) -> bool:
    try:
        cursor.execute(f"SET GLOBAL {name} = %s", (value,))
    except pymysql.MySQLError:
        return False
    return True


def _accepts(cursor: Cursor, statement: str) -> bool:
    try:
        cursor.execute(statement)
    except pymysql.MySQLError:
        return False
    return True
