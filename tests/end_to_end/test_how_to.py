"""An operator who types what a page of docs/how-to tells sees what it shows.

Each page begins with a stream `shop` whose daemon runs and follows shop.orders. In the place of
systemd stand two functions of the shell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc_sandbox.servers import MongoServer, MySQLServer, mysql_server
from cdc_sandbox.servers.ports import free_port
from tests.end_to_end.support.terminal import Terminal
from tests.support.binlogs import purge
from tests.support.pages import blocks
from tests.support.webhook import Webhook

pytestmark = pytest.mark.slow  # starts a server of its own

SERVICE = """
systemctl() {
    if [ "$1" != start ]; then kill $daemon; wait $daemon; fi
    if [ "$1" != stop ]; then cdc run 2>cdc.log & daemon=$!; fi
}
journalctl() { sed "s/: asked for.*//" cdc.log; }
"""
STATEMENTS = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80) NOT NULL)",
    "INSERT INTO shop.orders VALUES (1, 'one')",
)


@pytest.fixture
def server() -> Iterator[MySQLServer]:
    """A server whose settings a page may change."""
    with mysql_server() as server:
        for statement in STATEMENTS:
            server.execute(statement)
        yield server


@pytest.fixture
def shop(
    tmp_path: Path, server: MySQLServer, mongo: MongoServer, database: str, state_database: str
) -> Iterator[Terminal]:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "orders.yaml").write_text("source: shop.orders\ntarget: orders\n")
    (tmp_path / "cdc.yaml").write_text(
        "name: shop\n"
        f"source: {{host: 127.0.0.1, port: {server.port},"
        f" user: root, password: '{server.password}'}}\n"
        f"target: {{uri: '{mongo.uri}', database: {database}, state_database: {state_database}}}\n"
        "mappings: [mappings/*.yaml]\n"
        f"http: {{listen: '127.0.0.1:{free_port()}'}}\n"
        "log: {format: console}\n"
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    terminal = Terminal(tmp_path, os.environ | {"PATH": path}, {})
    terminal.sql = server.execute
    terminal.type(SERVICE)
    terminal.type("systemctl start cdc; cdc verify")
    yield terminal
    terminal.close()


@pytest.mark.parametrize("page", ["add-a-table", "remove-a-stream", "passwords-and-tunnels"])
def test_a_page_does_what_it_says(shop: Terminal, page: str) -> None:
    shop.play(blocks(f"how-to/{page}.md"))


def test_a_purged_position_is_got_over(shop: Terminal, server: MySQLServer) -> None:
    shop.type("systemctl stop cdc")
    server.execute("INSERT INTO shop.orders VALUES (2, 'never read')")
    purge(server)

    shop.play(blocks("how-to/purged-position.md"))


def test_a_chat_is_told(shop: Terminal) -> None:
    with Webhook().serving() as chat:
        shop.values = {"CHAT_URL": chat.url, "CHAT_PORT": str(free_port())}

        shop.play(blocks("how-to/alert-a-chat.md"))

    assert [each["text"].partition(":")[0] for each in chat.notices] == ["shop"]
