"""Runs one server and kills it when its owner is gone, however the owner died.

Run as a program by `cdc_sandbox.servers.process`, with the standard library only:
`supervisor.py REMOVE -- COMMAND…`. Its standard input is a pipe that the owner holds open; it
writes the server's process id as a line to its standard output and exits as the server did.
REMOVE is a folder to delete when the owner died, or empty.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.2


def main() -> int:
    """Run the command until it ends or the owner does."""
    remove, _, *command = sys.argv[1:]
    owner = os.getppid()
    output = os.dup(2)
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=_die_with_us
    )
    print(server.pid, flush=True)
    while server.poll() is None:
        if _owner_is_gone(owner):
            server.kill()
            server.wait()
            if remove:
                shutil.rmtree(remove, ignore_errors=True)
            return 0
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _owner_is_gone(owner: int) -> bool:
    """Wait a moment for the pipe's end; a child that the owner forked may keep the pipe open."""
    readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
    return bool(readable) or os.getppid() != owner


def _die_with_us() -> None:
    # A supervisor has one thread, so that "parent thread died" is "the supervisor died".
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    # Ctrl-C is for the owner, who stops its servers after its own clean-up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main())
