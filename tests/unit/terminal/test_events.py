"""What a command's connections log is told as findings, each once."""

from __future__ import annotations

import pytest
import structlog

from cdc import log


@pytest.fixture(autouse=True)
def _told() -> None:
    log.configure_for_command(lambda text: text.replace("cdc check", "cdc check --config c.yaml"))


def test_a_host_that_is_refused_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    for host in ("a:1", "b:1", "a:1"):
        structlog.get_logger().warning(
            "source_host_refused", host=host, error="it is \x1b[1maway", remedy="run: cdc check"
        )

    assert capsys.readouterr().err == (
        "warning     a:1 source: it is \\u001b[1maway; run: cdc check --config c.yaml\n"
        "warning     b:1 source: it is \\u001b[1maway; run: cdc check --config c.yaml\n"
    )


def test_what_could_not_be_checked_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        structlog.get_logger().warning("xa_not_checked", remedy="look yourself")

    assert capsys.readouterr().err == (
        "not checked XA RECOVER: the account may not see what is prepared; look yourself\n"
    )


def test_other_events_are_lines_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("source_host_refused_not", host="a:1")

    assert "[warning  ] source_host_refused_not" in capsys.readouterr().err
