"""Checks MariaDB's log for a hole at a position: transactions missing after it.

MariaDB takes a position that its log does not hold, and begins with what comes next; a replica made
from a backup has nothing in its log of what it had before. In strict mode it refuses such a
position, even if nothing is missing in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cdc.errors import PositionPurged
from cdc.model.position import DomainGtid, GtidPosition, MariadbGtids
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.gtid_events import MariadbGtid, mariadb_gtid
from cdc.readers.binlog.history.probe import Probe
from cdc.readers.server import position_check
from cdc.readers.server.packets import ServerError
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

_Domains = Mapping[int, DomainGtid]

_HOLE: Final = re.compile(r"is missing the GTID (?P<domain>\d+)-\d+-\d+")


def require_none(connection: Connection[Any], probe: Probe, applied: MariadbGtids) -> bool:
    """Raise PositionPurged if transactions after the position are not in the log.

    Returns whether all of the position is in the log: then strict mode takes it, now and later.
    """
    [(ends,)] = rows(connection, "SELECT @@GLOBAL.gtid_binlog_pos")
    logged = MariadbGtids.parse(ends).domains
    domains, strict = dict(applied.domains), applied.domains.keys() <= logged.keys()
    while (domain := _hole(probe, domains, logged)) is not None:
        # the other domains at their ends: else theirs could be all that a probe has time for
        first = _first(probe, MariadbGtids({**logged, domain: domains[domain]}), domain)
        last = domains[domain]
        if first is None or first.sequence != last.sequence + 1:
            raise _lost(applied, first)
        domains[domain], strict = DomainGtid(first.server_id, first.sequence), False
    return strict


def _hole(probe: Probe, domains: _Domains, logged: _Domains) -> int | None:
    """Return a domain in which the log has a hole at the position, or None.

    The server reports a hole only when it meets what follows it. So each domain in which anything
    follows is waited for.
    """
    awaited = {each for each, last in domains.items() if logged.get(each, last) != last}
    if not awaited:
        return None
    position = GtidPosition(MariadbGtids(domains))
    try:
        with probe.looking(position, strict=True) as found:
            for gtid in _gtids(found):
                awaited.discard(gtid.domain)
                if not awaited:
                    break
    except ServerError as error:
        hole = _HOLE.search(error.text)
        if hole is None or int(hole["domain"]) not in domains:
            raise position_check.explain(error, position, mariadb=True) from error
        return int(hole["domain"])
    return None


def _first(probe: Probe, position: MariadbGtids, domain: int) -> MariadbGtid | None:
    """Return the first transaction of a domain that the log has after the position."""
    with probe.looking(GtidPosition(position)) as found:
        return next((each for each in _gtids(found) if each.domain == domain), None)


def _gtids(found: Iterator[Event]) -> Iterator[MariadbGtid]:
    return (mariadb_gtid(each) for each in found if each.type == EventType.MARIADB_GTID)


def _lost(applied: MariadbGtids, first: MariadbGtid | None) -> PositionPurged:
    return PositionPurged(
        f"the source's binlog does not have what follows {applied}: the next that it has is"
        f" {first or 'not known'}, as on a replica that was made from a later backup",
        position=applied,
        remedy=position_check.purged_remedy(mariadb=True),
    )
