from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from cdc import log
from cdc.config import LogConfig, TargetConfig
from cdc.errors import UsageError
from cdc.writers.connection import connect_target


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_json_lines_carry_level_time_in_utc_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogConfig())

    structlog.get_logger().info("stream_started", table="shop.users", seconds=1.5)

    (line,) = lines(capsys)
    stamp = line.pop("timestamp")
    assert isinstance(stamp, str)
    assert stamp.endswith("Z")
    assert line == {
        "event": "stream_started",
        "level": "info",
        "table": "shop.users",
        "seconds": 1.5,
    }


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogConfig(level="warning"))

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_an_exception_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogConfig())

    try:
        raise RuntimeError("boom")
    except RuntimeError:
        structlog.get_logger().error("failed", exc_info=True)

    (line,) = lines(capsys)
    assert "RuntimeError: boom" in str(line["exception"])


@pytest.mark.parametrize("format_", ["json", "console"])
def test_credentials_are_blanked_wherever_they_appear(
    capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    log.configure(LogConfig.model_validate({"format": format_}))

    structlog.get_logger().warning(
        "retrying",
        uri="mongodb://root:hush@db/x",
        error=OSError("cannot reach mongodb://root:hush@db"),
        password=SecretStr("hush"),
    )

    err = capsys.readouterr().err
    assert "hush" not in err
    assert "mongodb://***@db" in err


def test_where_credentials_belong_is_said_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogConfig())
    with pytest.raises(UsageError) as caught:
        connect_target(
            TargetConfig.model_validate({"uri": "mongodb://host/?tls=ture", "database": "d"})
        )

    structlog.get_logger().error("stopped", remedy=caught.value.remedy)

    (line,) = lines(capsys)
    assert "USER:PASSWORD@" in str(line["remedy"])


def test_a_traceback_on_the_console_shows_no_local_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure(LogConfig(format="console"))
    password = "hu" + "sh"

    try:
        raise RuntimeError("boom" * bool(password))
    except RuntimeError:
        structlog.get_logger().error("failed", exc_info=True)

    err = capsys.readouterr().err
    assert "RuntimeError: boom" in err
    assert "hush" not in err


def test_libraries_warn_in_the_same_format_and_are_quiet_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure(LogConfig(level="debug"))

    logging.getLogger("pymongo").debug("{'password': 1}")
    logging.getLogger("pymongo").warning("odd")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)

    written = lines(capsys)
    assert written[0]["event"] == "odd"
    assert written[0]["level"] == "warning"
    assert "old" in str(written[1]["event"])
    assert len(written) == 2


def test_the_format_in_use_can_be_asked() -> None:
    log.configure(LogConfig(format="json"))
    json_before = log.is_json()
    log.configure(LogConfig(format="console"))

    assert (json_before, log.is_json()) == (True, False)


@pytest.mark.parametrize("terminal", [True, False])
def test_without_a_format_a_terminal_gets_lines_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    log.configure(LogConfig())

    assert log.is_json() is not terminal
