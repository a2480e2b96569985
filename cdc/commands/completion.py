"""`cdc completion`: the script with which a shell completes commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from cdc.terminal.output import say

VARIABLE: Final = "_CDC_COMPLETE"
"""The variable by which the script asks `cdc` what fits."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands and options.

    It works from the next shell on. A folder that is not there yet is to be made first.

    \b
    bash: cdc completion bash > ~/.local/share/bash-completion/completions/cdc
    zsh:  cdc completion zsh > "${fpath[1]}/_cdc"
    fish: cdc completion fish > ~/.config/fish/completions/cdc.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    say(kind(ctx.find_root().command, {}, "cdc", VARIABLE).source())
