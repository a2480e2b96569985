"""`cdc status`: whether the stream runs, its position, and its lag; or all streams at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import click

from cdc.commands import config_option, output_option
from cdc.config import Config, load
from cdc.errors import Retryable
from cdc.model.job import JobState, told
from cdc.model.telemetry import Role
from cdc.observability import fleet
from cdc.observability import status as examined
from cdc.terminal.columns import BETWEEN, padded
from cdc.terminal.counted import counted
from cdc.terminal.moments import moment
from cdc.terminal.output import Colour, coloured, escaped, in_a_line, joined, say, say_escaped
from cdc.terminal.spelling import spelling
from cdc.terminal.waiting import WaitingLine

WATCH_SECONDS: Final = 2.0

POSITION_LETTERS: Final = 150
"""The most of a position that the table shows."""


class Show(Protocol):
    """Draws a status, foreign texts in it escaped; returns it, and the exit code."""

    def __call__(self, config: Config, output: str, *, lines: bool) -> tuple[str, int]:
        """Return JSON of many `lines`, or of one; or a table."""
        ...


@click.command()
@config_option
@output_option
@click.option("--watch", is_flag=True, help="Draw it again every two seconds, until Ctrl-C.")
@click.option(
    "--all", "every", is_flag=True, help="Every stream of the state database, the worst first."
)
@click.pass_context
def status(ctx: click.Context, config_path: Path, output: str, watch: bool, every: bool) -> None:
    """Tell whether the stream runs, where it stands and how far it is behind.

    From the target's checkpoint and the source, so that it is true when no daemon runs too. Exits
    1 where the target cannot be asked.

    With --all a line for each stream, from the target alone: its lag is what its daemon told last,
    a few seconds ago at most.
    """
    config = load(config_path)
    show = _fleet if every else _stream
    if not watch:
        drawn, code = show(config, output, lines=True)
        say_escaped(drawn)
        ctx.exit(code)
    while True:
        _draw_again(show, config, output)
        time.sleep(WATCH_SECONDS)


def _draw_again(show: Show, config: Config, output: str) -> None:
    """Draw it in place of what was there; an unreachable target is told, and asked again."""
    try:
        drawn, _ = show(config, output, lines=False)
    except Retryable as error:
        say(in_a_line(error.message), err=True)
        return
    if output == "table":
        click.clear()
    say_escaped(drawn)


def _stream(config: Config, output: str, *, lines: bool) -> tuple[str, int]:
    """Return the stream's status as it is shown, and the exit code."""
    with WaitingLine() as line:
        facts = examined.examine(config, asks=line.show)
    drawn = _as_json(facts, lines=lines) if output == "json" else _table(facts)
    return drawn, 0 if facts["target"]["reachable"] else 1


def _fleet(config: Config, output: str, *, lines: bool) -> tuple[str, int]:
    """Return every stream's status as it is shown, and the exit code.

    Raises Retryable if the target does not answer.
    """
    facts = fleet.examine(config)
    return (_as_json(facts, lines=lines) if output == "json" else _fleet_table(facts)), 0


def _as_json(facts: dict[str, Any] | list[dict[str, Any]], *, lines: bool) -> str:
    return escaped(json.dumps(facts, ensure_ascii=False, indent=2 if lines else None))


_COLUMNS: Final = ("STREAM", "STATE", "LAG", "JOBS", "LETTERS", "OWED", "UPDATED", "DAEMON")
_STATE: Final = _COLUMNS.index("STATE")


def _fleet_table(streams: list[dict[str, Any]]) -> str:
    if not streams:
        return "no stream has begun in this state database"
    rows = padded([_COLUMNS, *map(_fleet_row, streams)])
    for cells, each in zip(rows[1:], streams, strict=True):
        cells[_STATE] = coloured(cells[_STATE], _colour(each["state"]))
    return "\n".join(BETWEEN.join(cells).rstrip() for cells in rows)


def _fleet_row(facts: dict[str, Any]) -> tuple[str, ...]:
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(facts["jobs"].items()))
    ago = facts["updated_seconds_ago"]
    return tuple(
        in_a_line("-" if each is None else each)
        for each in (
            facts["stream"],
            facts["state"],
            _unit(facts["lag_seconds"], "s"),
            jobs or None,
            facts["dead_letters_open"] or None,
            facts["embeds_owed"] or None,
            None if ago is None else f"{timedelta(seconds=round(ago))} ago",
            _who(facts),
        )
    )


def _who(facts: dict[str, Any]) -> str | None:
    """Return who runs a stream, or what has ended the last one who did."""
    if facts["active"]:
        return "process {pid} on {host}".format(**facts["active"])
    return facts["ended_by"] and "ended by {error}".format(**facts["ended_by"])


class _Coloured(NamedTuple):
    value: Any
    colour: Colour | None

    def __str__(self) -> str:
        return coloured("-" if self.value is None else self.value, self.colour)


def _colour(state: str) -> Colour | None:
    """Return the colour of a stream's state."""
    if state in {Role.ACTIVE.value, Role.COPYING.value, Role.STANDBY.value}:
        return "green"
    return "red" if state in {"stopped", "unknown"} else "yellow"


def _side(side: dict[str, Any], reached: str) -> _Coloured:
    if not side["error"]:
        return _Coloured(reached, "green")
    remedy = spelling()(side.get("remedy") or "")
    return _Coloured("; ".join(filter(None, (side["error"], remedy))), "red")


def _shortened(position: str | None) -> str | None:
    """Return a position that fits on two lines of a terminal."""
    if position is None or len(position) <= POSITION_LETTERS:
        return position
    rest = "; all of it: cdc position show"
    return f"{position[:POSITION_LETTERS]} and {len(position) - POSITION_LETTERS} letters{rest}"


def _with_age(time: str | None) -> str | None:
    """Return a time of the facts with how long ago that was."""
    if time is None:
        return None
    at = datetime.fromisoformat(time)
    ago = timedelta(seconds=max(0, round((datetime.now(UTC) - at).total_seconds())))
    return f"{moment(at)}, {ago} ago"


def _table(facts: dict[str, Any]) -> str:
    letters = facts["dead_letters_open"]
    shown = {
        "stream": facts["stream"],
        "state": _Coloured(facts["state"], _colour(facts["state"])),
        "active": facts["active"] and "process {pid} on {host}".format(**facts["active"]),
        **_ended(facts["ended_by"]),
        **_process(facts["process"]),
        "lag": _lag(facts),
        "behind": _behind(facts),
        "bytes behind": _bytes(facts),
        "headroom": _headroom(facts),
        "dead letters": _Coloured(facts["dead_letters_open"], "yellow" if letters else None),
        "position": _shortened(facts["position"]),
        "committed at": _with_age(facts["committed_at"]),
        "updated at": _with_age(facts["updated_at"]),
        "source": _side(facts["source"], f"reachable: {facts['source']['host']}"),
        "target": _side(facts["target"], "reachable"),
    }
    owed = [
        (f"owed {each['collection']}", f"{each['path']}: {each['debts']} since {each['since']}")
        for each in facts["embeds_owed"] or ()
    ]
    copied = _copied(facts["copying"])
    appliers = [
        (
            "applier",
            "process {pid} on {host}, {of}".format(**each, of=counted(each["lanes"], "lane")),
        )
        for each in facts["appliers"] or ()
    ]
    jobs = [
        (
            f"job {each['table']}",
            _Coloured(
                spelling()(_job(each, held=facts["copying"] is not None)),
                "red" if each["state"] == "failed" else None,
            ),
        )
        for each in facts["jobs"] or ()
    ]
    return "\n".join(
        f"{in_a_line(name):13} {value if isinstance(value, _Coloured) else _Coloured(value, None)}"
        for name, value in (*shown.items(), *appliers, *copied, *owed, *jobs)
    )


def _ended(ended_by: dict[str, Any] | None) -> dict[str, Any]:
    """Return what has ended the last daemon, and what to do about it."""
    if ended_by is None:
        return {}
    at = moment(datetime.fromisoformat(ended_by["at"]))
    said = f"{at}, {ended_by['error']}: {joined(ended_by['message'])}"
    remedy = spelling()(joined(ended_by["remedy"] or ""))
    return {
        "ended": _Coloured(said, "red"),
        **({"remedy": _Coloured(remedy, "red")} if remedy else {}),
    }


def _copied(copying: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield a line for each table of a first copy, and for each of its workers."""
    if copying is None:
        return
    for table in copying["tables"]:
        done = ", done" if table["done"] else ""
        of = None if table["done"] else table["rows_estimated"]
        yield f"copied {table['table']}", f"{counted(table['rows'], 'row', of=of)}{done}"
    for each in copying["workers"]:
        rows = counted(each["rows"], "row")
        yield "worker", f"{each['worker']}: {rows}, {each['rows_per_second']} rows/s"


def _job(job: dict[str, Any], *, held: bool) -> str:
    left = job["seconds_left"]
    rest = "" if left is None else f", about {timedelta(seconds=round(left))} left"
    error = f": {joined(job['error'])}" if job["error"] else ""
    over = f"; or let it be: cdc jobs cancel {job['id']}" if job["state"] == "failed" else ""
    state = told(JobState(job["state"]), waits=job["waits"], held=held)
    rows = counted(job["rows"], "row", of=job["rows_estimated"])
    return f"{job['kind']} {state}, {rows}{rest}{error}{over}"


_ATTENDANCE: Final = {
    "not asked": "no applier was needed yet: they are asked once a batch is full",
    "attended": "each has an applier",
    "unattended": "appliers are lacking, so the daemon writes alone: start cdc run --role apply",
}
"""By what a daemon says of the lanes that appliers write."""


def _process(process: dict[str, Any] | None) -> dict[str, str]:
    """Return the state of the daemon on this host."""
    if process is None:
        return {}
    rates = process["per_second"]
    shown = {
        "here": f"{process['role']} for {timedelta(seconds=round(process['role_seconds']))}",
        "native module": process["native"],
        "last minute": f"{rates['transactions']:g} transactions/s, {rates['operations']:g} rows/s",
    }
    if attendance := _ATTENDANCE.get(process.get("attendance") or ""):
        shown["lanes"] = spelling()(attendance)
    if published := process.get("published"):
        shown["published"] = f"{published['messages']} messages"
    for side, trouble in process["trouble"].items():
        if trouble:
            since = timedelta(seconds=round(trouble["seconds"]))
            shown[f"{side} lost"] = f"trying again for {since}: {trouble['error']}"
    return shown


def _headroom(facts: dict[str, Any]) -> str | None:
    """Return how much log the source would purge before the file that is read."""
    if facts["bytes_behind"] == 0:
        return "all is read"
    if facts["binlog_headroom_bytes"] == 0:
        return "the source has no binlog before the one that is read next"
    return _unit(facts["binlog_headroom_bytes"], "bytes of older binlogs")


def _is_measured(facts: dict[str, Any]) -> bool:
    """Return whether an active daemon of this host tells its place; else it is looked up."""
    process = facts["process"]
    return process is not None and process.get("reading") is not None


def _lag(facts: dict[str, Any]) -> str | None:
    """Return the lag; without a daemon's word it is the age of what was applied last."""
    lag = facts["lag_seconds"]
    told = _unit(lag, "s")
    if not lag or _is_measured(facts):
        return told
    return f"{told} at most: so old is what was applied last"


def _behind(facts: dict[str, Any]) -> str | None:
    number = facts["transactions_behind"]
    if number is None:
        return None
    is_read = number and facts["bytes_behind"] == 0 and _is_measured(facts)
    return counted(number, "transaction") + (", read already" if is_read else "")


def _bytes(facts: dict[str, Any]) -> str | None:
    number = facts["bytes_behind"]
    if not number or _is_measured(facts):
        return None if number is None else str(number)
    return f"{number} at most: counted from the beginning of its binlog"


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:g} {unit}"
