"""The status variables of a QUERY event: the session in which the statement ran.

Formats: `Query_event` in MySQL's `libs/mysql/binlog/event/statement_events.h`; from 128 on
MariaDB's own, `sql/log_event.h`.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final, NamedTuple

ANSI_QUOTES: Final = 1 << 2
MSSQL: Final = 1 << 10
"""MariaDB's alone, of the servers that are followed; it also sets ANSI_QUOTES."""
NO_BACKSLASH_ESCAPES: Final = 1 << 20


class AlterPhase(Enum):
    """Which half of MariaDB's two-phase ALTER a statement is (`binlog_alter_two_phase`)."""

    START = 2
    COMMIT = 4
    ROLLBACK = 8


class QueryStatus(NamedTuple):
    """A statement's session, as far as the event describes it.

    `collation` is the id of the client's, 0 if the event does not say. `schemas` are those of every
    table that the statement used, also by triggers, functions, views and foreign keys; only MySQL
    logs them, and not always: else None. `phase` is None outside a two-phase ALTER.
    """

    sql_mode: int = 0
    collation: int = 0
    schemas: frozenset[str] | None = None
    phase: AlterPhase | None = None


class _Code(IntEnum):
    SQL_MODE = 1
    CATALOG_WITH_NUL = 2
    CHARSET = 4
    TIME_ZONE = 5
    CATALOG = 6
    INVOKER = 11
    UPDATED_SCHEMAS = 12
    ALTER_PHASE = 130
    CHARACTER_SET_COLLATIONS = 131


_SIZES: Final = {
    0: 4,
    _Code.SQL_MODE: 8,
    3: 4,
    _Code.CHARSET: 6,
    7: 2,
    8: 2,
    9: 8,
    10: 4,
    13: 3,
    14: 8,
    15: 8,
    16: 1,
    17: 8,
    18: 2,
    19: 1,
    20: 1,
    21: 1,
    128: 3,
    129: 8,
}
_TOO_MANY_SCHEMAS: Final = 254
_COLLATION_PAIR: Final = 4
_START_NUMBER: Final = 8
"""A COMMIT or ROLLBACK also holds the GTID's number of its START."""


def read(status: bytes) -> QueryStatus:
    """Read a status block, up to the first unknown variable."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(status):
        begin = at + 1
        end = _end(status, status[at], begin)
        if end is None or end > len(status):
            break
        found[status[at]] = status[begin:end]
        at = end
    return QueryStatus(
        sql_mode=int.from_bytes(found.get(_Code.SQL_MODE, b""), "little"),
        collation=int.from_bytes(found.get(_Code.CHARSET, b"")[:2], "little"),
        schemas=_schemas(found.get(_Code.UPDATED_SCHEMAS, b"")),
        phase=_phase(found.get(_Code.ALTER_PHASE, b"")),
    )


def _end(status: bytes, code: int, begin: int) -> int | None:
    """Return the end of the variable's value that begins at `begin`; None for an unknown one."""
    if code in _SIZES:
        return begin + _SIZES[code]
    first = status[begin] if begin < len(status) else 0
    match code:
        case _Code.TIME_ZONE | _Code.CATALOG:
            return begin + 1 + first
        case _Code.CATALOG_WITH_NUL:
            return begin + 2 + first
        case _Code.INVOKER:
            host_at = begin + 1 + first
            return host_at + 1 + status[host_at] if host_at < len(status) else None
        case _Code.UPDATED_SCHEMAS:
            return _end_of_names(status, begin + 1, 0 if first == _TOO_MANY_SCHEMAS else first)
        case _Code.CHARACTER_SET_COLLATIONS:
            return begin + 1 + first * _COLLATION_PAIR
        case _Code.ALTER_PHASE:
            ends = first & (AlterPhase.COMMIT.value | AlterPhase.ROLLBACK.value)
            return begin + 1 + (_START_NUMBER if ends else 0)
    return None


def _end_of_names(status: bytes, begin: int, count: int) -> int | None:
    end = begin
    for _ in range(count):
        end = status.find(b"\0", end) + 1
        if end == 0:
            return None
    return end


def _schemas(value: bytes) -> frozenset[str] | None:
    """Return the names; None if there are too many, or a foreign key might lead to others."""
    names = value[1:].split(b"\0")[:-1]
    if not names or b"" in names:
        return None
    return frozenset(name.decode("utf-8", "replace") for name in names)


def _phase(value: bytes) -> AlterPhase | None:
    flags = value[0] if value else 0
    return next((phase for phase in AlterPhase if flags & phase.value), None)
