"""A newcomer who types what a tutorial tells sees what it shows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.ports import free_port
from tests.end_to_end.support.terminal import Terminal
from tests.support.pages import blocks, pages

pytestmark = pytest.mark.slow  # starts servers of its own


@pytest.fixture
def terminal(tmp_path: Path, mysql: object, mongo: object) -> Iterator[Terminal]:
    """A shell in an empty folder, with servers of its own from the user's cache."""
    cache = Cache.of_user({"XDG_CACHE_HOME": str(tmp_path / "cache")}).folder
    cache.mkdir(parents=True)
    for entry in Cache.of_user().folder.glob("*-[0-9]*"):
        (cache / entry.name).symlink_to(entry)
    environment = os.environ | {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CDC_SERVERS": "packages",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    folder = tmp_path / "shop"
    folder.mkdir()
    # Other daemons run on this machine: the reader's would have the usual port to itself.
    listening = f'http: {{listen: "127.0.0.1:{free_port()}"}}\n'
    terminal = Terminal(folder, environment, {"cdc.yaml": listening})
    yield terminal
    terminal.type("cdc servers down --delete-data")
    terminal.close()


@pytest.mark.parametrize("page", pages("tutorials"))
def test_a_tutorial_does_what_it_says(terminal: Terminal, page: str) -> None:
    _, answer = terminal.type("cdc servers up --output json 2>servers.log")
    mysql, mongo = json.loads(answer)["servers"]
    terminal.values = {
        "MYSQL_PORT": mysql["port"],
        "MYSQL_PASSWORD": mysql["password"],
        "MONGO_URI": mongo["uri"],
    }

    terminal.play(blocks(page))
