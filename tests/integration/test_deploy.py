"""The observability stack's files fit each other and the metrics there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from frontdesk_server.config.loading import load_config
from frontdesk_server.telemetry import names

from tests.prometheus import needed

DEPLOY = Path(__file__).parents[2] / "deploy"
SAMPLES = frozenset().union(*(metric.samples for metric in names.METRICS))
LABELS = frozenset(label for metric in names.METRICS for label in metric.labels) | {"le"}


def read(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def dashboards() -> list[Path]:
    return sorted((DEPLOY / "grafana/dashboards").glob("*.json"))


def expressions(path: Path) -> Iterator[str]:
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def alerts() -> list[str]:
    return [rule["expr"] for group in read("prometheus/alerts.yaml")["groups"] for rule in group["rules"]]


def used_names(expression: str) -> tuple[set[str], set[str]]:
    """Metrics and labels that a query names: labels stand in braces and in grouping clauses."""
    unquoted = re.sub(r'"[^"]*"', "", expression)
    places = r"\{[^}]*\}|\bby \([^)]*\)"
    labels = set(re.findall(r"[a-z_]{2,}", re.sub(r"\bby\b", "", " ".join(re.findall(places, unquoted)))))
    return set(re.findall(r"\b(?:frontdesk|gen_ai|rpc)_\w+", re.sub(places, "", unquoted))), labels


@pytest.mark.parametrize("path", dashboards(), ids=lambda path: path.stem)
def test_dashboards_ask_for_metrics_and_labels_that_exist(path: Path) -> None:
    asked = list(expressions(path))
    assert len(asked) > 10
    for expression in asked:
        metrics, labels = used_names(expression)
        assert metrics, expression
        assert metrics <= SAMPLES, expression
        assert labels <= LABELS, expression


def test_dashboards_show_all_that_matters() -> None:
    asked = "".join(expression for path in dashboards() for expression in expressions(path))
    shown = {metric for metric in names.METRICS if any(sample in asked for sample in metric.samples)}
    hidden = {"gen_ai.client.token.usage", "frontdesk.attempts", "frontdesk.completion.cost"}
    hidden |= {"frontdesk.ledger.records", "frontdesk.ledger.deleted"}
    assert {metric.name for metric in names.METRICS} - {metric.name for metric in shown} == hidden


def test_alerts_watch_metrics_that_exist() -> None:
    for expression in alerts():
        metrics, labels = used_names(expression)
        assert metrics <= SAMPLES, expression
        assert labels <= LABELS or expression.startswith("up{"), expression


def test_the_panels_of_a_dashboard_do_not_overlap() -> None:
    for path in dashboards():
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        cells = [
            (x, y)
            for p in (panel["gridPos"] for panel in panels)
            for x in range(p["x"], p["x"] + p["w"])
            for y in range(p["y"], p["y"] + p["h"])
        ]
        assert len(cells) == len(set(cells))
        assert len({panel["id"] for panel in panels}) == len(panels)


def test_compose_pins_its_images_and_mounts_files_that_exist() -> None:
    services = read("compose.yaml")["services"]
    assert set(services) == {"frontdesk", "collector", "jaeger", "prometheus", "grafana"}
    for service in services.values():
        assert "build" in service or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists()
    assert (DEPLOY / services["frontdesk"]["build"]["context"] / services["frontdesk"]["build"]["dockerfile"]).exists()


def test_services_name_each_other_as_compose_does() -> None:
    services = set(read("compose.yaml")["services"])
    addresses = [
        read("collector/collector.yaml")["exporters"]["otlp/jaeger"]["endpoint"],
        *read("prometheus/prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"],
        *(d["url"].split("//")[1] for d in read("grafana/provisioning/datasources/datasources.yaml")["datasources"]),
        read("compose.yaml")["services"]["frontdesk"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"].split("//")[1],
    ]
    assert {address.split(":")[0] for address in addresses} <= services


def test_the_configuration_is_valid_and_serves_the_metrics_that_are_scraped() -> None:
    telemetry = load_config(DEPLOY / "frontdesk.yaml").config.telemetry
    (target,) = read("prometheus/prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"]
    assert telemetry.prometheus_address is not None
    assert telemetry.prometheus_address.split(":")[1] == target.split(":")[1]


def promtool(*arguments: str | Path) -> None:
    """Run it, and fail with what it says."""
    ran = subprocess.run([needed("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("check", [("config", "prometheus.yaml"), ("rules", "alerts.yaml")])
def test_promtool_accepts_the_files(check: tuple[str, str]) -> None:
    kind, file = check
    promtool("check", kind, DEPLOY / "prometheus" / file)


def test_alerts_fire_and_end_when_they_should() -> None:
    promtool("test", "rules", DEPLOY / "prometheus/alerts_test.yaml")


def test_every_alert_is_played_through_both_ways() -> None:
    played = [case for test in read("prometheus/alerts_test.yaml")["tests"] for case in test["alert_rule_test"]]
    names_of = {rule["alert"] for group in read("prometheus/alerts.yaml")["groups"] for rule in group["rules"]}
    assert {case["alertname"] for case in played if case.get("exp_alerts")} == names_of
    assert {case["alertname"] for case in played if not case.get("exp_alerts")} == names_of


def test_promtool_accepts_the_queries_of_dashboards(tmp_path: Path) -> None:
    asked = [as_asked(e) for path in dashboards() for e in expressions(path)]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", file)


def as_asked(expression: str) -> str:
    """The query with the times that Grafana would fill in."""
    return expression.replace("$__rate_interval", "1m").replace("$__range", "1h")


def counted(expression: str) -> list[str]:
    """What a query does to each counter that it names: the window it is asked over, or nothing."""
    counters = "|".join(
        sample for metric in names.METRICS if metric.kind != "gauge" for sample in sorted(metric.samples)
    )
    return re.findall(rf"(?:{counters})(?:\{{[^}}]*\}})?(\[\$__\w+\]|(?= offset)|)", expression)


def test_panels_show_what_happened_in_the_time_that_they_show() -> None:
    """Not what processes have counted since they started."""
    for path in dashboards():
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            window = "[$__range]" if panel["type"] == "stat" else "[$__rate_interval]"
            for target in panel.get("targets", ()):
                born = re.sub(r"\(frontdesk_defects_total > 0 unless .*?\)", "", target["expr"])
                assert set(counted(born)) <= {window}, panel["title"]


def test_totals_survive_a_restart(tmp_path: Path) -> None:
    """A process counts to 240 within half an hour, and its successor from 0 to 120 within a quarter more."""
    stats = [
        (metric.prometheus_name + "_total", as_asked(target["expr"]))
        for path in dashboards()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", ())
        if panel["type"] == "stat"
        for metric in names.METRICS
        if metric.prometheus_name + "_total" in target["expr"]
    ]
    assert len(stats) >= 4
    rising = "0x120 0+2x120 0+2x60"
    tests = [
        {
            "interval": "15s",
            "input_series": [
                {"series": f'{counter}{{frontdesk_sign="plus"}}', "values": rising},
                {"series": f'{counter}{{frontdesk_sign="minus"}}', "values": "0x302"},
            ],
            "promql_expr_test": [
                {"expr": f"round({asked}, 20)", "eval_time": "75m", "exp_samples": [{"labels": "{}", "value": 360}]}
            ],
        }
        for counter, asked in stats
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "1m", "tests": tests}), encoding="utf-8")
    promtool("test", "rules", file)
