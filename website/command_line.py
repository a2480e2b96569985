"""The reference of the command-line, as the commands describe themselves to click."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from cdc.cli import SUMMARIES, command_line


def reference() -> str:
    """Return a section for each command, and below it one for each of its subcommands."""
    with click.Context(command_line, info_name="cdc") as context:
        return "\n".join(
            section
            for name in SUMMARIES
            if (command := command_line.get_command(context, name)) is not None
            for section in _sections(command, name, context, level=2)
        )


def _sections(
    command: click.Command, name: str, parent: click.Context, *, level: int
) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent) as context:
        yield _section(command, context, level)
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                found = command.get_command(context, each)
                assert found is not None
                yield from _sections(found, each, context, level=level + 1)


def _section(command: click.Command, context: click.Context, level: int) -> str:
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    parts = [
        f"{'#' * level} {context.command_path}",
        *_paragraphs(command.help or ""),
        f"```text\n{usage}\n```",
        "\n".join(_options(command, context)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help; one behind `\\b` keeps its lines."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0] == "\b":
            yield "```text\n" + "\n".join(lines[1:]) + "\n```"
        else:
            yield " ".join(lines)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            names, told = record
            yield f"* `{names}`" + (f": {' '.join(told.split())}" if told else "")
