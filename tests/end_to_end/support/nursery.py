"""Starts commands of cdc as processes of their own without importing everything in each.

The imports are a second of processor time, which a run of the tests would spend some thousand
times. A process that has done nothing but import forks for each command; the child is what
`python -m cdc` would be from there on, but for the interpreter's end, which is another quarter of a
second: it takes apart each module, in memory that was shared until then.

What an import reads of the environment must be so in the process that forks: for each value of
CDC_NATIVE there is one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from cdc import cli, native
from tests.end_to_end.support import faked_time
from tests.support.waiting import eventually

CDC = "cdc.cli"
FAULTY = "tests.end_to_end.support.faulty"


class Child:
    """A process that the nursery has forked; `status` is the file for its exit status."""

    def __init__(self, pid: int, status: Path) -> None:
        self.pid = pid
        self._status = status

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal's number; None while it runs."""
        with suppress(FileNotFoundError):
            return int(self._status.read_text())
        return None

    def wait(self, seconds: float) -> int:
        eventually(
            lambda: self.returncode is not None, seconds, waiting_for=f"the end of {self.pid}"
        )
        code = self.returncode
        assert code is not None
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and the file does not say so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The processes that fork, for as long as this one lives."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()

    def start(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        output: Path | None = None,
        terminal: str = os.devnull,
        program: str = CDC,
    ) -> Child:
        """Run a command of cdc; its stderr goes to `log`, its stdout to `output` or nowhere.

        `terminal` is the device that its stdin is, `program` the module whose `main` it is.
        """
        whole = {**os.environ, **environment}
        status = log.with_suffix(".status")
        status.unlink(missing_ok=True)
        log.write_bytes(b"")
        order = {
            "program": program,
            "arguments": list(arguments),
            "log": str(log),
            "output": str(output or os.devnull),
            "terminal": terminal,
            "status": str(status),
            "environment": whole,
            "folder": str(Path.cwd()),
        }
        with self._lock:
            process = self._forking(whole.get(native.VARIABLE, ""))
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None
            assert stdout is not None
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
            return Child(int(stdout.readline()), status)

    def _forking(self, setting: str) -> subprocess.Popen[str]:
        """Return the process for a value of CDC_NATIVE, empty for none."""
        if setting not in self._processes:
            self._processes[setting] = subprocess.Popen(
                [sys.executable, "-m", "tests.end_to_end.support.nursery"],
                env={**self._environment, native.VARIABLE: setting},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._processes[setting]

    def close(self) -> None:
        for each in self._processes.values():
            with each:
                pass


@cache
def nursery() -> Nursery:
    """The one of this process."""
    return Nursery()


class _Forker:
    """The other end: forks for each order, and reports how the children ended."""

    def __init__(self) -> None:
        self._status: dict[int, Path] = {}
        self._awake, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> str | None:
        """Serve until the orders end; in a child return the program that it is to be."""
        orders = b""
        while True:
            ready, _, _ = select.select([0, self._awake], [], [])
            if self._awake in ready:
                os.read(self._awake, 4096)
                self._reap()
            if 0 in ready:
                data = os.read(0, 1 << 16)
                if not data:
                    return None
                *whole, orders = (orders + data).split(b"\n")
                for order in map(json.loads, whole):
                    if (pid := os.fork()) == 0:
                        return _become(order)
                    self._status[pid] = Path(order["status"])
                    os.write(1, b"%d\n" % pid)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                path = self._status.pop(pid)
                part = path.with_suffix(".part")
                part.write_text(str(os.waitstatus_to_exitcode(status)))
                part.rename(path)


def _become(order: dict[str, object]) -> str:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment, arguments = order["environment"], order["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(order["folder"]))
    terminal = os.open(str(order["terminal"]), os.O_RDWR | os.O_NOCTTY)
    log = os.open(str(order["log"]), os.O_WRONLY)
    output = os.open(str(order["output"]), os.O_WRONLY | os.O_CREAT)
    for source, target in ((terminal, 0), (output, 1), (log, 2)):
        os.dup2(source, target)
    random.seed()
    sys.argv = ["cdc", *arguments]
    return str(order["program"])


def _import_all() -> None:
    modules = [module.partition(":")[0] for module, _ in cli.COMMANDS.values()]
    for each in (*modules, FAULTY):
        importlib.import_module(each)
    gc.collect()
    gc.freeze()  # a collection in a child would write to all that it shares


def _run(main: Callable[[], object]) -> None:
    """Run a program that exits, and leave without the interpreter's end."""
    try:
        main()
    except SystemExit as end:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 0)


if __name__ == "__main__":
    faked_time.prepare()
    _import_all()
    found = _Forker().serve()
    if found is not None:
        _run(importlib.import_module(found).main)
