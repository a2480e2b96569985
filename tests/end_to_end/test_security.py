"""Encrypted and verified on both sides, with no more rights than docs/configuration.md grants."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient

from cdc import cli
from cdc_sandbox.servers import Flavour, MongoServer, mongo_server, mysql_server
from tests.end_to_end.support.certificates import Certificates, make
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.features import WRITE_BLOCK, require
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
SOURCE_PASSWORD = "ein-geheimes-Wort"
TARGET_PASSWORD = "un-mot-secret"
ADMIN = {"username": "admin", "password": "admin"}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def locked_mongo(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[MongoServer]:
    """A replica set that asks for a login, and offers TLS."""
    key = tmp_path_factory.mktemp("keys") / "replica-set.key"
    key.write_text("c2VjcmV0IG9mIHRoZSByZXBsaWNhIHNldA==")
    key.chmod(0o400)
    options = [
        f"--keyFile={key}",
        "--tlsMode=preferTLS",
        f"--tlsCertificateKeyFile={certificates.both}",
        f"--tlsCAFile={certificates.authority}",
        "--tlsAllowConnectionsWithoutCertificates",
    ]
    with mongo_server(options=options) as server:
        with server.client() as client:
            client.admin.command("createUser", "admin", pwd="admin", roles=["root"])
        yield server


def documented(language: str, begins: str) -> str:
    """The code block of docs/configuration.md, Privileges, that holds this text."""
    text = (ROOT / "docs" / "configuration.md").read_text().partition("## Privileges")[2]
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    [found] = [block for block in blocks if begins in block]
    return found


@dataclass(frozen=True)
class Locked:
    """A stream whose accounts have the documented rights and nothing else."""

    stream: Stream
    certificates: Certificates

    def uri(self, host: str = "127.0.0.1", password: str = TARGET_PASSWORD) -> str:
        options = f"tls=true&tlsCAFile={self.certificates.authority}&authSource=admin"
        account = f"{self.stream.name}:{password}@{host}:{self.stream.mongo.port}"
        return f"mongodb://{account}/?directConnection=true&{options}"


@pytest.fixture(params=["mysql", "mariadb"])
def locked(
    request: pytest.FixtureRequest,
    locked_mongo: MongoServer,
    certificates: Certificates,
    make_stream: MakeStream,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Locked]:
    flavour: Flavour = request.param
    options = [
        f"--ssl-ca={certificates.authority}",
        f"--ssl-cert={certificates.certificate}",
        f"--ssl-key={certificates.key}",
    ]
    with ExitStack() as stack:
        source = stack.enter_context(mysql_server(flavour, options=options))
        client = stack.enter_context(locked_mongo.client(**ADMIN))
        stream = make_stream(source, locked_mongo, client, KINDS[f"{flavour}-gtid"][1])
        locked = Locked(stream, certificates)
        _grant_source(stream)
        _grant_target(stream, client)
        password = tmp_path / "password"
        password.write_text(f"{SOURCE_PASSWORD}\n")
        stream.settings["source"] |= {
            "user": "cdc",
            "password_file": str(password),
            "tls": {"ca": str(certificates.authority)},
        }
        del stream.settings["source"]["password"]
        monkeypatch.setenv("TARGET_URI", locked.uri())
        stream.settings["target"]["uri"] = "${TARGET_URI}"
        stream.settings["start"] = "backfill"
        stream.settings["http"] = {"listen": "127.0.0.1:0"}
        mapping = {"indexes": [{"keys": {"word": 1}}]}
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)", mapping)
        yield locked
        stream.close()
        for daemon in stream.daemons:
            assert SOURCE_PASSWORD not in daemon.stderr
            assert TARGET_PASSWORD not in daemon.stderr
        stream.client.drop_database(stream.database.name)
        stream.client.drop_database(stream.state.name)
        stream.source.stop()


def _grant_source(stream: Stream) -> None:
    privilege = "BINLOG MONITOR" if stream.source.flavour == "mariadb" else "REPLICATION CLIENT"
    text = documented("sql", privilege).replace("…", SOURCE_PASSWORD)
    for statement in filter(None, map(str.strip, text.split(";"))):
        stream.source.execute(statement.replace("twitter.*", f"{stream.schema}.*"))


def _grant_target(stream: Stream, client: MongoClient[Document]) -> None:
    text = documented("javascript", "createRole").partition("createRole(")[2].partition("\n})")[0]
    role = yaml.safe_load(text + "\n}")
    for privilege, name in zip(
        role["privileges"], (stream.database.name, stream.state.name), strict=True
    ):
        privilege["resource"]["db"] = name
    client.admin.command(
        "createRole", stream.name, privileges=role["privileges"], roles=role["roles"]
    )
    client.admin.command("createUser", stream.name, pwd=TARGET_PASSWORD, roles=[stream.name])


def command(locked: Locked, *words: str) -> int:
    return cli.run([*words, "--config", str(locked.stream.config)])


def test_the_documented_rights_are_enough_and_no_secret_is_told(
    locked: Locked, capsys: pytest.CaptureFixture[str]
) -> None:
    """About 15 seconds. Copy, stream, dead letter, truncate, takeover, resync, verify, status."""
    stream = locked.stream
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    daemon = stream.start(ledger=False)
    daemon.until_logged("job_done")
    stream.client[stream.database.name].command(
        "collMod", "items", validator={"word": {"$ne": "bad"}}
    )
    stream.sql("INSERT INTO items VALUES (3, 'bad')", "UPDATE items SET word = 'new' WHERE id = 1")
    daemon.until_logged("dead_letter")
    stream.sql("DELETE FROM items WHERE id = 3")
    daemon.until_logged("dead_letter_resolved")
    for kind in ("resync", "verify"):
        assert command(locked, kind, f"{stream.schema}.items") == 0
    daemon.kill()
    stream.start(ledger=False)
    stream.sql("TRUNCATE TABLE items", "INSERT INTO items VALUES (4, 'four')")
    stream.until_caught_up()

    assert stream.documents("items") == {4: {"word": "four"}}
    assert command(locked, "check") == 0
    assert command(locked, "status") == 0
    port = stream.daemon.until_logged("http_listening")["port"]
    pages = [
        urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}") for page in ("status", "metrics")
    ]
    told = "".join(page.read().decode() for page in pages) + "".join(capsys.readouterr())
    told += Path(f"/proc/{stream.daemon.pid}/cmdline").read_text()
    assert len(told) > 1000
    assert SOURCE_PASSWORD not in told
    assert TARGET_PASSWORD not in told


@pytest.mark.parametrize("locked", ["mysql"], indirect=True)
def test_what_is_wrong_with_a_login_is_named_and_nothing_falls_back(
    locked: Locked, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 15 seconds: every mistake is tried against `cdc check`."""
    stream = locked.stream

    def told(words: str, outcome: str = "unfit", **source: Any) -> bool:
        settings = {**stream.settings, "source": {**stream.settings["source"], **source}}
        stream.config.write_text(json.dumps(settings))
        assert command(locked, "check", "--output", "json") == 3
        out = capsys.readouterr().out
        assert SOURCE_PASSWORD not in out
        assert TARGET_PASSWORD not in out
        findings = json.loads(out)["findings"]
        return any(
            words in each["what"] and each["outcome"] == outcome and each["remedy"]
            for each in findings
        )

    assert told("for another host", host="localhost")
    assert told("not trusted", tls="verify")
    assert told("insist", tls="off") or told("does not let cdc in", tls="off")
    assert told("does not let nobody in", user="nobody")
    assert told("cannot be reached", "unreachable", port=1)
    monkeypatch.setenv("TARGET_URI", locked.uri(password="wrong"))
    assert told("refuses")
    monkeypatch.setenv("TARGET_URI", locked.uri(host="localhost"))
    assert told("certificate")
    daemon = stream.start(ledger=False)
    assert daemon.wait() == 3
    monkeypatch.setenv("TARGET_URI", re.sub("tlsCAFile=[^&]*&", "", locked.uri()))
    assert told("certificate")
    monkeypatch.setenv("TARGET_URI", locked.uri())
    stream.start(ledger=False)
    eventually(lambda: stream.daemon.events("streaming"))


@pytest.mark.parametrize("locked", ["mysql"], indirect=True)
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_rights_that_are_taken_away_stop_the_daemon_by_name(locked: Locked, busy: bool) -> None:
    stream = locked.stream
    daemon = stream.start(ledger=False)
    daemon.until_logged("job_done")

    stream.client.admin.command("revokeRolesFromUser", stream.name, roles=[stream.name])
    if busy:
        stream.sql("INSERT INTO items VALUES (1, 'one')")

    assert daemon.wait() == 3
    [said] = [each for each in daemon.events("stopped") if each.get("exit_code") == 3]
    assert "refuses this account" in said["message"]
    assert said["remedy"]


@pytest.mark.parametrize("locked", ["mysql"], indirect=True)
def test_a_target_that_is_closed_for_writes_is_waited_for(locked: Locked) -> None:
    stream = locked.stream
    require(stream.mongo, WRITE_BLOCK)
    daemon = stream.start(ledger=False)
    daemon.until_logged("job_done")
    block = {"setUserWriteBlockMode": 1}

    stream.client.admin.command({**block, "global": True})
    try:
        stream.sql("INSERT INTO items VALUES (1, 'one')")
        said = daemon.until_logged("target_retry")
        daemon.kill()
        stream.start(ledger=False).until_logged("start_retry")
    finally:
        stream.client.admin.command({**block, "global": False})

    assert "blocked" in said["error"]
    stream.until_caught_up()
    assert stream.documents("items") == {1: {"word": "one"}}
    assert not daemon.events("dead_letter")
