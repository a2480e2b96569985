from __future__ import annotations

import io

from cdc_sandbox.demo.live_line import LiveLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_is_rewritten() -> None:
    stream = Terminal()
    now = iter([0.0, 1.0])
    line = LiveLine(stream, clock=lambda: next(now))

    line.show("first")
    line.show("second")
    line.end()
    line.end()

    assert stream.getvalue() == "\r\x1b[2Kfirst\r\x1b[2Ksecond\n"


def test_a_line_never_wraps_on_a_terminal() -> None:
    stream = Terminal()

    LiveLine(stream).show("x" * 10_000)

    assert len(stream.getvalue()) < 10_000


def test_a_pipe_gets_whole_lines_and_few() -> None:
    stream = io.StringIO()
    now = iter([0.0, 4.9, 5.0, 6.0])
    line = LiveLine(stream, clock=lambda: next(now))

    for text in ("a", "b", "c", "d"):
        line.show(text)
    line.end()

    assert stream.getvalue() == "a\nc\n"
