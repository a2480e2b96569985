"""XA transactions that are prepared, and neither committed nor rolled back yet.

Their rows stand in the binlog where they were prepared. XA COMMIT holds an id and no table, and
queries see the rows from then on only: a stream that begins between the two would miss them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from cdc.model.xid import Xid, not_decided
from cdc.readers.server.connection import is_mariadb
from cdc.readers.server.driver_errors import AccessDenied
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from cdc.readers.server.connection import SourceConnection

log = structlog.get_logger(__name__)

DECIDED_WITHIN_SECONDS: Final = 3.0
"""Applications that use XA all the time commit what they have prepared within milliseconds."""

_POLL_SECONDS: Final = 0.1


def undecided(connection: SourceConnection) -> frozenset[Xid] | None:
    """Return the transactions that wait for XA COMMIT or ROLLBACK; None if it may not ask."""
    hexed = not is_mariadb(connection)  # MySQL alone has it, and without it answers in a charset
    try:
        found = rows(connection, "XA RECOVER CONVERT XID" if hexed else "XA RECOVER")
    except AccessDenied:
        return None
    return frozenset(_xid(*each) for each in found)


def wait_until_decided(connection: SourceConnection, *, is_logged: bool = False) -> frozenset[Xid]:
    """Wait until all transactions that are prepared now are decided; return them.

    Later ones may come. Raises Retryable if one is not decided within DECIDED_WITHIN_SECONDS. Logs
    if the account may not ask, unless that `is_logged` already.
    """
    prepared = undecided(connection)
    if prepared is None:
        if not is_logged:
            log.warning("xa_not_checked", remedy="see that XA RECOVER on the source shows nothing")
        return frozenset()
    until = time.monotonic() + DECIDED_WITHIN_SECONDS
    waiting = prepared
    while waiting:
        if time.monotonic() > until:
            raise not_decided(waiting)
        time.sleep(_POLL_SECONDS)
        waiting &= undecided(connection) or frozenset()
    return prepared


def _xid(kind: int, global_size: int, branch_size: int, data: str | bytes) -> Xid:
    """Read a row of the answer; `data` holds both parts, as bytes or, behind 0x, in hexadecimal."""
    whole = data if isinstance(data, bytes) else bytes.fromhex(data.removeprefix("0x"))
    return Xid(kind, whole[:global_size], whole[global_size : global_size + branch_size])
