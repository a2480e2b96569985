"""Rewrites commands as an operator has to type them: with this command's configuration file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import click

_COMMAND: Final = re.compile(
    r"\bcdc (?:run|status|check|backfill|resync|verify"
    r"|(?:claims|jobs|dead-letters|mapping|position|stream) [a-z]+)\b(?! --config)"
)


class Spelling:
    """Adds `--config` to the commands in a text, unless the file is the default one."""

    def __init__(self) -> None:
        """Begin without a file: a command sets it once its options are read."""
        self.config_path: Path | None = None

    def __call__(self, text: str) -> str:
        """Return the text; every command in it works when typed."""
        if self.config_path is None:
            return text
        option = f" --config {shlex.quote(str(self.config_path))}"
        return _COMMAND.sub(lambda found: found[0] + option, text)


def spelling() -> Spelling:
    """Return the spelling of the running command."""
    ctx = click.get_current_context(silent=True)
    return (ctx.find_object(Spelling) if ctx else None) or Spelling()
