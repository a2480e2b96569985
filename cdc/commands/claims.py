"""`cdc claims`: the stream that writes each collection of the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from cdc.commands import Group, config_option, output_option
from cdc.config import load
from cdc.model.claim import Claim
from cdc.model.id_space import told
from cdc.terminal.columns import aligned
from cdc.terminal.output import in_a_line, say, say_json
from cdc.writers import claims as known


@click.group(cls=Group)
def claims() -> None:
    """Show which stream writes each collection, and release the claim of one that is no more."""


@claims.command("list")
@config_option
@output_option
def list_claims(config_path: Path, output: str) -> None:
    """List the claims of every stream in the state database, by collection."""
    found = known.claims_of(load(config_path))
    if output == "json":
        say_json([_shown(each) for each in found])
        return
    if not found:
        say("no stream has claimed a collection", err=True)
        return
    say("\n".join(aligned([_COLUMNS, *map(_row, found)])))


@claims.command()
@click.argument("collection", metavar="DATABASE.COLLECTION")
@click.option("--stream", metavar="NAME", help="Whose claim it is, if several streams share it.")
@config_option
def release(collection: str, stream: str | None, config_path: Path) -> None:
    """Let another stream write a collection, in place of one that is no more.

    Its documents stay. Refused while a daemon of the stream is active. A stream that still names
    the collection in a mapping claims it again at its next start, unless another one has.
    """
    owner = known.release(load(config_path), collection, stream)
    say(in_a_line(f"{collection}: no longer claimed by {owner}"), err=True)


def _shown(claim: Claim) -> dict[str, Any]:
    return {
        "collection": claim.collection,
        "stream": claim.stream,
        "former": claim.former,
        "since": claim.since.isoformat(),
        "ids": dict(claim.ids),
    }


_COLUMNS: Final = ("COLLECTION", "STREAM", "SINCE (UTC)", "IDS")


def _row(claim: Claim) -> tuple[str, ...]:
    return tuple(
        in_a_line(each)
        for each in (
            claim.collection,
            claim.stream or f"nobody, left by {claim.former}",
            f"{claim.since:%Y-%m-%d %H:%M:%S}",
            f"with {told(claim.ids)}" if claim.ids else "all",
        )
    )
