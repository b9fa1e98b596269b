"""The Helm chart, rendered by the real Helm and held against the schemas that its resources are published with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from frontdesk_server.config.loading import load_config

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/frontdesk"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
PAGE = ROOT / "docs/operations.md"
KUBERNETES = ROOT / ".tools/kubernetes"
_INSTALL_SECONDS = 1500
pytestmark = pytest.mark.timeout(_INSTALL_SECONDS + 60)

Manifests = Mapping[str, dict[str, Any]]
"""What is rendered, by kind; of a second one of a kind by kind and the end of its name."""

ALL_KINDS = {
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PrometheusRule",
    "Service",
    "Service-headless",
    "ServiceAccount",
    "ServiceMonitor",
}
SELECTOR = [{"podSelector": {"matchLabels": {"app": "billing"}}}]
EVERYTHING: dict[str, Any] = {
    "image": {"repository": "registry.example.org/frontdesk", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4317"}],
    "secretEnv": ["providers"],
    "secretFiles": [{"name": "tls", "path": "/etc/frontdesk/tls"}],
    "secretsVersion": "42",
    "workers": 2,
    "autoscaling": {"callsRunning": 64},
    "ports": {"http": 8080},
    "tls": True,
    "serviceAccount": {"automount": True, "annotations": {"iam": "frontdesk"}},
    "service": {"annotations": {"note": "ours"}},
    "networkPolicy": {"callers": SELECTOR, "monitoring": SELECTOR, "egress": [{"to": SELECTOR}]},
    "monitoring": {"enabled": True, "labels": {"release": "prometheus"}},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "frontdesk", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
    "priorityClassName": "high",
    "podAnnotations": {"note": "ours"},
    "podLabels": {"team": "ours"},
}
LITTLE: dict[str, Any] = {
    "autoscaling": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "serviceAccount": {"create": False},
    "connectionAgeSeconds": 0,
}
MONITORED = {"monitoring": {"enabled": True}}
SIMULATED = yaml.safe_load((ROOT / "deploy/frontdesk.yaml").read_text(encoding="utf-8"))
CASES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "monitored": MONITORED,
    "everything": EVERYTHING,
    "little": LITTLE,
    "nothing below a key": {"config": None, "podLabels": None, "secretEnv": None},
    "no pods": {"replicas": 0, "autoscaling": {"enabled": False}, "resources": {"requests": {"cpu": None}}},
    "names like numbers": {"secretEnv": ["123"], "serviceAccount": {"name": "456"}, "priorityClassName": "0"},
    "a Secret at two places": {"secretFiles": [{"name": "my.tls", "path": "/a"}, {"name": "my.tls", "path": "/b"}]},
    "labels with dots": {"podLabels": {"example.org/team.name": "ours"}, "nodeSelector": {"example.org/disk": "1"}},
    "PostgreSQL without Redis": {
        "config": {
            **{name: SIMULATED[name] for name in ("backends", "models", "routers")},
            "ledger": {"url": "postgresql+psycopg://frontdesk@db/frontdesk"},
        }
    },
}


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder with Helm and kubeconform, built once where Go is present; beside it the schemas."""
    if shutil.which("go") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Go toolchain (go), which CI must have")
        pytest.skip("no Go toolchain (go), which builds Helm and kubeconform")
    subprocess.run(["make", "--silent", "chart-tools"], cwd=ROOT, check=True, timeout=_INSTALL_SECONDS)
    return ROOT / ".tools/bin"


Helm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def helm(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Runs Helm with values, at home in a folder of its own."""
    home = tmp_path_factory.mktemp("helm")

    def run(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        file = home / "values.yaml"
        file.write_text(yaml.safe_dump(dict(values or {})), encoding="utf-8")
        options = ["--values", str(file)] if values is not None else []
        environment = os.environ | {"HOME": str(home)}
        return subprocess.run(
            [tools / "helm", *arguments, *options], env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def render(helm: Helm) -> Callable[[Mapping[str, Any]], Manifests]:
    """Renders the chart with values, as a release named desk in the namespace ours."""

    def rendered(values: Mapping[str, Any]) -> Manifests:
        done = helm("template", "desk", str(CHART), "--namespace", "ours", values=values)
        assert done.returncode == 0, done.stderr
        manifests: dict[str, dict[str, Any]] = {}
        for manifest in filter(None, yaml.safe_load_all(done.stdout)):
            kind = manifest["kind"]
            manifests[kind if kind not in manifests else f"{kind}-{manifest['metadata']['name'].split('-')[-1]}"] = (
                manifest
            )
        return manifests

    return rendered


@pytest.fixture(scope="session")
def operator_schemas(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """prometheus-operator's resource definitions as kubeconform reads schemas: a file a kind, nothing beyond it."""
    folder = tmp_path_factory.mktemp("schemas")
    for file in (
        KUBERNETES / "crds" / f"monitoring.coreos.com_{kind}.yaml" for kind in ("servicemonitors", "prometheusrules")
    ):
        spec = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]
        for version in spec["versions"]:
            schema = _strict(version["schema"]["openAPIV3Schema"])
            (folder / f"{spec['names']['kind'].lower()}_{version['name']}.json").write_text(json.dumps(schema))
    return folder


def _strict(schema: Any) -> Any:
    """The schema, allowing no field that it does not name."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _strict(part) for key, part in schema.items()}
    open_ended = "additionalProperties" in parts or parts.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in parts and isinstance(parts["properties"], dict) and not open_ended:
        parts["additionalProperties"] = False
        if {"kind", "apiVersion"} <= parts["properties"].keys():
            parts["properties"]["metadata"] = {"type": "object"}
    return parts


@pytest.mark.parametrize("version", ["v1.32.0", "v1.37.0"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_what_kubernetes_takes(
    case: str, version: str, tools: Path, operator_schemas: Path, render: Callable[..., Manifests]
) -> None:
    manifests = render(CASES[case])
    locations = [
        f"{KUBERNETES}/{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        f"{operator_schemas}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
    ]
    command: list[str | Path] = [tools / "kubeconform", "-strict", "-summary", "-output", "json"]
    command += [option for location in locations for option in ("-schema-location", location)]
    checked = subprocess.run(
        command, input=yaml.safe_dump_all(manifests.values()), capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["summary"] == {
        "valid": len(manifests), "invalid": 0, "errors": 0, "skipped": 0
    }  # fmt: skip


def test_kubeconform_would_find_a_fault(tools: Path, operator_schemas: Path, render: Callable[..., Manifests]) -> None:
    """The schemas are read, and are strict."""
    manifests = render(EVERYTHING)
    manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["slep"] = {}
    manifests["ServiceMonitor"]["spec"]["endpoints"][0]["intervall"] = "1s"
    command: list[str | Path] = [tools / "kubeconform", "-strict", "-schema-location"]
    command += [f"{KUBERNETES}/v1.37.0/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", "-schema-location"]
    command += [f"{operator_schemas}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"]
    checked = subprocess.run(
        command, input=yaml.safe_dump_all(manifests.values()), capture_output=True, text=True, check=False
    )
    assert checked.returncode != 0
    assert "slep" in checked.stdout
    assert "intervall" in checked.stdout


def test_helm_finds_nothing_to_complain_of(helm: Helm) -> None:
    for values in CASES.values():
        done = helm("lint", "--strict", str(CHART), values=values)
        assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_rendered_and_little_where_little_is_asked_for(render: Callable[..., Manifests]) -> None:
    assert set(render(EVERYTHING)) == ALL_KINDS
    assert set(render({})) == ALL_KINDS - {"ServiceMonitor", "PrometheusRule"}
    assert set(render(LITTLE)) == {"ConfigMap", "Deployment", "Service", "Service-headless"}


@pytest.mark.parametrize("case", CASES)
def test_the_configuration_is_one_that_frontdesk_takes(
    case: str, render: Callable[..., Manifests], tmp_path: Path
) -> None:
    manifests = render(CASES[case])
    file = tmp_path / "frontdesk.yaml"
    file.write_text(manifests["ConfigMap"]["data"]["frontdesk.yaml"])
    config = load_config(file, {}).config
    container = manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listens = {"grpc": config.server.address, "metrics": config.telemetry.prometheus_address}
    listens |= {"http": config.server.http.address} if config.server.http else {}
    assert {name: f"0.0.0.0:{port}" for name, port in ports.items()} == listens


def test_the_values_that_the_page_shows_make_a_service(render: Callable[..., Manifests], tmp_path: Path) -> None:
    """With every secret that they refer to, from the one Secret that they name."""
    (shown,) = re.findall(r"^```yaml\n(image:.+?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    manifests = render(yaml.safe_load(shown))
    file = tmp_path / "frontdesk.yaml"
    file.write_text(manifests["ConfigMap"]["data"]["frontdesk.yaml"])
    secrets = {"OPENAI_API_KEY": "sk-of-a-test", "LEDGER_URL": "postgresql+psycopg://frontdesk@db/frontdesk"}
    assert set(load_config(file, secrets).config.models) == {"small-llm"}
    container = manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": "frontdesk-secrets"}}]
    assert "PrometheusRule" in manifests


def test_a_pod_is_given_the_time_that_its_end_takes(render: Callable[..., Manifests], tmp_path: Path) -> None:
    manifests = render({"shutdown": {"preStopSeconds": 7, "drainSeconds": 11, "graceSeconds": 100}})
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (tmp_path / "frontdesk.yaml").write_text(manifests["ConfigMap"]["data"]["frontdesk.yaml"])
    server = load_config(tmp_path / "frontdesk.yaml", {}).config.server
    ledger_seconds = 10
    needed = 7 + server.drain_seconds + server.grace_seconds + ledger_seconds
    assert pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == 7
    assert needed < pod["terminationGracePeriodSeconds"] <= needed + 10
    liveness = pod["containers"][0]["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > server.drain_seconds


def test_pods_are_probed_by_grpc_and_by_port_where_tls_hides_it(render: Callable[..., Manifests]) -> None:
    def probes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
        container = render(values)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
        return [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]

    assert [probe["grpc"]["port"] for probe in probes({"ports": {"grpc": 7000}})] == [7000] * 3
    assert [probe["tcpSocket"]["port"] for probe in probes({"tls": True})] == ["grpc"] * 3


@pytest.mark.parametrize("case", CASES)
def test_whatever_selects_the_pods_selects_them_by_labels_and_ports_that_they_have(
    case: str, render: Callable[..., Manifests]
) -> None:
    manifests = render(CASES[case])
    template = manifests["Deployment"]["spec"]["template"]
    ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    for kind, manifest in manifests.items():
        spec = manifest.get("spec", {})
        if kind.startswith("Service") and kind not in {"ServiceAccount", "ServiceMonitor"}:
            assert spec["selector"].items() <= template["metadata"]["labels"].items()
            assert {port["targetPort"] for port in spec["ports"]} <= ports
        for selector in ("podSelector", "selector"):
            if kind in {"Deployment", "NetworkPolicy", "PodDisruptionBudget"} and selector in spec:
                assert spec[selector]["matchLabels"].items() <= template["metadata"]["labels"].items()
    if "HorizontalPodAutoscaler" in manifests:
        assert (
            manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
            == manifests["Deployment"]["metadata"]["name"]
        )
        assert "replicas" not in manifests["Deployment"]["spec"]
    if "ServiceMonitor" in manifests:
        wanted = manifests["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
        watched = [
            kind for kind in ("Service", "Service-headless") if wanted <= manifests[kind]["metadata"]["labels"].items()
        ]
        assert watched == ["Service-headless"]


def test_pods_scale_by_cpu_and_by_the_calls_that_they_run(render: Callable[..., Manifests]) -> None:
    metrics = render(EVERYTHING)["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert [metric["type"] for metric in metrics] == ["Resource", "Pods"]
    assert metrics[1]["pods"]["metric"]["name"] == "frontdesk_calls_running"


def test_pods_roll_when_what_they_read_has_changed_and_not_otherwise(render: Callable[..., Manifests]) -> None:
    def annotations(values: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = render(values)["Deployment"]["spec"]["template"]["metadata"]["annotations"]
        return found

    config = yaml.safe_load((ROOT / "deploy/frontdesk.yaml").read_text())
    del config["telemetry"]
    as_it_is = annotations({"config": config})
    assert annotations({"config": config, "autoscaling": {"maxReplicas": 20}}) == as_it_is
    config["models"]["small-llm"]["description"] = "Another."
    assert annotations({"config": config}) != as_it_is
    assert annotations({"secretsVersion": "2"}) != annotations({"secretsVersion": "1"})


def test_pods_may_do_no_more_than_they_must(render: Callable[..., Manifests]) -> None:
    pod = render({})["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]["securityContext"]
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {pod['securityContext']['runAsUser']}" in (ROOT / "deploy/Dockerfile").read_text()
    assert not pod["automountServiceAccountToken"]


def test_the_alerts_are_those_that_are_proven(render: Callable[..., Manifests]) -> None:
    """Word for word, with Prometheus' own braces, and for the job that the monitor names."""
    manifests = render(MONITORED)
    assert manifests["PrometheusRule"]["spec"] == yaml.safe_load(ALERTS.read_text())
    jobs = set(re.findall(r'job="(\w+)"', ALERTS.read_text()))
    (relabelling,) = manifests["ServiceMonitor"]["spec"]["endpoints"][0]["relabelings"]
    assert jobs == {relabelling["replacement"]}


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"autoscalling": {}}, "autoscalling"),
        (
            {"config": {"server": {"address": "0.0.0.0:1"}}},
            "config.server.address is the chart's to say: set ports.grpc",
        ),
        ({"config": {"telemetry": {"prometheus_address": ":1"}}}, "set ports.metrics instead"),
        ({"autoscaling": {"cpuUtilization": 700}}, "/autoscaling/cpuUtilization"),
        ({"ports": {"grpc": 0}}, "/ports/grpc"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"shutdown": {"graceSeconds": "1m"}}, "/shutdown/graceSeconds"),
        ({"secretFiles": [{"name": "tls"}]}, "/secretFiles/0"),
        ({"secretEnv": [""]}, "/secretEnv/0"),
        ({"env": [{"name": "WORKERS", "value": 2}]}, "/env/0/value"),
        ({"autoscaling": None}, "missing property 'autoscaling'"),
        ({"ports": {"metrics": None}}, "missing property 'metrics'"),
        ({"podLabels": {"app.kubernetes.io/name": "mine"}}, "app.kubernetes.io/name"),
        ({"podAnnotations": {"checksum/config": "mine"}}, "checksum/config"),
        ({"fullnameOverride": "1st"}, "/fullnameOverride"),
        ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "/podDisruptionBudget/maxUnavailable"),
        ({"config": {"server": 5}}, "/config/server"),
    ],
)
def test_values_that_mean_nothing_are_refused_with_their_place(values: dict[str, Any], place: str, helm: Helm) -> None:
    done = helm("template", "desk", str(CHART), values=values)
    assert done.returncode != 0
    assert place in done.stderr


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"autoscaling": {"minReplicas": 5, "maxReplicas": 2}}, "autoscaling.minReplicas is more than"),
        ({"resources": {"requests": {"cpu": None}}}, "set resources.requests.cpu"),
        ({"ports": {"http": 50051}}, "ports: grpc, http and metrics must differ"),
        ({"workers": 3, "ports": {"http": 9466}}, "above metrics that several workers use"),
        ({"config": {"server": {"http": {"address": ":80"}}}}, "set ports.http instead"),
        ({"config": {"server": {"http": {"allowed_origins": ["https://a.example"]}}}}, "set ports.http"),
    ],
)
def test_values_that_contradict_each_other_are_refused_in_words(values: dict[str, Any], told: str, helm: Helm) -> None:
    done = helm("template", "desk", str(CHART), values=values)
    assert done.returncode != 0
    assert told in done.stderr


def test_a_release_that_is_named_like_a_number_is_named_so(helm: Helm) -> None:
    done = helm("template", "123", str(CHART), values={"nameOverride": "true"})
    assert done.returncode == 0, done.stderr
    for manifest in filter(None, yaml.safe_load_all(done.stdout)):
        labels = manifest["metadata"]["labels"]
        assert (labels["app.kubernetes.io/instance"], labels["app.kubernetes.io/name"]) == ("123", "true")
        assert manifest["metadata"]["name"].startswith("123-true")


def test_whoever_installs_is_told_what_pods_do_not_share(helm: Helm, tmp_path: Path) -> None:
    def told(limits: dict[str, Any]) -> str:
        config = {**CASES["PostgreSQL without Redis"]["config"], "limits": limits}
        return helm("install", "desk", str(CHART), "--dry-run=client", values={"config": config}).stdout

    rules = [{"name": "all", "window": "month", "usd": 1}]
    assert "Each pod counts" in told({"rules": rules})
    assert "Each pod counts" not in told({"rules": rules, "store": "redis"})
    assert "Each pod counts" not in told({})


def test_every_value_is_described_by_the_schema(helm: Helm) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(schema) - {"global"} == set(values)
    for name, value in values.items():
        if value and isinstance(value, dict) and name != "resources":
            assert set(schema[name]["properties"]) == set(value), name


def test_the_package_brings_the_alerts_and_the_configuration_along(helm: Helm, tmp_path: Path) -> None:
    """The chart links to them; a package that somebody else unpacks cannot."""
    done = helm("package", str(CHART), "--destination", str(tmp_path))
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as package:
        alerts = package.extractfile("frontdesk/files/alerts.yaml")
        assert alerts is not None
        assert alerts.read() == ALERTS.read_bytes()
        assert "frontdesk/files/frontdesk.yaml" in package.getnames()
