from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from cdc import cli
from cdc.errors import Unfit
from cdc_sandbox.servers import kafka_program, wheel
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.versions import DEFAULTS

UP = ["servers", "up", "--no-containers"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """The cache of a user who never fetched a server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Cache.of_user()


@pytest.fixture
def without_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which confluent-kafka is not installed."""
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that ends with exit code 3, and return what it said."""
    assert cli.run(arguments) == 3
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.usefixtures("without_client")
def test_without_kafka_s_client_nothing_is_fetched_or_started(
    cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused([*UP, "--with", "kafka"], capsys)

    python = shlex.quote(sys.executable)
    assert f"remedy: {python} -m pip install confluent-kafka\n" in err
    assert "starting" not in err
    assert not cache.folder.exists()


def test_without_maven_nothing_is_fetched_or_started(
    cache: Cache, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    err = refused([*UP, "--with", "kafka"], capsys)

    assert "mvn is not installed" in err
    assert "starting" not in err
    assert not cache.folder.exists()


def test_without_pip_nothing_is_fetched_or_started(
    cache: Cache, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    err = refused(UP, capsys)

    assert "pip" in err
    assert "starting" not in err
    assert not cache.folder.exists()


def test_what_was_fetched_before_needs_neither_again(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for name in ("kafka", "mongo"):
        (cache.folder / f"{DEFAULTS[name].kind}-1.2.3").mkdir(parents=True)

    kafka_program.require(DEFAULTS["kafka"], cache)
    wheel.require(DEFAULTS["mongo"], cache)


@pytest.mark.usefixtures("without_client")
def test_a_broker_that_nobody_can_ask_is_not_prepared(cache: Cache) -> None:
    with pytest.raises(Unfit, match="confluent-kafka"):
        kafka_program.installed(DEFAULTS["kafka"], cache)

    assert not cache.folder.exists()
