from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdc import cli
from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.integration.preflight.support.checked import Check, Found, Setup


@pytest.fixture
def setup(
    tmp_path: Path,
    source: MySQLServer,
    mongo: MongoServer,
    database: str,
    state_database: str,
) -> Setup:
    (tmp_path / "mappings").mkdir()
    return Setup(
        tmp_path,
        {
            "host": source.host,
            "port": source.port,
            "user": source.user,
            "password": source.password,
            "tls": "off",
        },
        {"uri": mongo.uri, "database": database, "state_database": state_database},
    )


@pytest.fixture
def check(setup: Setup, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run `cdc check --output json`; return its exit code and its findings."""

    def run() -> tuple[int, Found]:
        code = cli.run(["check", "--config", str(setup.path), "--output", "json"])
        answer = json.loads(capsys.readouterr().out)
        assert answer["fit"] == (code == 0)
        return code, {
            each["check"]: (each["outcome"], each["what"], each["remedy"] or "")
            for each in answer["findings"]
        }

    return run


@pytest.fixture
def table(source: MySQLServer, schema: str, setup: Setup) -> str:
    """The name of a followed table that is fit."""
    source.execute(f"CREATE TABLE {schema}.plain (id INT PRIMARY KEY, note TEXT)")
    setup.follow(f"{schema}.plain")
    return f"{schema}.plain"
