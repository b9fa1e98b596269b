"""Names are well-formed, and standard names are those of the conventions' newest Python package."""

from __future__ import annotations

from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.logging import EVENT_LEVELS
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, rpc_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics, rpc_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes


def test_standard_names_are_those_of_the_conventions() -> None:
    standard = {
        value
        for module in (
            gen_ai_attributes,
            rpc_attributes,
            gen_ai_metrics,
            rpc_metrics,
            error_attributes,
            http_attributes,
        )
        for value in vars(module).values()
        if isinstance(value, str)
    }
    used = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str) and "." in value}
    used |= {metric.name for metric in names.METRICS}
    ours = {value for value in used if value.startswith(("frontdesk.", "https:"))}
    log_events = {value for name, value in vars(names).items() if name.startswith("LOG_")}
    assert used - ours - log_events <= standard


def test_every_log_event_has_a_level_at_which_it_is_written() -> None:
    assert EVENT_LEVELS.keys() == {value for name, value in vars(names).items() if name.startswith("LOG_")}


def test_metrics_have_distinct_names_in_both_spellings() -> None:
    assert len({metric.name for metric in names.METRICS}) == len(names.METRICS)
    assert len({metric.prometheus_name for metric in names.METRICS}) == len(names.METRICS)
