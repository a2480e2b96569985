"""The moving picture of the demo, and the still of its end, both drawn from a real run of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from website.cast import Act, record, shown
from website.repository import ROOT
from website.terminal_picture import moving, still

PICTURE = ROOT / "docs" / "images" / "demo.svg"
STILL = PICTURE.with_name("demo-still.svg")
"""What a page shows to those who want less motion; styles within a picture do not hear of it."""
ACTS = (
    Act("cdc demo --rate 40 >hints.txt", until=" behind", seconds=7),
    Act("cdc demo --once"),
)
TITLE = "The demo of cdc in a terminal"
TOLD = (
    "cdc demo starts MySQL and MongoDB and changes rows until Ctrl-C; a line tells how many rows"
    " were changed, and that MongoDB is some milliseconds behind. cdc demo --once then changes rows"
    " while the daemon runs, compares both sides, and ends with: both sides are equal."
)


def draw() -> None:
    """Run the demo, which takes a minute, and draw both pictures anew."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with TemporaryDirectory() as folder:
        outputs = record(ACTS, folder=Path(folder), environment={**os.environ, "PATH": path})
    lines, seconds = shown(outputs)
    PICTURE.write_text(moving(lines, seconds, title=TITLE, told=TOLD))
    STILL.write_text(still(lines, title=TITLE, told=TOLD))
