"""What may be counted is there at zero from the start."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.record import DROP_REASONS
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.metrics import Metrics

from tests.unit.telemetry.test_observer import Bench, run_cascade


def counters(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every labelled counter's samples."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in metrics.registry.collect()
        if family.type == "counter"
        for sample in family.samples
        if sample.labels and sample.name.endswith("_total")
    }


def test_every_reason_for_which_records_are_lost_is_there_at_zero() -> None:
    metrics = Metrics()
    metrics.begin(["small"], ["default"])
    lost = {labels: value for (name, labels), value in counters(metrics).items() if "dropped" in name}
    assert lost == {(("frontdesk_ledger_drop_reason", reason),): 0.0 for reason in DROP_REASONS}


def test_what_a_call_counts_was_there_before_it_as_far_as_it_could_be_told() -> None:
    """Whatever metric begins at zero begins with every label that traffic gives it."""
    bench = Bench()
    bench.metrics.begin(["small", "large"], ["default"])
    before = counters(bench.metrics)
    assert set(before.values()) == {0.0}
    run_cascade(bench)
    begun = {name for name, _ in before}
    assert {key for key in counters(bench.metrics) if key[0] in begun} == before.keys()
    assert {"frontdesk_cost_usd_total", "frontdesk_saved_usd_total", "frontdesk_tokens_total"} <= begun


def test_a_reload_adds_what_is_new_and_keeps_what_is_counted() -> None:
    metrics = Metrics()
    metrics.begin(["small"], ["default"])
    metrics.ledger_dropped(3, "queue_full")
    metrics.begin(["small", "large"], ["default"])
    labels = {"frontdesk_ledger_drop_reason": "queue_full"}
    assert metrics.registry.get_sample_value("frontdesk_ledger_dropped_total", labels) == 3
    assert metrics.registry.get_sample_value("frontdesk_retries_total", {"frontdesk_model": "large"}) == 0


@pytest.mark.parametrize("models", [2_000])
def test_a_pool_of_thousands_does_not_make_a_page_of_ten_thousands(models: int) -> None:
    metrics = Metrics()
    metrics.begin([f"model-{index}" for index in range(models)], ["default"])
    assert len(counters(metrics)) < 20
    assert {name for name, _ in counters(metrics)} >= {names.LEDGER_DROPPED.prometheus_name + "_total"}
