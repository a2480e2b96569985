"""`python -m website serve`, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from cdc_sandbox.servers.ports import free_port
from tests.support.checkout import ROOT
from tests.support.waiting import eventually


def test_a_stop_leaves_no_process() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        address = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [sys.executable, "-m", "website", "serve", "--address", address],
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_heeds_ctrl_c,
        )
        try:
            eventually(partial(answers, address), waiting_for="the website")
            process.send_signal(number)

            assert process.wait(180) == 0
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _heeds_ctrl_c() -> None:
    """Undo what a shell does to what it starts behind itself."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def answers(address: str) -> bool:
    """Return whether the first page is there; not yet if nothing answers."""
    try:
        with urlopen(f"http://{address}/", timeout=5) as answer:
            return bool(answer.read())
    except URLError:
        return False
