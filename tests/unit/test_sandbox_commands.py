from __future__ import annotations

import ast
import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

from cdc import cli, sandbox_commands
from cdc_sandbox.commands import servers
from cdc_sandbox.servers.persistent import Report
from cdc_sandbox.servers.versions import Name

NAMES = sorted(sandbox_commands.SUMMARIES)


def installed(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    """Let an environment have these entry points and no others."""
    monkeypatch.setattr(sandbox_commands, "entry_points", lambda **_: points)


def test_the_sandbox_has_an_entry_point_for_each_command_that_help_lists() -> None:
    found = entry_points(group=sandbox_commands.GROUP)

    assert sorted(point.name for point in found) == NAMES
    assert {point.module.split(".")[0] for point in found} == {"cdc_sandbox"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", [[], ["--help"], ["up", "--version", "8.0"]])
def test_without_the_sandbox_its_commands_say_what_to_type(
    name: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    installed(monkeypatch)

    code = cli.run([name, *words])

    assert code == 2
    assert capsys.readouterr().err == (
        f"cdc: `cdc {name}` comes with mysql-mongodb-cdc-sandbox, which is not installed here\n"
        f"  remedy: in a checkout of cdc: {sys.executable} -m pip install ./sandbox\n"
    )


def test_without_the_sandbox_help_lists_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch)

    assert cli.run(["--help"]) == 0

    out = capsys.readouterr().out
    assert all(summary in out for summary in sandbox_commands.SUMMARIES.values())


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("cdc_sandbox.nothing:demo", "ModuleNotFoundError: No module named 'cdc_sandbox.nothing'"),
        ("cdc_sandbox.commands.demo:nothing", "AttributeError: "),
    ],
)
def test_a_sandbox_that_cannot_be_loaded_is_told_in_a_sentence(
    place: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    installed(monkeypatch, EntryPoint("demo", place, sandbox_commands.GROUP))

    code = cli.run(["demo", "--once"])

    err = capsys.readouterr().err
    assert code == 2
    assert f"`cdc demo` of mysql-mongodb-cdc-sandbox cannot be loaded: {reason}" in err
    assert "pip install . ./sandbox" in err
    assert "Traceback" not in err


def test_other_commands_load_nothing_of_it() -> None:
    program = (
        "import json, sys; from cdc import cli; code = cli.run(['run', '--help'])\n"
        "print(json.dumps([name for name in sys.modules if name.startswith('cdc_sandbox')]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("name", ["cdc.demo", "cdc.servers"])
def test_no_old_name_is_kept(name: str) -> None:
    assert importlib.util.find_spec(name) is None


@pytest.mark.parametrize("name", ["mysql", "mongo"])
def test_what_looks_into_a_server_without_its_client_is_quoted_once(
    name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    report = Report(
        name=name,
        engine="packages",
        version="1",
        host="h",
        port=1,
        user="root",
        password="pw",
        uri="scheme://h:1/",
        client="client",
        pid=7,
    )

    command = servers._client(report)

    assert command.count("'") == 2, command
    assert ast.parse(shlex.split(command)[-1])
