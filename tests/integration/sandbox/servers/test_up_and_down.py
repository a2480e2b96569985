from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymongo import MongoClient

from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.detached import command_of
from tests.support.topics import produce, read

pytestmark = pytest.mark.slow  # starts servers of its own


class Commands:
    """`cdc servers …` with a state of its own and the servers of the user's cache."""

    def __init__(self, folder: Path) -> None:
        self.cache = Cache.of_user({"XDG_CACHE_HOME": str(folder)})
        self._environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(folder),
            "CDC_SERVERS": "packages",
        }

    def run(self, *arguments: str) -> str:
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "cli.py", "servers", *arguments],
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
        )

    def up(self, *arguments: str) -> dict[str, dict[str, Any]]:
        answer = json.loads(self.run("up", "--output=json", *arguments))
        return {server["name"]: server for server in answer["servers"]}


@pytest.fixture
def commands(tmp_path: Path, mysql: object, mongo: object) -> Iterator[Commands]:
    commands = Commands(tmp_path)
    commands.cache.folder.mkdir(parents=True)
    for entry in Cache.of_user().folder.glob("*-[0-9]*"):
        (commands.cache.folder / entry.name).symlink_to(entry)
    yield commands
    commands.run("down", "--delete-data")
    shutil.rmtree(tmp_path)


def test_servers_stay_after_the_command_and_answer(commands: Commands) -> None:
    servers = commands.up()

    mysql, mongo = servers["mysql"], servers["mongo"]
    pymysql.connect(
        host=mysql["host"], port=mysql["port"], user=mysql["user"], password=mysql["password"]
    ).close()
    with MongoClient[dict[str, Any]](mongo["uri"]) as client:
        assert client.admin.command("hello")["isWritablePrimary"]


def test_up_leaves_running_servers_alone(commands: Commands) -> None:
    first = commands.up()

    assert commands.up() == first


def test_down_stops_them_and_up_finds_the_data_again(commands: Commands) -> None:
    first = commands.up()
    with MongoClient[dict[str, Any]](first["mongo"]["uri"]) as client:
        client.d.rows.insert_one({"_id": 1})

    commands.run("down")

    assert not any(command_of(server["pid"]) for server in first.values())
    second = commands.up()
    assert second["mongo"]["uri"] == first["mongo"]["uri"]
    with MongoClient[dict[str, Any]](second["mongo"]["uri"]) as client:
        assert client.d.rows.count_documents({}) == 1


def test_a_broker_comes_up_beside_them_and_keeps_what_it_was_given(commands: Commands) -> None:
    first = commands.up("--with=kafka")["kafka"]
    produce(first["uri"], "topic", [b"a"])

    commands.run("down")

    assert not command_of(first["pid"])
    second = commands.up("--with=kafka")["kafka"]
    assert second["uri"] == first["uri"]
    assert [message.value() for message in read(second["uri"], "topic")] == [b"a"]


def test_those_that_run_are_told_also_if_another_one_does_not_start(commands: Commands) -> None:
    servers = commands.up("--with=kafka")
    commands.run("down")
    with socket.create_server((servers["kafka"]["host"], servers["kafka"]["port"])):
        text = commands.tried("up", "--with=kafka")
        answer = commands.tried("up", "--with=kafka", "--output=json")

    for refused in (text, answer):
        assert refused.returncode == 1
        assert "another program listens on port" in refused.stderr
    assert [each["name"] for each in json.loads(answer.stdout)["servers"]] == ["mysql", "mongo"]
    assert all(servers[name]["uri"] in text.stdout for name in ("mysql", "mongo"))


def test_down_stops_no_other_program_that_was_given_the_process_id(commands: Commands) -> None:
    servers = commands.up()
    commands.run("down")
    with subprocess.Popen(["sleep", "600"]) as innocent:
        state = commands.cache.folder / "up" / "mysql" / "state.json"
        saved = json.loads(state.read_text())
        assert saved["pid"] == servers["mysql"]["pid"]
        state.write_text(json.dumps(saved | {"pid": innocent.pid}))

        commands.run("down")

        assert innocent.poll() is None
        innocent.kill()


def test_a_version_that_cannot_be_had_is_told_with_those_that_can(commands: Commands) -> None:
    refused = commands.tried("up", "--version=5.7")

    assert refused.returncode == 2
    assert "starting" not in refused.stderr
    assert "no mysql 5.7 to be had" in refused.stderr
    assert "8.0.15, 8.0.31" in refused.stderr


@pytest.mark.parametrize(
    ("option", "name", "versions"),
    [
        ("--version", "mysql", ("8.0.15", "8.0.31")),
        ("--mongo-version", "mongo", ("4.4.2", "5.0.4")),
    ],
)
def test_data_are_not_started_with_another_version(
    commands: Commands, option: str, name: str, versions: tuple[str, str]
) -> None:
    made_with = commands.up()[name]["version"]
    another = next(each for each in versions if each != made_with)
    commands.run("down")

    refused = commands.tried("up", f"{option}={another}")

    assert refused.returncode == 2
    assert f"the data of {name} were made with" in refused.stderr
    assert "cdc servers down --delete-data" in refused.stderr


def test_the_text_shows_versions_and_what_to_type(commands: Commands) -> None:
    servers = commands.up("--with=kafka")

    text = commands.run("up", "--with=kafka")

    lines = [line.strip() for line in text.splitlines()]
    for server in servers.values():
        at = next(n for n, line in enumerate(lines) if server["uri"] == line)
        assert lines[at - 1].startswith(
            f"{server['name']} {server['version']} (pid {server['pid']}"
        )
        typed = subprocess.run(
            lines[at + 1], shell=True, input="exit\n", text=True, capture_output=True, check=False
        )
        assert typed.returncode == 0, typed.stderr


def test_down_says_that_nothing_runs(commands: Commands) -> None:
    nothing = commands.tried("down")

    assert nothing.returncode == 0
    assert nothing.stderr == "no server of `cdc servers up` runs\n"
