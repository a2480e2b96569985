"""`cdc dead-letters`: the rows that could not be carried over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from cdc.commands import Group, config_option, output_option
from cdc.config import Config, load
from cdc.errors import UsageError
from cdc.job_client.retry_letters import retried
from cdc.job_client.short_ids import only, shortened
from cdc.mapping.file.problems import did_you_mean
from cdc.model.dead_letter import DeadLetter, LetterState
from cdc.terminal.columns import aligned
from cdc.terminal.moments import moment
from cdc.terminal.output import in_a_line, say, say_json
from cdc.terminal.spelling import spelling
from cdc.writers.connection import asking_target
from cdc.writers.dead_letters.queries import DeadLetters, letters_of

STILL_OPEN: Final = 1

_ids = click.argument("letters", metavar="LETTER…", nargs=-1)
_table = click.option("--table", metavar="SCHEMA.TABLE", help="Those of this table.")


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """Show, retry and discard rows that could not be carried over."""


@dead_letters.command("list")
@config_option
@output_option
@_table
@click.option("--all", "every", is_flag=True, help="Also those that are resolved or discarded.")
def list_letters(config_path: Path, output: str, table: str | None, every: bool) -> None:
    """List the open letters, the one that failed last at the end."""
    states = tuple(LetterState) if every else (LetterState.OPEN,)
    with _letters(load(config_path)) as known:
        found = known.all(table=table, states=states)
    if output == "json":
        say_json([each.to_document() for each in found])
        return
    if not found:
        say(f"there is no {'' if every else 'open '}dead letter", err=True)
        return
    _say_lines(found)


@dead_letters.command()
@click.argument("letter")
@config_option
@output_option
def show(letter: str, config_path: Path, output: str) -> None:
    """Show all that is known of a letter, its row too, as the mapping shows it.

    LETTER is any beginning of its id.
    """
    with _letters(load(config_path)) as known:
        [found] = _named(known, [letter])
    if output == "json":
        say_json(found.to_document())
        return
    for name, value in found.to_document().items():
        say(f"{name:12} {in_a_line(_plain(value))}")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    return "-" if value in (None, "") else str(value)


@dead_letters.command()
@_ids
@config_option
@output_option
@_table
@click.option("--all", "every", is_flag=True, help="All that are open.")
def retry(
    letters: tuple[str, ...], config_path: Path, output: str, table: str | None, every: bool
) -> int:
    """Read the rows again at the source and make their documents equal to them.

    LETTER is any beginning of its id. What was stored is never applied. If a row is gone, so is its
    document, as on_delete says. A running daemon does it; without one this command does. Exits 1 if
    a letter is open in the end.
    """
    config = load(config_path)
    with _letters(config) as known:
        chosen = _chosen(known, letters, table, every=every)
        jobs = retried(config, config_path, chosen)
        ended = _named(known, [each.id for each in chosen])
    if output == "json":
        say_json([each.to_document() for each in ended])
    else:
        _say_lines(ended)
    for job in jobs:
        if job.error:
            say(spelling()(f"{job.table}: {job.error}"), err=True)
    return STILL_OPEN if any(each.state is LetterState.OPEN for each in ended) else 0


@dead_letters.command()
@_ids
@config_option
@_table
@click.option("--all", "every", is_flag=True, help="All that are open.")
def discard(letters: tuple[str, ...], config_path: Path, table: str | None, every: bool) -> None:
    """Say that letters do not matter; their documents stay as they are.

    LETTER is any beginning of its id.
    """
    with _letters(load(config_path)) as known:
        for each in _chosen(known, letters, table, every=every):
            moved = known.discard(each.id)
            say(f"{each.id}: {'discarded' if moved else 'no longer open'}", err=True)


@contextmanager
def _letters(config: Config) -> Iterator[DeadLetters]:
    with asking_target(config.target) as client:
        yield letters_of(config, client)


def _chosen(
    known: DeadLetters, letters: Sequence[str], table: str | None, *, every: bool
) -> list[DeadLetter]:
    """Return the open letters that were named, by id, by table or all."""
    if bool(letters) + (table is not None) + every != 1:
        raise UsageError(
            "name letters by their ids, or write --table SCHEMA.TABLE, or --all",
            remedy="see which there are: cdc dead-letters list",
        )
    if table is not None:
        return _of_table(known, table)
    if every:
        return known.all()
    found = _named(known, letters)
    for each in found:
        if each.state is not LetterState.OPEN:
            raise UsageError(f"the dead letter {each.id} is {each.state}")
    return found


def _of_table(known: DeadLetters, table: str) -> list[DeadLetter]:
    found = known.all(table=table)
    if not found:
        tables = sorted({each.table for each in known.all()})
        raise UsageError(
            f"no open dead letter is of {table}{did_you_mean(table, tables)}",
            remedy="see which there are: cdc dead-letters list",
        )
    return found


def _named(known: DeadLetters, letters: Sequence[str]) -> list[DeadLetter]:
    found = []
    for each in letters:
        remedy = "see which there are: cdc dead-letters list --all"
        letter = known.get(only("dead letter", each, known.beginning(each), remedy))
        if letter is None:  # it has gone since
            raise UsageError(f"there is no dead letter {each}", remedy=remedy)
        found.append(letter)
    return found


_COLUMNS: Final = ("LETTER", "LAST (UTC)", "TIMES", "STATE", "TABLE", "COLLECTION", "ID", "REASON")


def _say_lines(letters: Sequence[DeadLetter]) -> None:
    short = shortened([each.id for each in letters])
    for line in aligned([_COLUMNS, *(_row(each, short[each.id]) for each in letters)]):
        say(line)


def _row(letter: DeadLetter, identity: str) -> tuple[str, ...]:
    key = "-" if not letter.has_key else repr(letter.key)
    return tuple(
        in_a_line(each)
        for each in (
            identity,
            f"{letter.last_at:%Y-%m-%d %H:%M:%S}",
            letter.count,
            letter.state.value,
            letter.table,
            letter.collection,
            f"{key} {letter.path}".rstrip(),
            f"{letter.reason.value}: {letter.error}",
        )
    )
