"""Chooses the host that a stream reads: the first whose log certainly goes on from a checkpoint.

`docs/architecture.md`, "Several hosts of one source", has the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from cdc.config.address import Address
from cdc.errors import CdcError, Retryable, SourceDiverged, UsageError
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, GtidSet, MariadbGtids, Position
from cdc.model.server_facts import SourceFacts
from cdc.readers.binlog.history import proof
from cdc.readers.server import seen
from cdc.readers.server.connection import (
    SourceConnection,
    asking,
    close_connection,
    connect_source,
    is_mariadb,
)
from cdc.readers.server.facts import fetch_source_facts, is_fed
from cdc.readers.server.hosts import Refused, first_usable, tell_refused
from cdc.readers.server.position_check import VISIBLE_WITHIN_SECONDS

if TYPE_CHECKING:
    from cdc.config import SourceConfig

QUERY_SECONDS: Final = 30.0
"""The limit for the queries before a dump; one of them waits for the source to catch up."""

REPLICA_SECONDS: Final = 1
"""The limit within which a replica must show the position: another host may have it already."""

RequireFit = Callable[[SourceFacts], None]
"""Raises Unfit for a server whose settings are not fit for a stream."""

log = structlog.get_logger(__name__)


class Lagging(Retryable):
    """The host lacks transactions that were read from another one."""


class WroteItself(Retryable):
    """The host is read-only, and has committed what no other host has shown."""


class Accepted(NamedTuple):
    """A host that a stream can be read from: a session, and how the server can continue."""

    connection: SourceConnection
    continued: proof.Continued
    read_only: bool = False


def _anything(_facts: SourceFacts) -> None:
    return None


class HostChooser:
    """Tries the hosts of a source in turn; remembers nothing of them but what it has logged.

    One thread at a time may use it.
    """

    def __init__(
        self,
        source: SourceConfig,
        require_fit: RequireFit = _anything,
        *,
        ahead: Sequence[Position] = (),
        beyond: Checkpoint | None = None,
        refused: Refused = tell_refused,
    ) -> None:
        """`require_fit` judges a server's settings where there are several hosts.

        Documents may hold what is in `ahead`: until a checkpoint is behind it a host must have it.
        Some hold the last transaction before `beyond`: until then its history must be the host's.
        `refused` is told of hosts that cannot serve, each once until one can.
        """
        self._source = source
        self._ahead = ahead
        self._beyond = beyond
        self._require_fit = require_fit
        self._refused = refused
        self._told: dict[Address, str] = {}
        self._passed_over: dict[Address, tuple[Position, CdcError]] = {}

    def accepted(self, checkpoint: Checkpoint) -> Accepted:
        """Connect to a host that has all of the checkpoint, and all that follows it.

        Raises what `history.proof.server_continuing` does if the only host, or every one, never
        will; Retryable if one of them may.
        """
        require_movable(self._source, checkpoint.position)
        found = first_usable(
            self._source,
            lambda host: self.judged(host, checkpoint),
            drop=lambda each: close_connection(each.connection),
            is_preferred=lambda each: self._is_preferred(read_only=each.read_only),
            refused=self._tell,
        )
        self._told.clear()
        return found

    def fit(self) -> SourceConfig:
        """Return the source with a host whose settings are fit, to begin a stream on."""
        found, _ = first_usable(
            self._source,
            self._fit,
            drop=lambda _: None,
            is_preferred=lambda each: self._is_preferred(read_only=each[1]),
            refused=self._tell,
        )
        self._told.clear()
        return found

    def answering(self, checkpoint: Checkpoint) -> SourceConfig:
        """Return the source with a host that has seen all of the checkpoint; raises as `accepted`.

        A source of one host is returned as it is.
        """
        if len(self._source.addresses) == 1:
            return self._source
        connection = self.accepted(checkpoint).connection
        close_connection(connection)
        return connection.source

    def pass_over(self, host: Address, position: Position, error: CdcError) -> CdcError:
        """Return what to raise for a host that was accepted and cannot continue all the same.

        Where there are others it is refused for as long as the position stands there.
        """
        if len(self._source.addresses) == 1:
            return error
        self._passed_over[host] = (position, error)
        return Retryable(f"{host}: {error.message}", position=error.position, remedy=error.remedy)

    def _is_preferred(self, *, read_only: bool) -> bool:
        return read_only or not self._source.prefer_read_only

    def _tell(self, host: Address, error: CdcError) -> None:
        if self._told.get(host) != error.message:
            self._told[host] = error.message
            self._refused(host, error)

    def judged(self, host: SourceConfig, checkpoint: Checkpoint) -> Accepted:
        """Connect to one of the hosts; raises why it cannot be read."""
        position, error = self._passed_over.get(host.address, (None, None))
        if error is not None and position == checkpoint.position:
            raise error
        connection = connect_source(host, read_timeout=QUERY_SECONDS)
        try:
            with connection.understood():
                if host is self._source:
                    return self._accepted_alone(connection, checkpoint)
                return self._accepted_as_fit(connection, checkpoint)
        except BaseException:
            close_connection(connection)
            raise

    def _fit(self, host: SourceConfig) -> tuple[SourceConfig, bool]:
        """Return the host and whether it is read-only; raises if it is not fit."""
        if host is self._source:
            return host, False
        with asking(host, read_timeout=QUERY_SECONDS) as connection:
            facts = fetch_source_facts(connection)
        self._require_fit(facts)
        return host, facts.read_only

    def _accepted_alone(self, connection: SourceConnection, checkpoint: Checkpoint) -> Accepted:
        """Judge the only host, whose address may mean another server than it did before."""
        try:
            return Accepted(connection, self._continued(connection, checkpoint))
        except SourceDiverged as error:
            if error.lacking and is_fed(connection):
                raise _lagging(error) from error
            raise

    def _accepted_as_fit(self, connection: SourceConnection, checkpoint: Checkpoint) -> Accepted:
        facts = fetch_source_facts(connection)
        self._require_fit(facts)
        patience = REPLICA_SECONDS if facts.gets_more else VISIBLE_WITHIN_SECONDS
        try:
            continued = self._continued(connection, checkpoint, patience_seconds=patience)
        except SourceDiverged as error:
            if error.lacking and facts.gets_more:
                raise _lagging(error) from error
            raise
        if facts.read_only and (own := committed_itself(facts, checkpoint.position)):
            raise WroteItself(
                f"it is read-only, and has committed {own} itself, which the stream has not read"
                " from another host",
                remedy="if it was the primary until now, wait until another host has them; if"
                " somebody has written to a replica, rebuild it and set super_read_only there",
            )
        return Accepted(connection, continued, facts.read_only)

    def _continued(
        self,
        connection: SourceConnection,
        checkpoint: Checkpoint,
        patience_seconds: int = VISIBLE_WITHIN_SECONDS,
    ) -> proof.Continued:
        mariadb = is_mariadb(connection)
        proved = partial(
            proof.server_continuing,
            connection,
            mariadb=mariadb,
            connect=partial(connect_source, connection.source, read_timeout=QUERY_SECONDS),
            patience_seconds=patience_seconds,
        )
        continued = proved(checkpoint)
        if self._beyond and not checkpoint.position.contains(self._beyond.position):
            proved(self._beyond)
        ahead = [each for each in self._ahead if not checkpoint.position.contains(each)]
        seen.require(connection, ahead, mariadb=mariadb, patience_seconds=patience_seconds)
        return continued


def _lagging(error: SourceDiverged) -> Lagging:
    return Lagging(
        f"it lags: {error.message}",
        remedy="nothing, if its replication catches up; if that has an error, mend it",
    )


def require_movable(source: SourceConfig, position: Position) -> None:
    """Raise UsageError if the source has several hosts, and only one of them knows the position."""
    if isinstance(position, FilePosition) and len(source.addresses) > 1:
        raise UsageError(
            f"source.hosts has {len(source.addresses)} hosts, and the stream's position is a file"
            " of one of them, which no other can continue",
            position=position,
            remedy="write the host that it was read from as source.host; or turn on GTIDs on all"
            " hosts, and begin anew there:"
            " cdc position set --start now --resync --yes",
        )


def committed_itself(facts: SourceFacts, position: Position) -> str:
    """Return the GTIDs beyond the position that the server has committed as their first server."""
    if isinstance(position, FilePosition):
        return ""
    gtids = position.gtids
    if isinstance(gtids, MariadbGtids):
        return ",".join(_of_mariadb(facts, gtids))
    return str(_of_mysql(facts, gtids))


def _of_mysql(facts: SourceFacts, applied: GtidSet) -> GtidSet:
    own = GtidSet()
    for source, (first, last) in GtidSet.parse(facts.variable("gtid_executed")):
        if source.uuid == facts.variable("server_uuid").lower():
            interval = GtidSet().with_interval(source, first, last)
            if not applied.contains(interval):
                own = own.with_interval(source, first, last)
    return own


def _of_mariadb(facts: SourceFacts, applied: MariadbGtids) -> list[str]:
    own = []
    for gtid in filter(None, facts.variable("gtid_binlog_state").split(",")):
        domain, server_id, sequence = map(int, gtid.split("-"))
        last = applied.domains.get(domain)
        beyond = last is None or last.sequence < sequence
        if beyond and str(server_id) == facts.variable("server_id"):
            own.append(gtid)
    return own
