from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest

from cdc.job_client.display import BarDisplay, LineDisplay
from cdc.model.job import Job, JobKind, JobState, Phase, Progress

JOB = Job.request("s", JobKind.BACKFILL, "shop.orders", by="test")


CLEARED = "\r\x1b[K\x1b[?25h"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, at its only place."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_a_bar_shows_rows_their_speed_and_when_it_ends(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    display = BarDisplay()
    for rows in (500, 1_500, 2_500):
        display.show(replace(JOB, progress=Progress(rows=rows, total=4_500)))
        clock[0] += 2

    shown = terminal.getvalue().rpartition("\r")[2]
    assert "backfill shop.orders" in shown
    assert "2500 rows, 500 rows/s" in shown  # those before it went on are not its own
    assert "00:00:0" in shown


def test_a_bar_begins_anew_when_documents_are_searched(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    display = BarDisplay()
    display.show(JOB)
    display.show(replace(JOB, progress=Progress(rows=90, total=100)))
    for searched in (0, 20, 40):
        clock[0] += 2
        display.show(
            replace(
                JOB,
                progress=Progress(
                    Phase.DOCUMENTS, rows=90, total=100, searched=searched, to_search=80
                ),
            )
        )

    _, rows, documents = terminal.getvalue().split(CLEARED)
    assert "90 rows" in rows
    assert "backfill shop.orders: documents without rows" in documents
    assert documents.rpartition("\r")[2].count("50%") == 1
    assert "40 documents, 10 documents/s" in documents


def test_a_bar_of_nobody_knows_how_many_rows_tells_no_time_left(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    display = BarDisplay()
    for rows in (100, 200, 300):
        display.show(replace(JOB, progress=Progress(rows=rows, total=0)))
        clock[0] += 2

    shown = terminal.getvalue().rpartition("\r")[2]
    assert "300 rows, 50 rows/s" in shown
    assert "%" not in shown
    assert ":" not in shown


def test_lines_tell_of_each_state_and_of_progress_now_and_then(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    display = LineDisplay()
    display.show(JOB)
    for rows in range(0, 100, 10):
        display.show(replace(JOB, progress=Progress(rows=rows, total=90)))
        clock[0] += 1
    display.show(replace(JOB, progress=Progress(Phase.DOCUMENTS, searched=30, to_search=90)))
    clock[0] += 9
    display.show(replace(JOB, progress=Progress(rows=7, total=0)))
    searched = Progress(Phase.DOCUMENTS, rows=7, searched=6, to_search=7)
    display.show(replace(JOB, state=JobState.DONE, progress=searched))

    assert capsys.readouterr().err.splitlines() == [
        "backfill shop.orders: queued",
        "backfill shop.orders: queued 50 of about 90 rows",
        "backfill shop.orders: queued 30 of about 90 documents, looking for those without rows",
        "backfill shop.orders: queued 7 rows",
    ]


def test_a_bar_is_taken_away_in_the_end_and_the_cursor_is_back(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    display = BarDisplay()
    display.show(JOB)
    display.show(replace(JOB, state=JobState.DONE, progress=Progress(rows=1, total=1)))
    ended = terminal.getvalue()
    display.left([JOB])

    assert ended.endswith(CLEARED)
    assert f"{CLEARED}the backfill of shop.orders lives on" in terminal.getvalue()
