"""Judges whether the source can continue from a stream's position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cdc.config import Config, SourceConfig, StartPosition
from cdc.errors import Halted, PositionPurged, UsageError
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Done
from cdc.model.first_copy import ahead_of
from cdc.model.last_end import LastEnd
from cdc.preflight.findings import Finding, Outcome
from cdc.preflight.hosts import each_host_judged
from cdc.preflight.rules.source import xa_finding
from cdc.readers.binlog.accepted_host import QUERY_SECONDS, HostChooser, require_movable
from cdc.readers.binlog.start_position import start_from_config
from cdc.readers.server import xa
from cdc.readers.server.connection import asking, close_connection, is_mariadb
from cdc.readers.server.facts import current_account
from cdc.readers.server.hosts import say_nothing
from cdc.terminal.moments import moment
from cdc.terminal.output import joined
from cdc.writers import stream_admin
from cdc.writers.errors import explained
from cdc.writers.ranges import is_held

POSITION: Final = "position"
LAST_END: Final = "last end"


def examine_position(config: Config) -> Iterator[Finding]:
    """Judge whether the source can continue from the stream's position, saved or configured.

    Of several hosts each is judged.
    """
    with explained():
        state = stream_admin.read(config)
    saved = Checkpoint.from_document(state) if state is not None else None
    if (last := LastEnd.of(state)) is not None:
        said = f"the last daemon ended at {moment(last.at)}: {joined(last.message)}"
        yield Finding(LAST_END, Outcome.WARNING, said, joined(last.remedy or ""))
    if saved is None and not isinstance(config.start, StartPosition):
        source = config.source  # its hosts have findings of their own
        with asking(source, read_timeout=QUERY_SECONDS, refused=say_nothing) as connection:
            yield xa_finding(xa.undecided(connection), current_account(connection))
        return
    try:
        if saved is not None:
            require_movable(config.source, saved.position)
        yield from each_host_judged(
            POSITION,
            config.source,
            lambda host: _examine_host(config, host, saved, state or {}),
        )
    except UsageError as error:
        yield Finding(POSITION, Outcome.WRONG, error.message, error.remedy or "")


def remedy_while_held(error: Halted, stream: str) -> str:
    """Return what to do where a held stream cannot begin: nobody may move it."""
    anew = f"begin anew: cdc stream remove {stream} --documents"
    if isinstance(error, PositionPurged):
        return f"keep binlogs on the source for as long as the copy takes; then {anew}"
    return anew


def _examine_host(
    config: Config, host: SourceConfig, saved: Checkpoint | None, state: Mapping[str, Any]
) -> Iterator[Finding]:
    checkpoint = saved or _configured(config, host)
    try:
        hosts = HostChooser(config.source, ahead=ahead_of(state), beyond=Done.of(state).last)
        close_connection(hosts.judged(host, checkpoint).connection)
    except Halted as error:
        remedy = remedy_while_held(error, config.name) if is_held(state) else error.remedy
        yield Finding(POSITION, Outcome.UNFIT, error.message, remedy or "")
    else:
        position = str(checkpoint.position) or "nothing applied"
        yield Finding(POSITION, Outcome.OK, f"the source has all that follows {position}")


def _configured(config: Config, host: SourceConfig) -> Checkpoint:
    assert isinstance(config.start, StartPosition)
    with asking(host, read_timeout=QUERY_SECONDS) as connection:
        return Checkpoint(start_from_config(config.start, mariadb=is_mariadb(connection)))
