from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cdc.commands.run import APPLY
from cdc.errors import CdcError, Halted, Unfit, UsageError
from tests.integration.deployment.support.tool import Tool
from tests.support.checkout import ROOT
from tests.support.pages import blocks

MOST_EXPOSURE = 20
"""Ten times what systemd-analyze calls the exposure level; 100 is a service without any of it."""


UNIT, TEMPLATE = (ROOT / "config" / name for name in ("cdc.service", "cdc@.service"))


@pytest.fixture(params=[UNIT, TEMPLATE], ids=["one stream", "a template"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit, with a program that this machine has; of the template, the instance `shop`."""
    file: Path = request.param
    text = file.read_text()
    program = Path(sys.executable).with_name("cdc")
    assert program.exists()
    path = tmp_path / file.name.replace("@", "@shop")
    path.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", text))
    return path


def test_systemd_takes_the_unit_without_a_complaint(unit: Path, systemd_analyze: Tool) -> None:
    done = systemd_analyze("verify", unit)

    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_notices_a_mistake_in_the_unit(unit: Path, systemd_analyze: Tool) -> None:
    unit.write_text(unit.read_text().replace("Type=notify", "Type=notified"))

    done = systemd_analyze("verify", unit)

    assert unit.name in done.stderr


def test_the_unit_leaves_little_exposed(unit: Path, systemd_analyze: Tool) -> None:
    done = systemd_analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", unit)

    assert done.returncode == 0, done.stdout


def overridden(folder: Path, text: str) -> Path:
    """Return the unit with a drop-in; its program is one that this machine has."""
    unit, more = folder / UNIT.name, folder / f"{UNIT.name}.d"
    more.mkdir()
    for path, written in ((unit, UNIT.read_text()), (more / "role.conf", text)):
        program = Path(sys.executable).with_name("cdc")
        path.write_text(re.sub(r"(?m)^ExecStart=/\S+", f"ExecStart={program}", written))
    return unit


@pytest.fixture
def drop_in() -> str:
    """The page's file for an applier."""
    [found] = [each for each in blocks("how-to/systemd.md") if each.title.endswith("role.conf")]
    return found.text


def test_systemd_takes_the_page_s_role(drop_in: str, tmp_path: Path, systemd_analyze: Tool) -> None:
    done = systemd_analyze("verify", overridden(tmp_path, drop_in))

    ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, ours) == (0, [])
    [role] = re.findall(r" --role (\w+) ", drop_in)
    assert role == APPLY


def test_systemd_notices_that_a_role_is_added_to_the_unit_s_own(
    drop_in: str, tmp_path: Path, systemd_analyze: Tool
) -> None:
    added = drop_in.replace("ExecStart=\n", "")

    done = systemd_analyze("verify", overridden(tmp_path, added))

    assert "more than one ExecStart= setting" in done.stderr


def test_it_does_not_restart_where_a_restart_would_end_the_same() -> None:
    text = UNIT.read_text()

    [codes] = re.findall(r"(?m)^RestartPreventExitStatus=(.*)$", text)

    assert [int(code) for code in codes.split()] == [
        error.exit_code for error in (UsageError, Unfit, Halted)
    ]
    assert CdcError.exit_code not in map(int, codes.split())


def test_the_template_differs_from_the_unit_in_its_stream_alone() -> None:
    def settings(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("#")]

    template = (
        TEMPLATE.read_text()
        .replace("to MySQL: %i", "to MySQL")
        .replace("/etc/cdc/%i", "/etc/cdc/cdc")
    )

    assert settings(template) == settings(UNIT.read_text())
