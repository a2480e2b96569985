"""A real Prometheus scrapes a real daemon, loads the rules, and answers what the dashboard asks."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdc_sandbox.servers.ports import free_port
from cdc_sandbox.servers.process import Process
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream
from tests.support.checkout import ROOT
from tests.support.packaged import packaged
from tests.support.waiting import eventually

ANSWERS_WITHIN_SECONDS = 60


class Prometheus:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}{path}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.get("/api/v1/query", query=expression)["result"]
        return [each for each in found if each["value"][1] != "NaN"]

    def answers(self) -> bool:
        try:
            return bool(self.get("/api/v1/status/runtimeinfo"))
        except OSError:
            return False


@pytest.fixture
def watched(stream: Stream) -> Stream:
    """A stream at work on everything that the dashboard shows."""
    stream.settings["start"] = "backfill"
    stream.settings["http"] = {"listen": "127.0.0.1:0"}
    stream.settings["source"]["heartbeat_table"] = f"{stream.schema}.heartbeat"
    stream.sql("CREATE TABLE heartbeat (stream VARCHAR(63) PRIMARY KEY, beat_at DATETIME(6))")
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    stream.sql("INSERT INTO items (word) VALUES ('one'), ('two')")
    stream.start()
    stream.daemon.until_logged("job_done")
    stream.sql("ALTER TABLE items ADD COLUMN number INT")
    stream.daemon.until_logged("schema_changed")
    return stream


@pytest.fixture
def prometheus(watched: Stream, tmp_path: Path) -> Iterator[Prometheus]:
    port = free_port()
    target = f"127.0.0.1:{watched.daemon.until_logged('http_listening')['port']}"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "config" / "alerts.yml")],
        "scrape_configs": [
            {"job_name": "cdc", "static_configs": [{"targets": [target]}]},
        ],
    }
    path = tmp_path / "prometheus.yml"
    path.write_text(json.dumps(config))
    command = [
        *packaged("prometheus", "prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = Process(command, log=tmp_path / "prometheus.log")
    process.start()
    found = Prometheus(port)
    try:
        eventually(found.answers, ANSWERS_WITHIN_SECONDS, waiting_for="prometheus to answer")
        yield found
    finally:
        process.close()


@ONE_KIND
def test_every_panel_has_data_and_the_rules_are_healthy(
    watched: Stream, prometheus: Prometheus
) -> None:
    """About 15 seconds."""
    dashboard = json.loads((ROOT / "config" / "dashboard.json").read_text())
    asked = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
    } | {each["name"]: each["expr"] for each in dashboard["annotations"]["list"]}
    expressions = {
        name: each.replace("$__rate_interval", "10s").replace("$stream", watched.name)
        for name, each in asked.items()
    }

    def empty() -> list[str]:
        watched.sql("INSERT INTO items (word) VALUES ('more')", "UPDATE items SET word = 'new'")
        return [name for name, each in expressions.items() if not prometheus.query(each)]

    eventually(lambda: not empty(), ANSWERS_WITHIN_SECONDS, waiting_for="data in every panel")
    [group] = prometheus.get("/api/v1/rules")["groups"]
    eventually(lambda: all(rule["health"] == "ok" for rule in _rules(prometheus)))
    assert len(group["rules"]) >= 10
    assert not prometheus.query('ALERTS{alertstate="firing"}')


def _rules(prometheus: Prometheus) -> list[Any]:
    return [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
