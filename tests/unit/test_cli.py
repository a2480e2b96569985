from __future__ import annotations

import json
import pkgutil
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from cdc import DISTRIBUTION, cli, commands, log
from cdc.config import LogConfig
from cdc.errors import CdcError, Halted, PositionPurged, RecordError, Retryable, Unfit, UsageError
from cdc_sandbox import commands as sandbox

TOLD = ("event", "error", "message", "position", "remedy", "more")


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises what the list holds."""
    raised: list[BaseException] = []

    @click.command()
    def fail() -> None:
        raise raised[0]

    monkeypatch.setattr(cli.command_line, "get_command", lambda *_: fail)
    return raised


def test_help_lists_every_command_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["--help"])

    out = capsys.readouterr().out
    assert code == 0
    assert all(name in out for name in cli.SUMMARIES)


def test_every_module_of_commands_is_a_command() -> None:
    folders = [*commands.__path__, *sandbox.__path__]
    modules = {module.name for module in pkgutil.iter_modules(folders)}

    assert {name.replace("-", "_") for name in cli.SUMMARIES} == modules


@pytest.mark.parametrize("name", cli.SUMMARIES)
def test_every_listed_command_tells_what_it_takes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([name, "--help"]) == 0
    assert f"Usage: cdc {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.SUMMARIES)
def test_a_list_of_commands_cuts_no_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name, "--help"]) == 0

    listed = capsys.readouterr().out.partition("\nCommands:\n")[2]
    assert "..." not in listed


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"cdc, version {version(DISTRIBUTION)}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["check", "--nonsense"]])
def test_a_wrong_command_line_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli.run(arguments) == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["pause"], "Did you mean cdc jobs pause?"),
        (["list"], "Did you mean cdc claims list or cdc dead-letters list or cdc jobs list?"),
        (["preview"], "Did you mean cdc mapping preview?"),
        (["--config", "f.yaml", "check"], "--config stands behind the command: cdc check --config"),
    ],
)
def test_what_stands_elsewhere_is_said_where(
    capsys: pytest.CaptureFixture[str], arguments: list[str], meant: str
) -> None:
    assert cli.run(arguments) == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(Retryable("r"), 1), (UsageError("u"), 2), (Unfit("e"), 3), (Halted("h"), 4)],
)
def test_an_error_s_kind_is_the_exit_code(
    raising: list[BaseException], error: CdcError, code: int
) -> None:
    raising.append(error)

    assert cli.run(["fail"]) == code


def test_an_error_is_told_with_place_and_remedy_and_no_traceback(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(Unfit("row format", table="shop.users", remedy="SET GLOBAL x = 1"))

    cli.run(["fail"])

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "cdc: row format\n"
        "  table: shop.users\n"
        "  remedy: SET GLOBAL x = 1\n"
        "  more: docs/reference/errors.md#unfit\n"
    )


def test_the_place_of_several_mistakes_stands_below_them(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    error = UsageError("a.yaml:1: x", table="shop.users", remedy="mend it")
    error.shown = "a.yaml:1: x\n    a b c\n      ^"
    raising.append(error)

    cli.run(["fail"])

    assert capsys.readouterr().err == (
        "cdc: a.yaml:1: x\n    a b c\n      ^\n  table: shop.users\n  remedy: mend it\n"
    )


def test_a_long_end_has_its_place_and_what_to_type_on_lines_of_their_own(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(
        PositionPurged(
            "the binlogs are gone",
            position="u:1-5",
            remedy="keep binlogs longer, on the source: SET PERSIST binlog_expire_logs_seconds = 9;"
            " then go on from now: cdc position set --start now --resync --yes",
        )
    )

    cli.run(["fail"])

    assert capsys.readouterr().err.splitlines() == [
        "cdc: the binlogs are gone",
        "  position: u:1-5",
        "  remedy: keep binlogs longer, on the source: SET PERSIST binlog_expire_logs_seconds = 9;",
        "  then go on from now: cdc position set --start now --resync --yes",
        "  more: docs/reference/errors.md#positionpurged",
    ]


def test_without_a_configuration_the_file_to_write_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CDC_CONFIG", raising=False)

    assert cli.run(["check"]) == 2

    assert capsys.readouterr().err.startswith("cdc: there is no configuration file cdc.yaml\n")


@pytest.mark.parametrize("error", [Retryable("r"), UsageError("u"), RecordError("d")])
def test_where_the_page_has_no_more_than_the_message_it_is_not_named(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str], error: CdcError
) -> None:
    raising.append(error)

    cli.run(["fail"])

    assert capsys.readouterr().err == f"cdc: {error.message}\n"


def test_where_stderr_carries_json_an_error_is_a_json_line(
    raising: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raising.append(Halted("purged", position="u:1-5", remedy="resync"))
    configure = log.configure
    monkeypatch.setattr(log, "configure", lambda *_, **__: configure(LogConfig(format="json")))

    code = cli.run(["fail"])

    line = json.loads(capsys.readouterr().err)
    assert code == 4
    assert {key: line[key] for key in TOLD} == {
        "event": "stopped",
        "error": "Halted",
        "message": "purged",
        "position": "u:1-5",
        "remedy": "resync",
        "more": "docs/reference/errors.md#halted",
    }


def test_an_unexpected_error_is_logged_with_its_traceback_and_exits_1(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(ZeroDivisionError("boom"))

    code = cli.run(["fail"])

    assert code == 1
    assert "ZeroDivisionError: boom" in capsys.readouterr().err


def test_an_interrupt_exits_130(raising: list[BaseException]) -> None:
    raising.append(KeyboardInterrupt())

    assert cli.run(["fail"]) == 130


def test_a_missing_configuration_exits_2_and_says_how_to_name_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(["check", "--config", str(tmp_path / "none.yaml")])

    assert code == 2
    assert "--config or CDC_CONFIG" in capsys.readouterr().err


def test_the_configuration_can_be_named_by_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDC_CONFIG", str(tmp_path / "named.yaml"))

    cli.run(["check"])

    assert "named.yaml" in capsys.readouterr().err


def test_a_command_that_is_not_there_gets_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["statsu"]) == 2
    assert "Did you mean 'status'?" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completions(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    assert f"_CDC_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["cdc.yaml", "config/cdc.yaml"])
def test_the_configuration_is_found_where_one_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(there).parent.mkdir(exist_ok=True)
    Path(there).write_text("nonsense: 1\n")

    assert cli.run(["status"]) == 2
    assert f"{there}:1" in capsys.readouterr().err
