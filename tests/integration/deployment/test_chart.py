"""The Helm chart, rendered by Helm itself; no cluster is to be had here that would run it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from cdc.commands.run import APPLY, READ
from cdc.config import Config
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.project import load_project
from cdc.model.telemetry import Role, Telemetry
from cdc.observability.http import Pages
from cdc.observability.recent import Recent
from tests.integration.deployment.support.tool import Tool
from tests.support.checkout import ROOT
from tests.support.pages import blocks

CHART = ROOT / "deploy" / "helm" / "mysql-mongodb-cdc"
VALUES = Path(__file__).with_name("chart.values.yaml")
OLDEST, NEWEST = "1.27", "1.37"
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus Operator, which is no part of Kubernetes' own schemas."""
ENVIRONMENT = {
    "CDC_SOURCE_PASSWORD": "secret",
    "CDC_TARGET_URI": "mongodb://mongo/?replicaSet=rs0",
    "CDC_MASK_KEY": "0123456789abcdef",
}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

UNSET = {"host": None, "password_file": None}
"""Takes away what the values before have, as Helm does it."""

Document = dict[str, Any]
Render = Callable[..., list[Document]]


@pytest.fixture(scope="module")
def render(helm: Tool) -> Render:
    def rendered(*words: str | Path, version: str = NEWEST) -> list[Document]:
        done = helm("template", "shops", CHART, "--kube-version", version, *words)
        assert done.returncode == 0, done.stderr
        return [each for each in yaml.safe_load_all(done.stdout) if each]

    return rendered


@pytest.fixture(scope="module")
def rendered(render: Render) -> list[Document]:
    return render("--values", VALUES)


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def pods(documents: list[Document]) -> dict[str, Document]:
    return {
        name: each["spec"]["template"] for name, each in of_kind(documents, "Deployment").items()
    }


def test_helm_finds_nothing_to_complain_about(helm: Tool) -> None:
    done = helm("lint", "--strict", CHART, "--values", VALUES, "--kube-version", NEWEST)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", [[], ["--values", VALUES]], ids=["no stream", "two streams"])
def test_kubernetes_own_schemas_know_all_that_is_rendered(
    render: Render, values: list[str | Path], version: str
) -> None:
    documents = render(*values, version=version)

    for each in documents:
        if each["kind"] not in OPERATORS:
            told = kubernetes_validate.validate(each, version, strict=True)
            assert told == version


def test_the_schemas_would_find_a_wrong_key(rendered: list[Document]) -> None:
    [wrong, *_] = of_kind(rendered, "Deployment").values()
    wrong = {**wrong, "spec": {**wrong["spec"], "replica": 2}}

    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def mounted(documents: list[Document], deployment: str, folder: Path) -> Path:
    """Put the files of a stream's ConfigMap where its pod would find them; return cdc.yaml."""
    spec = pods(documents)[deployment]["spec"]
    [volume] = [each for each in spec["volumes"] if each["name"] == "config"]
    data = of_kind(documents, "ConfigMap")[volume["configMap"]["name"]]["data"]
    assert {each["key"] for each in volume["configMap"]["items"]} == set(data)
    for each in volume["configMap"]["items"]:
        path = folder / each["path"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(data[each["key"]])
    return folder / "cdc.yaml"


def loaded(
    documents: list[Document], name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Config, tuple[Mapping, ...]]:
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    file = mounted(documents, name, folder)
    text = file.read_text()
    secrets, mappings = folder / "secrets", folder / "existing-mappings"
    for each in (secrets, mappings):
        each.mkdir()
    (secrets / "password").write_text("secret")
    (mappings / "items.yaml").write_text("source: shop.items\ntarget: items\n")
    text = text.replace("/run/secrets/cdc", str(secrets))
    file.write_text(text.replace("/etc/cdc-mappings", str(mappings)))
    return load_project(file)


def test_cdc_takes_the_whole_configuration(
    rendered: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, mappings = loaded(rendered, "shops-cdc-shop", tmp_path, monkeypatch)

    assert config.name == "shop"
    assert config.source.server_id == 3000000001
    assert config.source.read_password() == "secret"
    assert config.apply.batch_bytes == 8388608
    assert config.apply.kafka is not None
    assert config.http.listen == "0.0.0.0:9108"
    assert {each.source for each in mappings} == {"shop.orders", "shop.customers", "shop.items"}


def test_cdc_takes_the_smallest_configuration(
    rendered: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, mappings = loaded(rendered, "shops-cdc-forum", tmp_path, monkeypatch)

    assert config.name == "Forum_2"
    assert config.source.tls.mode == "off"
    assert config.source.read_password() == "secret"
    assert [each.source for each in mappings] == ["forum.posts"]


def test_a_stream_may_have_several_hosts_and_a_password_from_a_command(
    render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {
        "hosts": ["mysql-0", "mysql-1:3307"],
        "user": "cdc",
        "password_command": ["cat", "/run/secrets/cdc/password"],
    }
    given = {"streams": {"forum": {"config": {"source": {**source, **UNSET}}}}}
    values = tmp_path / "several.yaml"
    values.write_text(yaml.safe_dump(given))
    documents = render("--values", VALUES, "--values", values)

    config, _ = loaded(documents, "shops-cdc-forum", tmp_path, monkeypatch)

    assert [str(each) for each in config.source.addresses] == ["mysql-0:3306", "mysql-1:3307"]
    assert config.source.read_password() == "secret"


def test_pods_are_confined(rendered: list[Document]) -> None:
    for pod in pods(rendered).values():
        spec = pod["spec"]
        [container] = spec["containers"]
        assert container["securityContext"] == RESTRICTED
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001  # as the image's
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert all(each["readOnly"] for each in container["volumeMounts"])
        assert container["resources"]["limits"]["memory"]
        assert spec["terminationGracePeriodSeconds"] >= 60


def test_the_image_is_of_the_user_that_the_pods_run_as() -> None:
    assert "useradd --uid 10001 " in (ROOT / "docker" / "Dockerfile").read_text()


def test_probes_ask_pages_that_the_daemon_has(
    rendered: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = loaded(rendered, "shops-cdc-forum", tmp_path, monkeypatch)
    for pod in pods(rendered).values():
        [container] = pod["spec"]["containers"]
        role = Role.APPLYING if APPLY in container["args"] else Role.STANDBY
        pages = Pages(config, partial(Telemetry, NOW, role, 1.0, 0.0, 5.0), Recent())
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert ports[asked["port"]] == config.http.address[1]
            assert pages.answer(asked["path"])[0] == 200  # of a standby, too


def test_a_daemon_with_appliers_reads_and_they_apply(rendered: list[Document]) -> None:
    assert {name: pod["spec"]["containers"][0]["args"] for name, pod in pods(rendered).items()} == {
        "shops-cdc-shop": ["run", "--role", READ],
        "shops-cdc-shop-appliers": ["run", "--role", APPLY],
        "shops-cdc-forum": ["run"],
    }


def test_appliers_have_the_daemon_s_files_and_secrets(rendered: list[Document]) -> None:
    found = pods(rendered)
    daemon, applier = (found[name] for name in ("shops-cdc-shop", "shops-cdc-shop-appliers"))
    [one], [other] = (each["spec"]["containers"] for each in (daemon, applier))

    assert daemon["spec"]["volumes"] == applier["spec"]["volumes"]
    for key in ("image", "env", "envFrom", "volumeMounts"):
        assert one[key] == other[key]
    assert other["resources"] == {
        "requests": {"cpu": "100m", "memory": "192Mi"},
        "limits": {"memory": "2Gi"},
    }


def test_selectors_find_the_pods_of_their_stream_alone(rendered: list[Document]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(rendered).items()}

    def found(selector: dict[str, str]) -> set[str]:
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    for name, each in of_kind(rendered, "Deployment").items():
        assert found(each["spec"]["selector"]["matchLabels"]) == {name}
    for name, each in of_kind(rendered, "PodDisruptionBudget").items():
        assert found(each["spec"]["selector"]["matchLabels"]) == {name}
    assert set(of_kind(rendered, "PodDisruptionBudget")) == {
        "shops-cdc-shop",
        "shops-cdc-shop-appliers",
    }
    [service] = of_kind(rendered, "Service").values()
    assert found(service["spec"]["selector"]) == set(labels)
    [policy] = of_kind(rendered, "NetworkPolicy").values()
    assert found(policy["spec"]["podSelector"]["matchLabels"]) == set(labels)
    [monitor] = of_kind(rendered, "ServiceMonitor").values()
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()


def test_the_rules_are_those_of_the_checkout(rendered: list[Document]) -> None:
    [rule] = of_kind(rendered, "PrometheusRule").values()

    assert rule["spec"] == yaml.safe_load((ROOT / "config" / "alerts.yml").read_text())


def test_metrics_are_scraped_as_the_rules_expect(rendered: list[Document]) -> None:
    [service] = of_kind(rendered, "Service").values()
    [monitor] = of_kind(rendered, "ServiceMonitor").values()
    [endpoint] = monitor["spec"]["endpoints"]

    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "cdc"
    assert endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
    assert service["spec"]["publishNotReadyAddresses"] is True  # a standby is scraped, too
    [dropped] = [each["regex"] for each in endpoint["relabelings"] if "regex" in each]
    assert set(dropped.split("|")) == {"pod", "container", "endpoint"}


def test_another_configuration_is_another_pod(render: Render, rendered: list[Document]) -> None:
    changed = pods(
        render("--values", VALUES, "--set", "streams.shop.config.apply.batch_bytes=1000000")
    )

    before = pods(rendered)
    assert changed["shops-cdc-shop"] != before["shops-cdc-shop"]
    assert changed["shops-cdc-forum"] == before["shops-cdc-forum"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("streams.shop.config.source.password=hunter2", "would stand in a ConfigMap"),
        ("streams.shop.config.mask_key=0123456789abcdef", "would stand in a ConfigMap"),
        (
            "streams.shop.config.target.uri=mongodb://cdc:hunter2@mongo/",
            "target.uri has a password and would stand in a ConfigMap",
        ),
        ("streams.shop.config.source.tls=false", 'reads off without quotes as false: write "off"'),
        ("streams.shop.config.http.listen=off", "config.http is the chart's"),
        ("streams.shop.replicas=3", "2"),
        ("streams.shop.replica=2", "replica"),
        ("streams.forum.appliers.replicas=1", "write streams.forum.config.apply.lanes"),
        ("streams.shop-appliers.config.name=other", "has the name of the appliers of streams.shop"),
        (
            "streams.shop.config.apply.kafka.password=hunter2",
            "apply.kafka.password would stand in a ConfigMap",
        ),
        ("streams.Shop.config.name=Shop", "Shop"),
        ("streams.other.config.name=other", "streams.other has no mappings"),
        ("listen=0.0.0.0:80", "listen"),
    ],
)
def test_what_would_not_work_is_refused(helm: Tool, given: str, told: str) -> None:
    done = helm(
        "template", "x", CHART, "--kube-version", NEWEST, "--values", VALUES, "--set", given
    )

    assert done.returncode != 0
    assert told in done.stderr
    assert "hunter2" not in done.stderr


def test_the_chart_is_of_the_package_s_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert chart["name"] == package["name"]
    assert chart["version"] == chart["appVersion"] == package["version"]


def test_a_packed_chart_holds_the_rules(helm: Tool, tmp_path: Path, render: Render) -> None:
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    [packed] = tmp_path.iterdir()

    done = helm("template", "shops", packed, "--kube-version", NEWEST, "--values", VALUES)

    documents = [each for each in yaml.safe_load_all(done.stdout) if each]
    assert documents == render("--values", VALUES)


def test_the_page_s_values_make_its_stream(render: Render, tmp_path: Path) -> None:
    [page] = [each for each in blocks("how-to/kubernetes.md") if each.title == "shops.yaml"]
    values = tmp_path / "shops.yaml"
    values.write_text(page.text)

    rendered = render("--values", values)

    assert list(of_kind(rendered, "Deployment")) == ["shops-cdc-shop"]
    for document in rendered:
        if document["kind"] not in OPERATORS:
            kubernetes_validate.validate(document, NEWEST, strict=True)
