from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cdc.config import load
from cdc.mapping.file.project import project_mappings
from cdc_sandbox.demo.folder import write_configuration

SOURCE: Any = SimpleNamespace(host="127.0.0.1", port=3307, user="root", password="p:#'\" {}")
TARGET: Any = SimpleNamespace(uri="mongodb://127.0.0.1:27018/?replicaSet=rs0")


def test_the_configuration_is_one_that_cdc_reads(tmp_path: Path) -> None:
    config = load(write_configuration(tmp_path, SOURCE, TARGET), {})

    assert (config.source.port, config.source.read_password()) == (3307, SOURCE.password)
    assert (config.target.uri.get_secret_value(), config.start) == (TARGET.uri, "earliest")
    assert len(project_mappings(config, tmp_path / "cdc.yaml")) == 2


def test_nobody_else_may_read_the_password(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, SOURCE, TARGET)

    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_an_installation_without_mappings_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdc_sandbox.demo.folder.MAPPINGS", ("none.yaml",))

    with pytest.raises(Exception, match="mappings of the demo are missing"):
        write_configuration(tmp_path, SOURCE, TARGET)
