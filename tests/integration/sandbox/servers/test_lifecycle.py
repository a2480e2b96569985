from __future__ import annotations

from pathlib import Path

import pytest

from cdc.errors import UsageError
from cdc_sandbox.servers import Flavour, ServerFailed, mongo_server, mysql_server

pytestmark = pytest.mark.slow  # starts servers of its own

FLAVOURS = ["mysql", "mariadb"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_committed_survives_a_kill_on_the_same_port(flavour: Flavour) -> None:
    with mysql_server(flavour) as server:
        server.execute("CREATE DATABASE d")
        before = (server.port, server.pid)

        server.kill()
        assert not server.running
        server.start()

        assert ("d",) in server.execute("SHOW DATABASES")
        assert server.port == before[0]
        assert server.pid != before[1]


def test_what_a_replica_set_committed_survives_a_kill_on_the_same_port() -> None:
    with mongo_server() as server, server.client() as client:
        client.d.rows.insert_one({"_id": 1})

        server.kill()
        assert not server.running
        server.start()

        assert client.d.rows.count_documents({}) == 1


def test_options_win_over_the_defaults() -> None:
    with mysql_server(options=["--gtid-mode=OFF", "--binlog-row-metadata=MINIMAL"]) as server:
        settings = server.execute("SELECT @@gtid_mode, @@binlog_row_metadata")

    assert settings == [("OFF", "MINIMAL")]


def test_two_servers_have_different_identities() -> None:
    identity = "SELECT @@server_uuid, @@server_id"

    with mysql_server() as one, mysql_server() as other:
        pairs = zip(one.execute(identity)[0], other.execute(identity)[0], strict=True)

        assert all(mine != its for mine, its in pairs)


def test_a_new_source_has_committed_nothing() -> None:
    with mysql_server() as server:
        assert server.execute("SELECT @@GLOBAL.gtid_executed") == [("",)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_data_in_a_named_folder_are_there_the_next_time(tmp_path: Path, flavour: Flavour) -> None:
    with mysql_server(flavour, data_dir=tmp_path / "data") as server:
        server.execute("CREATE DATABASE d")

    with mysql_server(flavour, data_dir=tmp_path / "data") as server:
        assert ("d",) in server.execute("SHOW DATABASES")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(UsageError, match="neither empty nor"), mysql_server(data_dir=tmp_path):
        pass


def test_a_standalone_is_no_replica_set() -> None:
    with mongo_server(replica_set=False) as server, server.client() as client:
        assert "setName" not in client.admin.command("hello")


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with (
        pytest.raises(ServerFailed, match="unknown variable 'no-such-option=1'"),
        mysql_server(options=["--no-such-option=1"]),
    ):
        pass
