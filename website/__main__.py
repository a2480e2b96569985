"""`python -m website`: build the site and fail at a link to nowhere, serve it, list contents."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from website.building import findings, server
from website.contents import renewed
from website.demo_picture import draw
from website.repository import ROOT, NoPage
from website.staging import emptied, stage

FOLDER = ROOT / "build" / "website"
LOOK_SECONDS = 1.0


@click.group()
def website() -> None:
    """Make a website of the documentation."""


@website.command()
def build() -> None:
    """Build it anew into build/website/site; exit 1 if a link or an anchor leads nowhere."""
    _stage(emptied(FOLDER))
    if found := findings(FOLDER):
        raise click.ClickException(found)


@website.command()
@click.option("--address", default="127.0.0.1:8000", show_default=True, help="Where to listen.")
def serve(address: str) -> None:
    """Build and serve it until Ctrl-C; what is edited meanwhile shows at once."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill is a Ctrl-C
    _stage(emptied(FOLDER))
    told = ""
    with suppress(KeyboardInterrupt), server(FOLDER, address) as running:
        while running.poll() is None:
            time.sleep(LOOK_SECONDS)
            told = _edited(told)
        sys.exit(running.returncode)


@website.command(name="contents")
def write_contents() -> None:
    """Write the lists of contents anew, on the pages that have one."""
    for path in sorted((ROOT / "docs").rglob("*.md")):
        text = path.read_text()
        if (written := renewed(text)) != text:
            path.write_text(written)
            click.echo(path.relative_to(ROOT))


@website.command()
def picture() -> None:
    """Run the demo, and draw its pictures in docs/images anew."""
    draw()


def _edited(told: str) -> str:
    """Lay out what was edited; return what is wrong with it, which is printed once."""
    try:
        stage(FOLDER)
    except NoPage as error:
        if str(error) != told:
            click.echo(error, err=True)
        return str(error)
    return ""


def _stage(folder: Path) -> None:
    try:
        stage(folder)
    except NoPage as error:
        raise click.ClickException(str(error)) from error


website(prog_name="python -m website")
