"""The command-line: finds the command, runs it, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
import structlog
from click.exceptions import NoSuchCommand

from cdc import DISTRIBUTION, log, sandbox_commands
from cdc.documentation import more_about
from cdc.errors import CdcError
from cdc.terminal.output import say
from cdc.terminal.paths import from_here
from cdc.terminal.spelling import Spelling

INTERRUPTED = 130
"""The exit code of a shell for a command that Ctrl-C ended."""

COMMANDS = {
    "run": ("cdc.commands.run:run", "Keep the target equal to the source, until stopped."),
    "work": ("cdc.commands.work:work", "Help with a stream's first copy, from any machine."),
    "status": ("cdc.commands.status:status", "Tell how far the stream has come."),
    "check": ("cdc.commands.check:check", "Tell whether source and target are fit for it."),
    "backfill": ("cdc.commands.backfill:backfill", "Copy the rows that exist."),
    "resync": ("cdc.commands.resync:resync", "Make documents equal to the rows again."),
    "verify": ("cdc.commands.verify:verify", "Compare documents with rows, while both change."),
    "jobs": ("cdc.commands.jobs:jobs", "Show, pause, resume and cancel such work."),
    "claims": ("cdc.commands.claims:claims", "Show which stream writes each collection."),
    "dead-letters": (
        "cdc.commands.dead_letters:dead_letters",
        "Show, retry and discard rows that could not be carried over.",
    ),
    "mapping": ("cdc.commands.mapping:mapping", "Check mappings and see what they do."),
    "stream": ("cdc.commands.stream:stream", "Remove a stream that is no more."),
    "notify": ("cdc.commands.notify:notify", "See whether notices arrive."),
    "position": ("cdc.commands.position:position", "Show or set where the stream stands."),
    "completion": ("cdc.commands.completion:completion", "Print a shell's completions."),
}
SUMMARIES = {name: summary for name, (_, summary) in COMMANDS.items()} | sandbox_commands.SUMMARIES


class _LazyGroup(click.Group):
    """Imports a command when it is called: help is fast, and a broken module breaks no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in sandbox_commands.SUMMARIES:
            return sandbox_commands.find(cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise NoSuchCommand(args[0], possibilities=SUMMARIES, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name=DISTRIBUTION, prog_name="cdc")
def command_line() -> None:
    """Keep MongoDB collections equal to MySQL or MariaDB tables.

    Exit codes: 0 success; 1 failure at run time; 2 usage, configuration or mapping mistake;
    3 source or target is not fit; 4 stopped for a human to decide.
    """


def main() -> NoReturn:
    """Run the command-line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error is printed on stderr."""
    spelling = Spelling()
    log.configure_for_command(spelling)
    try:
        code = command_line.main(
            list(arguments), prog_name="cdc", standalone_mode=False, obj=spelling
        )
    except click.ClickException as error:
        error.show()
        if hint := _hint(error, arguments):
            say(hint, err=True)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except CdcError as error:
        _tell(error, spelling)
        return error.exit_code
    except Exception:  # noqa: BLE001 - the process boundary
        structlog.get_logger().error("unexpected_error", exc_info=True)
        return 1
    return code if isinstance(code, int) else 0


def _hint(error: click.ClickException, arguments: Sequence[str]) -> str:
    """Return what may have been meant by a wrong command line; empty if nothing comes to mind."""
    if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.command is command_line:
        if error.option_name in {"--config", "--output"}:
            return f"{error.option_name} stands behind the command: cdc check {error.option_name} …"
    elif isinstance(error, NoSuchCommand):
        groups = (command_line.get_command(click.Context(command_line), each) for each in COMMANDS)
        known = (
            f"cdc {group.name} {error.command_name}"
            for group in groups
            if isinstance(group, click.Group) and error.command_name in group.commands
        )
        if meant := " or ".join(sorted(known)):
            return f"Did you mean {meant}?"
    return ""


def _tell(error: CdcError, spelling: Spelling) -> None:
    """Print why the command ended: a block for people, a line if stderr carries JSON."""
    more = more_about(error)
    if not log.is_json():
        say(f"cdc: {from_here(spelling(error.for_people()))}", err=True)
        if more:
            say(f"  more: {more}", err=True)
        return
    structlog.get_logger().error(
        "stopped",
        error=type(error).__name__,
        message=error.message,
        table=error.table,
        position=None if error.position is None else str(error.position),
        remedy=error.remedy,
        more=more or None,
        exit_code=error.exit_code,
    )
