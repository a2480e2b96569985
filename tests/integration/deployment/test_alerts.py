from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.integration.deployment.support.tool import Tool
from tests.support.checkout import ROOT

RULES = ROOT / "config" / "alerts.yml"
[GROUP] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}


def test_prometheus_takes_the_rules(promtool: Tool) -> None:
    done = promtool("check", "rules", RULES)

    assert done.returncode == 0, done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


def test_each_alert_fires_and_a_healthy_stream_has_none(promtool: Tool) -> None:
    told = ROOT / "tests" / "integration" / "deployment" / "alerts.test.yml"

    done = promtool("test", "rules", told)

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r'alertname="(\w+)"', told.read_text())) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_what_to_do_and_has_its_section_in_the_runbook(name: str) -> None:
    annotations = ALERTS[name]["annotations"]
    runbook = (ROOT / "docs" / "operations.md").read_text()

    assert ": " in annotations["summary"]
    assert annotations["runbook"] == f"docs/operations.md#{name.lower()}"
    section = runbook.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert "`" in section, "it tells nothing to type"
