from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.java import java_command, keep_links_inside, major


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_412"', 8),
        ("sh: java: not found", 0),
    ],
)
def test_the_version_is_read_from_what_java_prints(text: str, number: int) -> None:
    assert major(text) == number


def serve(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = folder / "bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def test_the_machine_s_own_java_is_taken_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    program = serve(tmp_path, "21.0.1", monkeypatch)

    assert java_command(Cache(tmp_path / "cache")) == [str(program)]


def test_an_older_java_is_passed_over_for_an_unpacked_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    serve(tmp_path, "11.0.2", monkeypatch)
    root = tmp_path / "cache/jre-21.0.1/root"
    program = root / "usr/lib/jvm/java-21-openjdk-amd64/bin/java"
    loader = root / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    for path in (program, loader):
        path.parent.mkdir(parents=True)
        path.touch()

    command = java_command(Cache(tmp_path / "cache"))

    assert (command[0], command[-1]) == (str(loader), str(program))


def test_links_into_the_machine_name_the_unpacked_files_also_after_a_move(tmp_path: Path) -> None:
    root = tmp_path / "building/root"
    (root / "etc/java").mkdir(parents=True)
    (root / "etc/java/settings").write_text("ours")
    (root / "usr/lib/jvm/java/conf").mkdir(parents=True)
    (root / "usr/lib/jvm/java/conf/settings").symlink_to("/etc/java/settings")
    (root / "usr/lib/jvm/default").symlink_to("java")

    keep_links_inside(root, root / "usr/lib/jvm")

    moved = root.parent.rename(tmp_path / "built") / "root/usr/lib/jvm"
    assert (moved / "java/conf/settings").read_text() == "ours"
    assert (moved / "default").readlink() == Path("java")
