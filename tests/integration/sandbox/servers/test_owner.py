from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cdc_sandbox.servers.detached import command_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts servers of its own

OWN_THREE_SERVERS = """
import json, sys, tempfile
from cdc_sandbox.servers import mongo_server, mysql_server

with mysql_server("mysql") as mysql, mysql_server("mariadb") as mariadb, mongo_server() as mongo:
    print(json.dumps([mysql.pid, mariadb.pid, mongo.pid]), flush=True)
    {then}
"""
OWN_TWO_BROKERS = """
import json, sys, tempfile
from cdc_sandbox.servers import kafka_brokers

with kafka_brokers(2) as cluster:
    print(json.dumps([broker.pid for broker in cluster.brokers]), flush=True)
    {then}
"""
WAIT = "sys.stdin.read()"
FORK_A_CHILD_AND_WAIT = "import os, time; os.fork() or time.sleep(600); sys.stdin.read()"


@contextmanager
def owner(
    tmp_path: Path, then: str, program: str = OWN_THREE_SERVERS
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that owns several servers, and their process ids."""
    with subprocess.Popen(
        [sys.executable, "-c", program.format(then=then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "CDC_SERVERS": "packages"},
        process_group=0,
    ) as process:
        assert process.stdout is not None
        pids = json.loads(process.stdout.readline())
        try:
            yield process, pids
        finally:
            with suppress(ProcessLookupError):  # the whole group has ended
                os.killpg(process.pid, signal.SIGKILL)


def gone(pids: list[int]) -> bool:
    return not any(command_of(pid) for pid in pids)


@pytest.mark.parametrize("then", [WAIT, FORK_A_CHILD_AND_WAIT])
def test_servers_and_their_data_are_gone_when_their_owner_was_killed(
    tmp_path: Path, then: str
) -> None:
    with owner(tmp_path, then) as (process, pids):
        assert not gone(pids)

        process.kill()

        assert eventually(lambda: gone(pids))
        assert eventually(lambda: not list(tmp_path.iterdir()))


def test_servers_and_their_data_are_gone_when_the_block_ends(tmp_path: Path) -> None:
    with owner(tmp_path, WAIT) as (process, pids):
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(90) == 0
        assert gone(pids)
        assert not list(tmp_path.iterdir())


def test_brokers_and_their_data_are_gone_when_their_owner_was_killed(tmp_path: Path) -> None:
    with owner(tmp_path, WAIT, OWN_TWO_BROKERS) as (process, pids):
        assert not gone(pids)

        process.kill()

        assert eventually(lambda: gone(pids))
        assert eventually(lambda: not list(tmp_path.iterdir()))


def test_a_server_dies_with_its_supervisor(tmp_path: Path) -> None:
    with owner(tmp_path, WAIT) as (_, pids):
        for pid in pids:
            os.kill(parent_of(pid), signal.SIGKILL)

        assert eventually(lambda: gone(pids))


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
