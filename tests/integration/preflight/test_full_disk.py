"""A source whose disk is full is waited for, like one that is down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc.errors import Retryable
from cdc.readers.server.connection import asking
from cdc_sandbox.servers import MySQLServer, mysql_server
from tests.integration.mapping.support.binlog import config
from tests.support.disks import Disk, can_mount, mounted
from tests.support.unsynced import UNSYNCED

NEEDS_A_TEMPORARY_TABLE = (
    "SELECT column_comment, COUNT(*) FROM information_schema.columns"
    " GROUP BY column_comment, column_type, table_name"
)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[MySQLServer]:
    """A MariaDB, which keeps the temporary tables of such queries in files."""
    if not can_mount(tmp_path):
        pytest.skip("only the superuser can mount a small disk")
    with mounted(tmp_path / "disk") as disk:
        data = disk.folder / "data"
        with mysql_server("mariadb", data_dir=data, options=UNSYNCED) as server:
            yield from _filled(server, disk)


def _filled(server: MySQLServer, disk: Disk) -> Iterator[MySQLServer]:
    disk.fill()
    try:
        yield server
    finally:
        disk.free()
        server.kill()


def test_a_query_for_which_the_disk_has_no_room_is_retryable(full: MySQLServer) -> None:
    with (
        pytest.raises(Retryable, match="No space left"),
        asking(config(full), read_timeout=20) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(NEEDS_A_TEMPORARY_TABLE)
