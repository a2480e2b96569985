"""A command that prints the source's password, asked anew each time."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cdc.config import SourceConfig, load, password_command
from cdc.errors import Retryable, UsageError

SECRET = "the-token-itself"


def source(folder: Path, command: Any, **keys: Any) -> SourceConfig:
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "users.yaml").write_text("source: shop.users\n")
    path = folder / "cdc.yaml"
    settings = {"host": "db", "port": 3307, "user": "cdc", "password_command": command, **keys}
    document = {
        "name": "shop",
        "source": settings,
        "target": {"uri": "mongodb://localhost", "database": "shop"},
    }
    path.write_text(json.dumps(document))
    return load(path, {}).source


def refusal(folder: Path, command: Any, **keys: Any) -> str:
    with pytest.raises(UsageError) as caught:
        source(folder, command, **keys)
    return str(caught.value).rpartition("cdc.yaml:1: ")[2]


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_the_command_prints_is_the_password_without_the_last_newline(tmp_path: Path) -> None:
    assert source(tmp_path, python("print(' a b ')")).read_password() == " a b "


def test_it_is_asked_anew_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    found = source(tmp_path, ["cat", str(token)])
    token.write_text("one")
    first = found.read_password()
    token.write_text("two")

    assert (first, found.read_password()) == ("one", "two")


def test_no_shell_reads_its_arguments(tmp_path: Path) -> None:
    found = source(tmp_path, [*python("import sys; print(sys.argv[1])"), "$HOME; `id` *"])

    assert found.read_password() == "$HOME; `id` *"


def test_its_arguments_tell_which_server_asks(tmp_path: Path) -> None:
    command = ["echo", "{host}", "--port={port}", "{user}", "{other}"]
    alone = source(tmp_path, command)
    several = source(tmp_path, command, host=None, port=3306, hosts=["a", "b:3308"])

    assert alone.read_password() == "db --port=3307 cdc {other}"
    assert [each.read_password() for each in several.each_host()] == [
        "a --port=3306 cdc {other}",
        "b --port=3308 cdc {other}",
    ]


def test_a_path_begins_at_the_configuration_s_folder(tmp_path: Path) -> None:
    script = tmp_path / "token.sh"
    script.write_text("#!/bin/sh\necho from the folder\n")
    script.chmod(0o755)

    assert source(tmp_path, ["./token.sh"]).read_password() == "from the folder"


def test_a_command_that_fails_is_asked_again_later_and_its_output_is_never_told(
    tmp_path: Path,
) -> None:
    text = f"""
import sys
print({SECRET!r})
print('no token for you', {SECRET!r}, file=sys.stderr)
print('a second line', file=sys.stderr)
sys.exit(7)
"""
    with pytest.raises(Retryable) as caught:
        source(tmp_path, python(text)).read_password()

    assert caught.value.message == (
        f"source.password_command ({sys.executable}) failed with exit status 7: no token for you …"
    )


def test_of_a_traceback_the_error_is_told(tmp_path: Path) -> None:
    with pytest.raises(Retryable, match=r"exit status 1: FileNotFoundError: .*'token'"):
        source(tmp_path, python("open('token')")).read_password()


def test_a_command_that_is_killed_says_so(tmp_path: Path) -> None:
    with pytest.raises(Retryable, match="was ended by signal 9: it said nothing"):
        source(tmp_path, ["sh", "-c", "kill -9 $$"]).read_password()


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "printed no password"), ("print()", "printed no password"), ("print('a\\nb')", "more")],
)
def test_what_is_no_password_is_not_sent(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(Retryable, match=what):
        source(tmp_path, python(text)).read_password()


def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_command, "ANSWER_SECONDS", 0.2)
    began = time.monotonic()

    with pytest.raises(Retryable, match=r"did not end within 0\.2 seconds"):
        source(tmp_path, ["sh", "-c", "sleep 60 & sleep 60"]).read_password()

    assert time.monotonic() - began < 20


def test_a_program_that_vanishes_is_a_mistake_in_usage(tmp_path: Path) -> None:
    script = tmp_path / "token.sh"
    script.write_text("#!/bin/sh\necho x\n")
    script.chmod(0o755)
    found = source(tmp_path, [str(script)])
    script.unlink()

    with pytest.raises(UsageError, match="cannot be run"):
        found.read_password()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("echo secret", "write a list: [PROGRAM, ARGUMENT, …]"),
        ([], "is empty"),
        (["no-such-program-anywhere"], "there is no program no-such-program-anywhere"),
        (["./absent.sh"], "there is no program ./absent.sh"),
        ([""], "there is no program "),
        (["echo", 7], "must be text"),
    ],
)
def test_what_is_no_command_is_a_mistake(tmp_path: Path, command: Any, what: str) -> None:
    told = refusal(tmp_path, command)

    assert told.startswith("source.password_command")
    assert what in told


@pytest.mark.parametrize("other", ["password", "password_file"])
def test_there_is_one_way_to_tell_the_password(tmp_path: Path, other: str) -> None:
    (tmp_path / "secret").write_text("hush")

    told = refusal(tmp_path, ["echo", "x"], **{other: "secret"})

    assert told.splitlines()[0] == (
        f"source.password_command: `{other}` is written too: keep one of the two"
    )
