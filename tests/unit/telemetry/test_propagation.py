"""Trace context is read as strictly as the standards want it, and calls are sampled as the variables say."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.telemetry.propagation import NOTHING, Inbound, extract
from frontdesk_server.telemetry.sampling import Gate, configured_gate

BOTH = frozenset({"tracecontext", "baggage"})
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_traceparent_is_read(flags: str) -> None:
    found = extract({"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}, BOTH)
    assert found == Inbound(int(TRACE, 16), int(SPAN, 16), flags != "00")


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert extract({"traceparent": f"01-{TRACE}-{SPAN}-01-more"}, BOTH).sampled


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE[:-1]}+-{SPAN}-01",
    ],
)
def test_a_malformed_traceparent_is_absent(header: str) -> None:
    assert extract({"traceparent": header, "tracestate": "a=1"}, BOTH) is NOTHING


@pytest.mark.parametrize("value", ["x" * 8193, "line\nbreak", "ümläut=1"])
def test_unfit_baggage_is_absent(value: str) -> None:
    assert extract({"baggage": value}, BOTH) is NOTHING


def test_propagators_may_be_switched_off() -> None:
    metadata = {"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "a=1"}
    assert extract(metadata, frozenset()) is NOTHING
    assert extract(metadata, frozenset({"baggage"})) == Inbound(baggage="a=1")


LOW = Inbound(1 << 100, 1, sampled=True)
HIGH = Inbound((1 << 64) - 1, 1, sampled=False)


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        ("", "", (True, False, True)),
        ("always_on", "", (True, True, True)),
        ("always_off", "", (False, False, False)),
        ("parentbased_always_off", "", (True, False, False)),
        ("parentbased_always_on", "", (True, False, True)),
        ("traceidratio", "0.5", (True, False, None)),
        ("parentbased_traceidratio", "0", (True, False, False)),
        ("ParentBased_TraceIdRatio", "1", (True, False, True)),
    ],
)
def test_the_standard_samplers_decide(sampler: str, argument: str, expected: tuple[bool | None, ...]) -> None:
    gate = configured_gate({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}, 1.0)
    for inbound, admitted in zip((LOW, HIGH, NOTHING), expected, strict=True):
        if admitted is not None:
            assert gate.admits(inbound) is admitted


def test_a_ratio_admits_that_share() -> None:
    gate = Gate(0.25)
    assert 2_200 < sum(gate.admits(NOTHING) for _ in range(10_000)) < 2_800


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"},
    ],
)
def test_unknown_samplers_are_faults(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        configured_gate(environ, 1.0)
