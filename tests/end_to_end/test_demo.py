from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from cdc_sandbox.demo.daemon import cdc_command
from cdc_sandbox.demo.environment import stage
from cdc_sandbox.demo.generate import A_DAY
from cdc_sandbox.demo.once import play_once
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.servers import Flavour
from tests.support.waiting import eventually

FLAVOURS: tuple[Flavour, ...] = ("mysql", "mariadb")
ONCE_SECONDS = 180
STOP_SECONDS = 60


class Demo:
    """`cdc demo` in a process of its own, its output in files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                cdc_command("demo", *options),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    @property
    def ports(self) -> list[int]:
        return [int(port) for port in re.findall(r" on 127\.0\.0\.1:(\d+)", self.stderr)]

    @property
    def portal_port(self) -> int:
        found = re.search(r"the portal: http://127\.0\.0\.1:(\d+)/", self.stdout)
        assert found
        return int(found[1])

    @property
    def folder(self) -> Path:
        found = re.search(r"tail -f (\S+)/daemon\.log", self.stdout)
        assert found
        return Path(found[1])

    def until_it_replicates(self) -> None:
        def behind() -> bool:
            assert self.process.poll() is None, self.stderr
            return re.search(r"→ MongoDB: .* tweets, \d.* behind", self.stderr) is not None

        eventually(behind, waiting_for="a live line that tells the lag")

    def daemon_pid(self) -> int:
        for command_line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = command_line.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if f"{self.folder}/cdc.yaml" in words and "--" not in words:
                return int(command_line.parent.name)
        raise AssertionError("the daemon does not run")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path, "--rate", "50")
    yield demo
    if demo.process.poll() is None:
        demo.process.kill()
        demo.process.wait()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_pass_ends_with_both_sides_equal(flavour: Flavour) -> None:
    done = subprocess.run(
        cdc_command("demo", "--once", "--flavour", flavour),
        capture_output=True,
        text=True,
        timeout=ONCE_SECONDS,
        check=False,
    )

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"users: (\d+) rows, \1 documents, all equal", lines[0])
    assert re.fullmatch(r"tweets: (\d+) rows, \1 documents, all equal", lines[1])
    assert re.search(r"[1-9]\d* inserted, [1-9]\d* updated, [1-9]\d* deleted", done.stdout)
    assert re.fullmatch(r"catch-up: 20,000 rows, .* \([1-9][\d,]* rows/s\)", lines[-2])
    assert lines[-1] == "result: both sides are equal"
    assert f"{ {'mysql': 'MySQL', 'mariadb': 'MariaDB'}[flavour] } " in done.stderr


def test_a_row_that_the_daemon_never_heard_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cdc_sandbox.demo.environment.is_there", lambda: False
    )  # as installed from a wheel
    with (
        stage("mysql", say=lambda _: None) as opened,
        opened.source.connect() as unlogged,
        unlogged.cursor() as cursor,
    ):
        cursor.execute("SET sql_log_bin = 0")
        cursor.execute(
            "INSERT INTO twitter.users VALUES"
            " (1, 'ghost', '', '', '', NULL, NULL, NULL, 0, 0, 0, 0, NOW(6), NOW(6))"
        )

        found = play_once(
            opened,
            Sample.invented(until=A_DAY),
            seed=2,  # never picks the ghost
            transactions=0,
            deadline_seconds=60,
            say=lambda _: None,
        )

    assert not found.equal
    assert "  users 1: is not in MongoDB" in found.lines()
    assert found.lines()[-1] == "result: the sides DIFFER"


def logins_open_the_portal_whose_accounts_are_replicated(demo: Demo) -> None:
    password = re.findall(r"^  technician +(\S+) ", demo.stdout, flags=re.MULTILINE)[0]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = f"http://127.0.0.1:{demo.portal_port}/login/"
    token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', browser.open(page).read().decode())[0]
    form = {"csrfmiddlewaretoken": token, "username": "technician", "password": password}

    answer = browser.open(page, urllib.parse.urlencode(form).encode())

    assert answer.url.endswith("/replication/")
    documents = (demo.folder / "documents").read_text()
    mongo = re.findall(r"MongoClient\(\"(\S+)\"\)", documents)[0]
    with pymongo.MongoClient[dict[str, Any]](mongo) as client:
        accounts = eventually(
            lambda: len(found := list(client.twitter.accounts.find())) == 4 and found,
            waiting_for="four accounts",
        )
    assert isinstance(accounts, list)
    assert accounts[1].keys() == {"_id", "role", "active", "date_joined"}
    assert accounts[1]["role"] == "technical_worker"


def commands_look_at_both_sides(demo: Demo) -> None:
    printed = re.findall(r"^  (/\S+)  ", demo.stdout, flags=re.MULTILINE)

    rows, documents, status = (
        subprocess.check_output(command, shell=True, text=True) for command in printed[:3]
    )

    in_mysql, in_mongo = (
        [json.loads(each) for each in out.splitlines()] for out in (rows, documents)
    )
    assert [[*each] for each in in_mysql] == [["id", "user_id", "text", "updated_at"]] * 3
    assert [[*each] for each in in_mongo] == [["_id", "text", "updated_at", "author"]] * 3
    assert "\\u" not in rows + documents  # people read it, in their letters
    assert re.search(r"^state +active$", status, flags=re.MULTILINE)
    assert max(map(len, demo.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    ("works", "number"),  # two demos, each ten seconds of processor time
    [
        (logins_open_the_portal_whose_accounts_are_replicated, signal.SIGINT),
        (commands_look_at_both_sides, signal.SIGTERM),
    ],
)
def test_what_it_prints_works_until_a_signal_stops_workload_daemon_and_servers(
    demo: Demo, works: Callable[[Demo], None], number: signal.Signals
) -> None:
    demo.until_it_replicates()
    works(demo)

    demo.process.send_signal(number)

    assert demo.process.wait(STOP_SECONDS) == 0, demo.stderr
    assert re.search(r"from commit to MongoDB: p50 .*, p99 ", demo.stdout)
    assert len(demo.ports) == 2
    assert not any(_answers(port) for port in [*demo.ports, demo.portal_port])
    assert not demo.folder.exists()


def test_a_daemon_that_dies_is_told_at_once_with_its_log(demo: Demo) -> None:
    demo.until_it_replicates()

    os.kill(demo.daemon_pid(), signal.SIGTERM)

    assert demo.process.wait(STOP_SECONDS) == 1
    assert "the daemon died (exit code 0); the end of its log:\n{" in demo.stderr
    assert not any(_answers(port) for port in demo.ports)


def test_a_daemon_that_is_killed_is_started_again_and_both_sides_are_equal(demo: Demo) -> None:
    demo.until_it_replicates()
    killed = demo.daemon_pid()

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: "both sides are equal; it goes on" in demo.stderr, waiting_for="the result")
    assert "the daemon was killed; as a service manager would" in demo.stderr
    assert demo.daemon_pid() != killed
    told = len(demo.stderr)
    eventually(lambda: " rows changed, " in demo.stderr[told:], waiting_for="rows to change again")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOP_SECONDS) == 0, demo.stderr


def test_a_second_signal_kills_everything(demo: Demo) -> None:
    demo.until_it_replicates()
    os.kill(demo.daemon_pid(), signal.SIGSTOP)  # so that the clean way takes its time
    demo.process.send_signal(signal.SIGINT)
    eventually(lambda: "stopping:" in demo.stderr, waiting_for="the first signal to be heard")

    demo.process.send_signal(signal.SIGINT)

    assert demo.process.wait(20) == 130  # the clean way takes 30 s
    eventually(lambda: not any(_answers(port) for port in demo.ports), waiting_for="servers to die")
    eventually(lambda: not demo.folder.exists(), waiting_for="the folder to go")


def test_malformed_tweets_are_refused_before_anything_is_started(tmp_path: Path) -> None:
    tweets = tmp_path / "tweets.json"
    tweets.write_text('[\n{"id": {"$numberLong": "1"}},\n{"id": }\n]')

    done = subprocess.run(
        cdc_command("demo", "--once", "--tweets", str(tweets)),
        capture_output=True,
        text=True,
        timeout=ONCE_SECONDS,
        check=False,
    )

    assert done.returncode == 2
    assert "document 2, line 3: Expecting value" in done.stderr
    assert "MongoDB" not in done.stderr


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
