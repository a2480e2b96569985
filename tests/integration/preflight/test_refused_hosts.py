"""A host that cannot be used is told once by each command, as a finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdc import cli
from cdc_sandbox.servers import MySQLServer
from tests.integration.preflight.support.checked import Setup

pytestmark = pytest.mark.parametrize("source", ["mysql"], indirect=True)


@pytest.fixture
def path(setup: Setup, table: str, source: MySQLServer) -> Path:
    """A configuration whose first host is away."""
    hosts = ["127.0.0.1:1", f"{source.host}:{source.port}"]
    for key in ("host", "port"):
        del setup.source[key]
    setup.source["hosts"] = hosts
    setup.start = "backfill"
    return setup.path


def test_check_has_it_among_its_findings_alone(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["check", "--config", str(path), "--output", "json"]) == 0

    out, err = capsys.readouterr()
    findings = [each for each in json.loads(out)["findings"] if "127.0.0.1:1 " in each["check"]]
    assert [each["outcome"] for each in findings] == ["warning"]
    assert err == ""


@pytest.mark.parametrize(
    "words",
    [
        ["mapping", "check"],
        ["mapping", "preview", "TABLE"],
        ["mapping", "explain", "TABLE"],
        ["mapping", "init", "TABLE"],
        ["position", "set", "--start", "now"],
    ],
)
def test_others_tell_it_in_a_line(
    path: Path, table: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [table if word == "TABLE" else word for word in words]

    cli.run([*words, "--config", str(path)])

    err = capsys.readouterr().err.splitlines()
    assert [line for line in err if "127.0.0.1:1" in line] == [err[0]]
    assert err[0].startswith("warning     127.0.0.1:1 source: the source 127.0.0.1:1 cannot be")
