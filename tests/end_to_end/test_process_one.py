"""The daemon as process 1, as in its container: there a signal that nobody awaits does nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def child(pid: int) -> int | None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_signal_ends_it_cleanly(stream: Stream, tmp_path: Path) -> None:
    """About 3 seconds."""
    if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], check=False).returncode:
        pytest.skip("this machine makes no process namespaces for users")
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    stream.start()
    stream.until_streaming()
    stream.stop()
    log = tmp_path / "log"
    command = [*NAMESPACE, sys.executable, "-m", "cdc", "run", "--config", str(stream.config)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr)
    eventually(lambda: "source_connected" in log.read_text())
    inner = child(process.pid)
    assert inner is not None

    os.kill(inner, signal.SIGTERM)

    assert process.wait(90) == 0
    assert '"signal": "SIGTERM"' in log.read_text()
