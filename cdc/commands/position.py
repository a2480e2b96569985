"""`cdc position`: shows and sets the stream's position."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from cdc.commands import Group, config_option, output_option
from cdc.config import Config, StartPosition, load
from cdc.config.start import LAST_OFFSET
from cdc.daemon.repair import Repair, repaired
from cdc.errors import CdcError, LeaseHeld, SourceDiverged, UsageError
from cdc.job_client import skip_transaction
from cdc.job_client.skip_transaction import Skip
from cdc.mapping.file.project import project_mappings
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, GtidPosition, to_document
from cdc.observability.passed_over import PassedOver, passed_over
from cdc.preflight.followed_tables import existing_now
from cdc.preflight.hosts import server_judge
from cdc.readers.binlog.accepted_host import HostChooser, require_movable
from cdc.readers.binlog.start_position import has_gtids, resolve_start
from cdc.readers.server import position_check
from cdc.readers.server.connection import SourceConnection, connect_source, is_mariadb
from cdc.readers.server.status import fetch
from cdc.terminal.counted import counted
from cdc.terminal.moments import moment
from cdc.terminal.output import in_a_line, say, say_json
from cdc.terminal.spelling import spelling
from cdc.writers import stream_admin
from cdc.writers.accepted_mappings import entries
from cdc.writers.ranges import require_begun

QUERY_SECONDS: Final = 30.0
OFFSETS: Final = click.IntRange(min=4, max=LAST_OFFSET)


@click.group(cls=Group)
def position() -> None:
    """Show or set where the stream stands."""


@position.command()
@config_option
@output_option
def show(config_path: Path, output: str) -> None:
    """Show the saved position: everything before it is in the target."""
    config = load(config_path)
    document = stream_admin.read(config)
    if document is None:
        raise CdcError(
            f"the stream {config.name} has no position yet",
            remedy="it gets one at its first start: cdc run",
        )
    facts = _facts(document)
    if output == "json":
        say_json(facts)
        return
    told = {"committed_at": document.get("committed_at"), "updated_at": document.get("updated_at")}
    for name, value in (facts | told).items():
        say(f"{name:12} {in_a_line(_plain(value))}")


@position.command("set")
@config_option
@click.option("--gtid", help="A GTID set that counts as applied; '' for nothing.")
@click.option("--file", help="A binlog file, on a source without GTIDs.")
@click.option("--offset", type=OFFSETS, help="A transaction boundary in the file.")
@click.option(
    "--start",
    "word",
    type=click.Choice(["earliest", "now"]),
    help="The oldest binlog that the source has, or its position now.",
)
@click.option("--resync", is_flag=True, help="Have every followed table resynced from there on.")
@click.option("--yes", is_flag=True, help="Do it; without it nothing is changed.")
@click.option("--force", is_flag=True, help="Do it though a daemon is active.")
def set_position(
    config_path: Path,
    gtid: str | None,
    file: str | None,
    offset: int | None,
    word: str | None,
    resync: bool,
    yes: bool,
    force: bool,
) -> None:
    """Make the stream go on at another position.

    What lies between the two is skipped or applied again: documents may then differ from the
    source until their tables are resynced, as by --resync. Refused while a daemon is active; with
    --force that one drops what it is at and goes on at the new position.
    """
    config = load(config_path)
    before = stream_admin.read(config)
    require_begun(before)
    wanted = _resolved(config, _wanted(gtid, file, offset, word), before, resync=resync)
    passed = _passed_over(config, before, wanted)
    change = f"{_place(before)} → {str(wanted.position) or 'nothing applied'}"
    told = f"{change}; that {passed}" if passed else change
    if not yes:
        raise UsageError(f"this would move {config.name}: {told}", remedy="repeat it with --yes")
    mappings = project_mappings(config, config_path)
    accepted = entries(mappings, datetime.now(UTC))
    tables = existing_now(config, mappings) if resync and before else []
    repair = repaired(config.name, mappings, tables, by="position set")
    stream_admin.set_position(config, wanted, mappings=accepted, force=force, jobs=repair.jobs)
    say(f"moved {config.name}: {told}", err=True)
    _tell_repair(repair)
    if passed and passed.may_skip and not resync:
        say(
            "what was skipped is not in the target until every table is resynced: "
            + spelling()("cdc resync --all"),
            err=True,
        )


@position.command()
@config_option
@output_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Do it though a daemon is active.")
def skip(config_path: Path, output: str, yes: bool, force: bool) -> None:
    """Step over the next transaction alone, and have the tables that it touched resynced.

    It is shown first: its tables and how much of each, and no value. Where it cannot be told which
    tables it touched, all that are followed are resynced. Refused while a daemon is active.
    """
    config = load(config_path)
    state = stream_admin.read(config)
    if state is None:
        raise UsageError(
            f"the stream {config.name} has no position yet",
            remedy="it gets one at its first start: cdc run",
        )
    require_begun(state)
    if not force and (active := stream_admin.active_owner(config)) is not None:
        raise LeaseHeld(
            f"the daemon of {config.name} is active: {active}",
            remedy="stop it first; or add --force",
        )
    found = skip_transaction.plan(
        config, project_mappings(config, config_path), Checkpoint.from_document(state)
    )
    if output == "table":
        say("\n".join(_lines(found)))
    done = yes or _confirmed(config)
    if done:
        skip_transaction.carry_out(config, found, force=force)
    if output == "json":
        say_json({**found.shown(), "done": done})
    if not done:
        raise UsageError(
            f"this would step {config.name} over {found.outline.identity}",
            remedy="repeat it with --yes",
        )
    say(f"stepped over {found.outline.identity}", err=True)
    _tell_repair(found.repair)


def _confirmed(config: Config) -> bool:
    """Ask on a terminal; elsewhere the answer is no."""
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"step {config.name} over it?", err=True, abort=True)


def _lines(found: Skip) -> Iterator[str]:
    facts = found.shown()
    yield f"transaction   {facts['transaction']}"
    yield f"committed at  {moment(datetime.fromtimestamp(facts['committed_at'], UTC))}"
    if applied := facts["applied_rows_events"]:
        yield f"applied       {counted(applied, 'rows event')} of it, the rest would be left out"
    for each in facts["tables"]:
        number = each["rows_events"]
        changed = f"its rows change in {counted(number, 'event')}" if number else "no row changes"
        followed = "followed" if each["followed"] else "not followed"
        yield f"table         {in_a_line(each['table'])}: {changed}, {followed}"
    for each in facts["statements"]:
        tables = ", ".join(map(in_a_line, each["tables"])) or "tables not known"
        yield f"statement     {each['statement']}: {tables}"
    for each in facts["unclear"]:
        yield f"unclear       {each}: every followed table is resynced"
    for job in found.repair.jobs:
        yield f"{job.kind:13} {in_a_line(job.table)}"
    for each in found.repair.left:
        yield f"not repaired  {each}"


def _tell_repair(repair: Repair) -> None:
    for job in repair.jobs:
        say(f"queued: {job.kind} of {in_a_line(job.table)}", err=True)
    for each in repair.left:
        say(f"not repaired: {each}", err=True)
    if repair.jobs:
        told = "the daemon does it when it runs: cdc run; and cdc jobs list shows it"
        say(spelling()(told), err=True)


def _passed_over(
    config: Config, before: dict[str, Any] | None, wanted: Checkpoint
) -> PassedOver | None:
    if before is None:
        return None
    old = Checkpoint.from_document(before).position
    return passed_over(old, wanted.position, fetch(config.source, wanted.server))


def _wanted(
    gtid: str | None, file: str | None, offset: int | None, word: str | None
) -> str | StartPosition:
    given = [each for each in (gtid, file, word) if each is not None]
    if len(given) != 1 or (file is None) != (offset is None):
        raise UsageError(
            "name one position",
            remedy="write --gtid SET, or --file NAME --offset BYTES, or --start earliest|now",
        )
    try:
        return word or StartPosition(gtid=gtid, file=file, offset=offset)
    except ValidationError as error:
        raise UsageError(
            f"{file} is no binlog file's name",
            remedy="write one that SHOW BINARY LOGS lists, as in binlog.000007",
        ) from error


def _resolved(
    config: Config, wanted: str | StartPosition, before: dict[str, Any] | None, *, resync: bool
) -> Checkpoint:
    """Resolve the position; refuse one that the source cannot continue from, or without GTIDs."""
    source = HostChooser(config.source, server_judge(config, ())).fit()
    checkpoint = resolve_start(source, wanted, copied=resync)
    require_movable(config.source, checkpoint.position)
    by_gtids = before is not None and isinstance(
        Checkpoint.from_document(before).position, GtidPosition
    )
    with closing(connect_source(source, read_timeout=QUERY_SECONDS)) as connection:
        mariadb = is_mariadb(connection)
        if by_gtids and isinstance(checkpoint.position, FilePosition):
            _require_no_gtids(connection, checkpoint.position, mariadb=mariadb)
        try:
            position_check.check(connection, checkpoint.position, mariadb=mariadb)
        except SourceDiverged as error:
            raise SourceDiverged(
                f"the source has not executed all of {checkpoint.position}",
                remedy="name a part of what it has: SELECT @@GLOBAL.gtid_executed"
                " (MariaDB: @@GLOBAL.gtid_binlog_pos)",
            ) from error
    return checkpoint


def _require_no_gtids(connection: SourceConnection, wanted: FilePosition, *, mariadb: bool) -> None:
    if has_gtids(connection, mariadb=mariadb):
        raise UsageError(
            "the stream is positioned by GTIDs, and so is its source: by file and offset it could"
            " neither move to another server nor read tables in chunks",
            remedy="write --gtid SET, what was executed before that place: "
            + (
                f"SELECT BINLOG_GTID_POS('{wanted.file}', {wanted.offset})"
                if mariadb
                else f"SHOW BINLOG EVENTS IN '{wanted.file}', its Previous_gtids and what follows"
                f" up to {wanted.offset}"
            ),
        )


def _place(document: dict[str, Any] | None) -> str:
    if document is None:
        return "no position"
    return str(Checkpoint.from_document(document).position) or "nothing applied"


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    checkpoint = Checkpoint.from_document(document)
    return {
        "stream": document["_id"],
        "position": to_document(checkpoint.position),
        "inflight": document.get("inflight"),
        "server": checkpoint.server,
        "sequence": document.get("sequence"),
        "epoch": document.get("epoch"),
        "committed_at": _time(document.get("committed_at")),
        "updated_at": _time(document.get("updated_at")),
        "owner": _owner(document.get("owner")),
    }


def _owner(owner: dict[str, Any] | None) -> dict[str, Any] | None:
    return {key: owner.get(key) for key in ("host", "pid")} if owner else None


def _time(value: Any) -> str | None:
    return value.isoformat() if value is not None else None


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, datetime):
        return moment(value)
    return "-" if value is None else str(value)
