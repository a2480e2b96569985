"""The session variables that answers depend on, set once for each connection.

An operator of a server may change its variables' defaults for every session: a limit of rows, a
time limit, a language. Each variable that could change an answer is set here, to an explicit value:
DEFAULT would be the server's. `tests/integration/session` tries every variable of a server, and
says why those that are left out may differ.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

Version = tuple[int, ...]

COLLATION: Final = "utf8mb4_general_ci"
"""The collation of our literals: every server has it, and a column's own takes precedence."""

IDLE_SECONDS: Final = 28_800
"""The limit for an idle session: both servers' own default."""

WRITE_SECONDS: Final = 600
"""The limit for a send that the reader does not take, such as during a slow target."""

SORT_BYTES: Final = 1 << 21
"""MariaDB's own default."""

_UNLIMITED: Final = str(2**64 - 1)
_ANY: Final[Version] = ()
_NEVER: Final[Version] = (1 << 30,)


class _Setting(NamedTuple):
    """A variable and its value, on servers of this version on."""

    name: str
    value: str
    mysql: Version = _ANY
    mariadb: Version = _ANY


_SETTINGS: Final = (
    # Going from 0 to 1 ends a transaction that init_connect began, in which all that we read would
    # be as old as its first statement.
    _Setting("autocommit", "0"),
    _Setting("autocommit", "1"),
    _Setting("completion_type", "0"),
    _Setting("lc_messages", "'en_US'"),  # some errors differ by their text only
    _Setting("sql_auto_is_null", "0"),
    # Without it a key that holds 30 February could not be compared; it changes no value.
    _Setting("sql_mode", "'ALLOW_INVALID_DATES'"),
    _Setting("sql_quote_show_create", "1"),
    _Setting("time_zone", "'+00:00'"),
    _Setting("sql_select_limit", _UNLIMITED),
    _Setting("max_join_size", _UNLIMITED),
    _Setting("sql_big_selects", "1"),  # takes precedence over max_join_size, which sets it too
    _Setting("sort_buffer_size", str(SORT_BYTES)),  # with less, what must be sorted is refused
    _Setting("net_write_timeout", str(WRITE_SECONDS)),
    _Setting("wait_timeout", str(IDLE_SECONDS)),
    _Setting("max_execution_time", "0", mariadb=_NEVER),
    _Setting("information_schema_stats_expiry", "0", mysql=(8,), mariadb=_NEVER),
    _Setting("show_create_table_verbosity", "0", mariadb=_NEVER),
    _Setting(
        "show_gipk_in_create_table_and_information_schema", "1", mysql=(8, 0, 30), mariadb=_NEVER
    ),
    _Setting("max_statement_time", "0", mysql=_NEVER),
    _Setting("idle_transaction_timeout", "0", mysql=_NEVER),
    _Setting("idle_readonly_transaction_timeout", "0", mysql=_NEVER),
    _Setting("idle_write_transaction_timeout", "0", mysql=_NEVER),
    _Setting("old_mode", "''", mysql=_NEVER),
    _Setting("tmp_disk_table_size", _UNLIMITED, mysql=_NEVER),
    _Setting("max_session_mem_used", str(2**63 - 1), mysql=_NEVER),
    # Chunks lie between watermarks in a snapshot, which no other isolation level has.
    _Setting("transaction_isolation", "'REPEATABLE-READ'"),
)
_MARIADB_BEFORE_11_1: Final = {
    "transaction_isolation": "tx_isolation",
    "transaction_read_only": "tx_read_only",
}


def statement(greeting: str, *, mariadb: bool, writes: bool, raw: bool) -> str:
    """Return the statement for a new session; `greeting` is the server's version string.

    Without `writes` the server refuses to change anything. `raw` returns text as the server's
    stored bytes, not converted to utf8mb4.
    """
    here = _version(greeting)
    settings = [
        (each.name, each.value)
        for each in (*_SETTINGS, _Setting("transaction_read_only", "0" if writes else "1"))
        if here >= (each.mariadb if mariadb else each.mysql)
    ]
    if raw:
        settings.append(("character_set_results", "NULL"))
    old = _MARIADB_BEFORE_11_1 if mariadb and here < (11, 1) else {}
    told = (f"{old.get(name, name)} = {value}" for name, value in settings)
    return f"SET SESSION {', '.join(told)}"


def _version(greeting: str) -> Version:
    """Return the numbers of a server's version; older MariaDBs claim 5.5.5 first."""
    return tuple(map(int, re.findall(r"\d+", greeting.removeprefix("5.5.5-").partition("-")[0])))
