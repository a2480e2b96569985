"""What stdout carries with `--output json` where a command fails: nothing, or JSON; never less."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator

import click
import pytest

from cdc import cli
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream

WORDS = {"table": "items", "tables": "items", "letter": "none", "letters": "none", "job": "none"}
"""What is written for an argument that a command asks for; a table is one of the stream's."""


def commands_with_json() -> Iterator[tuple[str, ...]]:
    """Every command that has `--output json`, with arguments."""
    for name, (where, _) in cli.COMMANDS.items():
        module, _, attribute = where.partition(":")
        yield from _within((name,), getattr(importlib.import_module(module), attribute))


def _within(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _within((*words, name), each)
        return
    output = [each for each in command.params if each.name == "output"]
    if any(isinstance(each.type, click.Choice) and "json" in each.type.choices for each in output):
        needed = [WORDS[str(each.name)] for each in command.params if _is_needed(each)]
        yield (*words, *needed)


def _is_needed(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument) and str(parameter.name) in WORDS


FOUND = [*commands_with_json(), ("status", "--all")]
ANSWERS = {("check",), ("status",)}
"""These tell in JSON what cannot be reached, and that is their answer."""


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_where_neither_side_can_be_reached(stream: Stream) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    stream.proxied_target(1)
    stream.proxied_source(1)
    stream.configure()
    begun = {words: Command(stream, *_typed(stream, words)) for words in FOUND}  # each waits 5 s

    for words, command in begun.items():
        assert command.returncode != 0, words
        if words in ANSWERS:
            assert "cannot be reached" in json.dumps(json.loads(command.stdout))
        else:
            assert command.stdout == "", words
            assert command.stderr.startswith("cdc: "), words


def _typed(stream: Stream, words: Iterable[str]) -> Iterator[str]:
    yield from (f"{stream.schema}.items" if each == "items" else each for each in words)
    yield from ("--output", "json")


def test_the_commands_are_found() -> None:
    assert {words[:2] for words in FOUND} >= {
        ("status", "--all"),
        ("jobs", "list"),
        ("dead-letters", "show"),
        ("mapping", "preview"),
        ("position", "skip"),
        ("claims", "list"),
        ("resync", "items"),
    }
