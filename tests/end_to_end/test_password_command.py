"""The source's password comes from a command, and is another one after a while."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

BY_GTIDS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)


class Tokens:
    """An account whose password changes, and the command that prints the one of now."""

    def __init__(self, server: MySQLServer, folder: Path) -> None:
        self._server = server
        self._token = folder / "token"
        self._calls = folder / "calls"
        self._broken = folder / "broken"
        self._calls.touch()
        self.user = f"cdc_{uuid.uuid4().hex[:8]}"
        self.given: list[str] = []
        self.script = folder / "token.sh"
        self.script.write_text(
            "#!/bin/sh\n"
            f'echo "$1" >> {self._calls}\n'
            f"test ! -e {self._broken} || {{ cat {self._token}; echo 'the vault is sealed' >&2;"
            " exit 3; }\n"
            f"cat {self._token}\n"
        )
        self.script.chmod(0o755)
        self._sql(f"CREATE USER '{self.user}'@'%' IDENTIFIED BY '{self._next()}'")
        self._sql(
            f"GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{self.user}'@'%'"
        )

    def _sql(self, statement: str) -> None:
        self._server.execute(statement)

    def _next(self) -> str:
        self.given.append(uuid.uuid4().hex)
        self._token.write_text(self.given[-1])
        return self.given[-1]

    def rotate(self) -> None:
        """Give the account another password, and end all its sessions."""
        self._sql(f"ALTER USER '{self.user}'@'%' IDENTIFIED BY '{self._next()}'")
        self.end_sessions()

    def end_sessions(self) -> None:
        for (session,) in self._server.execute(
            "SELECT id FROM information_schema.processlist WHERE user = %s", (self.user,)
        ):
            self._sql(f"KILL {session}")

    def broken(self) -> None:
        self._broken.touch()

    def mended(self) -> None:
        self._broken.unlink()

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    def drop(self) -> None:
        self._sql(f"DROP USER '{self.user}'@'%'")


@pytest.fixture
def tokens(stream: Stream, tmp_path: Path) -> Iterator[Tokens]:
    tokens = Tokens(stream.source, tmp_path)
    source = stream.settings["source"]
    del source["password"]
    source["user"] = tokens.user
    source["password_command"] = [str(tokens.script), "{host}:{port}"]
    yield tokens
    stream.close()
    tokens.drop()


def assert_untold(stream: Stream, tokens: Tokens, *texts: str) -> None:
    for text in (*texts, *(each.stderr for each in stream.daemons)):
        assert not [each for each in tokens.given if each in text]


@BY_GTIDS
def test_each_connection_asks_for_the_password_of_now(stream: Stream, tokens: Tokens) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    daemon = stream.start()
    for number in range(3):
        stream.sql(f"INSERT INTO items (word) VALUES ('{number}')")
        stream.until_caught_up()
        asked = len(tokens.calls)
        tokens.rotate()
        daemon.until_logged("source_connected", number + 2)
        assert len(tokens.calls) > asked
    stream.sql("DELETE FROM items WHERE id = 1")

    stream.settle()

    assert set(tokens.calls) == {f"{stream.source.host}:{stream.source.port}"}
    check = cdc(stream, "check")
    assert check.returncode == 0, check.stdout
    assert_untold(stream, tokens, check.stdout, check.stderr)


@BY_GTIDS
def test_a_copy_goes_on_with_another_password(stream: Stream, tokens: Tokens) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    stream.sql(
        "INSERT INTO items (word) VALUES " + ", ".join(f"('{each}')" for each in range(1500))
    )
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 50, "rows_per_second": 500}
    daemon = stream.start(ledger=False)
    eventually(lambda: len(stream.documents("items")) > 200)

    tokens.rotate()

    daemon.until_logged("job_done")
    assert daemon.until_logged("job_retry")  # its session was ended, too
    stream.assert_same_content()
    assert_untold(stream, tokens)


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_command_that_fails_for_a_while_is_waited_for(stream: Stream, tokens: Tokens) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    daemon = stream.start()
    stream.sql("INSERT INTO items (word) VALUES ('before')")
    stream.until_caught_up()
    tokens.broken()
    tokens.rotate()

    lost = daemon.until_logged("source_lost", 2)
    assert "failed with exit status 3: the vault is sealed" in lost["error"]
    check = cdc(stream, "check")
    assert check.returncode == 3
    assert "the vault is sealed" in check.stdout
    tokens.mended()
    stream.sql("INSERT INTO items (word) VALUES ('after')")

    stream.settle()
    assert_untold(stream, tokens, check.stdout, check.stderr)
