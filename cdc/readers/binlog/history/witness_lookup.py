"""Looks up the witness under its GTID, in the log of any server that replicates it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cdc.errors import SourceDiverged
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import DomainGtid, GtidPosition, GtidSet, MariadbGtids
from cdc.model.witness import Witness
from cdc.readers.binlog import gtid_events
from cdc.readers.binlog.events import Event, EventType, without_checksum
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.history.probe import Probe
from cdc.readers.binlog.sql import query_event
from cdc.readers.server import position_check
from cdc.readers.server.packets import ConnectionLost, ServerError
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection


def is_under_its_gtid(
    connection: Connection[Any], probe: Probe, checkpoint: Checkpoint, *, doubted: bool = False
) -> bool:
    """Return whether the server's log holds the checkpoint's witness under its GTID.

    False if that is unknown, as after a purge. Raises SourceDiverged if its GTID is another
    transaction's, or nobody's: the GTID is waited for a little, unless the witness is `doubted`, as
    it is not at its place.
    """
    witness = checkpoint.witness
    if witness is None or not witness.event:
        return False
    event = without_checksum(witness.event)
    gtid = gtid_events.read(event)
    position = _before(connection, checkpoint, gtid, patient=not doubted)
    if gtid is None or position is None:
        return False
    found = _next(probe, position, event, gtid)
    if found is None:
        return False
    if found.is_alike is not True and not _is_galera(connection):
        if found.is_alike is None:
            return False
        raise _of_another_time(event, found.event, gtid)
    return not doubted or not probe.mariadb or found.file_created < event.timestamp


def _before(
    connection: Connection[Any],
    checkpoint: Checkpoint,
    gtid: Gtid | MariadbGtid | None,
    *,
    patient: bool,
) -> GtidPosition | None:
    """Return a position after which the witness is the first transaction; None for none."""
    position, witness = checkpoint.position, checkpoint.witness
    if not isinstance(position, GtidPosition) or witness is None:
        return None
    if isinstance(gtid, MariadbGtid) and isinstance(position.gtids, MariadbGtids):
        return _without(position.gtids, witness, gtid.domain)
    if isinstance(gtid, Gtid) and gtid.number:
        return _all_but(connection, gtid, patient=patient)
    return None


def _without(applied: MariadbGtids, witness: Witness, domain: int) -> GtidPosition:
    domains: dict[int, DomainGtid] = {**applied.domains}
    domains.pop(domain, None)
    before = getattr(witness.before, "gtids", None)
    if isinstance(before, MariadbGtids) and domain in before.domains:
        domains[domain] = before.domains[domain]
    return GtidPosition(MariadbGtids(domains))


def _all_but(connection: Connection[Any], gtid: Gtid, *, patient: bool) -> GtidPosition | None:
    """Return what MySQL has executed but this transaction; None if it has purged that."""
    if not _is_executed(connection, gtid, patient=patient):
        raise SourceDiverged.by_lack(
            f"the source does not have {gtid}, the last transaction that was applied",
            position=gtid,
            remedy=position_check.DIVERGED_REMEDY,
        )
    [(purged, others)] = rows(
        connection,
        "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_purged), GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)",
        str(gtid),
        str(gtid),
    )
    return None if purged else GtidPosition(GtidSet.parse(others))


def _is_executed(connection: Connection[Any], gtid: Gtid, *, patient: bool) -> bool:
    if patient:
        [(late,)] = rows(
            connection,
            "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)",
            str(gtid),
            position_check.VISIBLE_WITHIN_SECONDS,
        )
        return not late
    [(there,)] = rows(connection, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", str(gtid))
    return bool(there)


class _Found(NamedTuple):
    """A GTID event in a file of a log, and when that file was made.

    MariaDB dates by the second: after a RESET the same number may come in the same second. Its file
    then is not older than the transaction that had the number before. `is_alike`: it is of the time
    of the one that was applied; None if that is unknown.
    """

    event: Event
    file_created: int
    is_alike: bool | None


def _next(
    probe: Probe, position: GtidPosition, applied: Event, wanted: Gtid | MariadbGtid
) -> _Found | None:
    """Return the wanted transaction's GTID event; None if the log does not show it.

    On MySQL others, committed since, may come before it. On MariaDB it is the first of its domain,
    or it is not there.
    """
    created = 0
    try:
        with probe.looking(position) as found:
            for event in found:
                if event.type == EventType.FORMAT_DESCRIPTION:
                    created = event.timestamp
                gtid = gtid_events.read(event)
                if gtid is not None and str(gtid) == str(wanted):
                    return _Found(event, created, _is_of_its_time(applied, event, found))
                if isinstance(gtid, MariadbGtid) and gtid[0] == wanted[0]:
                    return None
    except ServerError:
        return None
    except ConnectionLost as error:
        if not isinstance(error.__cause__, TimeoutError):
            raise
    return None


def _is_galera(connection: Connection[Any]) -> bool:
    """Return whether each node of a Galera cluster dates the transactions of its log itself."""
    found = rows(connection, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    return any(str(value) == "ON" for _, value in found)


def _is_of_its_time(applied: Event, found: Event, following: Iterator[Event]) -> bool | None:
    """Return whether both were first committed at one time; None if the log ends too early.

    MariaDB dates the GTID event of a statement on its own by its beginning, and a replica's by its
    end. The events behind it have both times, and have them everywhere.
    """
    theirs, ours = (gtid_events.first_committed_at(each) for each in (found, applied))
    if theirs == ours or not theirs or not ours:
        return True
    gtid = gtid_events.read(found)
    if not isinstance(gtid, MariadbGtid):
        return False
    for event in following:
        if event.type == EventType.MARIADB_GTID:
            return False
        if event.timestamp == applied.timestamp:
            return True
        if _ends(event, gtid):
            return False
    return None


def _ends(event: Event, gtid: MariadbGtid) -> bool:
    """Return whether an event ends the transaction of a GTID."""
    if event.type not in (EventType.QUERY, EventType.QUERY_COMPRESSED):
        return event.type in (EventType.XID, EventType.XA_PREPARE)
    alone = MariadbGtidFlag.STANDALONE in gtid.flags
    return alone or query_event.uncompressed(event).statement in (b"COMMIT", b"ROLLBACK")


def _of_another_time(applied: Event, found: Event, gtid: Gtid | MariadbGtid) -> SourceDiverged:
    theirs, ours = (gtid_events.first_committed_at(each) for each in (found, applied))
    return SourceDiverged(
        f"{gtid} is another transaction on the source than the one that was applied: it was"
        f" committed at {_time(theirs)}, and the other at {_time(ours)}",
        position=gtid,
        remedy=position_check.DIVERGED_REMEDY,
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
