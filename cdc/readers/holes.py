"""Whether MariaDB's log has a hole where a position is: transactions that it begins behind.

MariaDB takes a position that its log does not hold, and begins with what comes next; a replica
made from a backup has nothing in its log of what it had before. In strict mode it refuses such a
position, also where nothing is missing in between.
"""

from __future__ import annotations

import re
from typing import Final

from cdc.errors import PositionPurged
from cdc.position import DomainGtid, GtidPosition, MariadbGtids
from cdc.readers import resume
from cdc.readers.events import EventType, MariadbGtid, mariadb_gtid
from cdc.readers.packets import ServerError
from cdc.readers.probe import Probe

_HOLE: Final = re.compile(r"is missing the GTID (?P<domain>\d+)-\d+-\d+")


def require_none(probe: Probe, applied: MariadbGtids) -> bool:
    """Raise PositionPurged where transactions behind the position are not in the log.

    Return whether the position itself is in the log, so that strict mode takes it.
    """
    domains, strict = dict(applied.domains), True
    while (domain := _hole(probe, MariadbGtids(domains))) is not None:
        first = _first(probe, MariadbGtids(domains), domain)
        last = domains[domain]
        if first is None or first.sequence != last.sequence + 1:
            raise _lost(applied, first)
        domains[domain], strict = DomainGtid(first.server_id, first.sequence), False
    return strict


def _hole(probe: Probe, position: MariadbGtids) -> int | None:
    """Return the domain in which the log has a hole at the position, or None."""
    try:
        with probe.looking(GtidPosition(position), strict=True) as found:
            next((each for each in found if each.type == EventType.MARIADB_GTID), None)
    except ServerError as error:
        hole = _HOLE.search(error.text)
        if hole is None or int(hole["domain"]) not in position.domains:
            raise resume.explain(error, GtidPosition(position), mariadb=True) from error
        return int(hole["domain"])
    return None


def _first(probe: Probe, position: MariadbGtids, domain: int) -> MariadbGtid | None:
    """Return the first transaction of a domain that the log has behind the position."""
    with probe.looking(GtidPosition(position)) as found:
        gtids = (mariadb_gtid(each) for each in found if each.type == EventType.MARIADB_GTID)
        return next((each for each in gtids if each.domain == domain), None)


def _lost(applied: MariadbGtids, first: MariadbGtid | None) -> PositionPurged:
    return PositionPurged(
        f"the source's binlog does not have what follows {applied}: the next that it has is"
        f" {first or 'not known'}, as on a replica that was made from a later backup",
        position=applied,
        remedy=resume.purged_remedy(mariadb=True),
    )
