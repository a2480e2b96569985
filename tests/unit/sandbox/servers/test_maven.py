from __future__ import annotations

import hashlib
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers import maven

SUMS = {"a.jar": hashlib.sha256(b"a").hexdigest(), "b.jar": hashlib.sha256(b"b").hexdigest()}


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.jar").write_bytes(name.encode())
    return folder


def test_jars_that_are_known_pass(jars: Path) -> None:
    maven.check(jars, SUMS)


def test_a_jar_with_another_content_is_refused(jars: Path) -> None:
    (jars / "b.jar").write_bytes(b"changed")

    with pytest.raises(Unfit, match=r"another b\.jar"):
        maven.check(jars, SUMS)


def test_a_jar_too_many_or_too_few_is_refused(jars: Path) -> None:
    (jars / "c.jar").write_bytes(b"c")
    with pytest.raises(Unfit, match=r"another c\.jar"):
        maven.check(jars, SUMS)

    (jars / "c.jar").unlink()
    (jars / "a.jar").unlink()
    with pytest.raises(Unfit, match=r"another a\.jar"):
        maven.check(jars, SUMS)


def test_the_sums_are_read_as_sha256sum_prints_them() -> None:
    assert maven.read_sums("".join(f"{sum_}  {name}\n" for name, sum_ in SUMS.items())) == SUMS


def test_several_artifacts_are_asked_for_in_one_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mvn"
    program.write_text(
        "#!/bin/sh\n"
        f'for it; do case $it in --file=*) cp "${{it#*=}}" {tmp_path}/asked.xml;; esac; done\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    maven.copy_all(["org:server:1.0", "org.log:log:2"], tmp_path / "jars")

    project = ElementTree.parse(tmp_path / "asked.xml").getroot()
    found = [[it.text for it in each] for each in project.iter("dependency")]
    assert found == [["org", "server", "1.0"], ["org.log", "log", "2"]]
