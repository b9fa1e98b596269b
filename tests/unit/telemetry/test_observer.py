"""What spans, metrics and log lines say of a call."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.errors import (
    CompletionFailed,
    FieldViolation,
    FrontdeskError,
    InvalidRequest,
    LedgerUnavailable,
    NoEligibleModel,
    UpstreamCut,
)
from frontdesk_server.domain.observer import CallObservation
from frontdesk_server.domain.query import GenerationConfig, JsonObjectFormat
from frontdesk_server.telemetry import TelemetryObserver
from frontdesk_server.telemetry.logging import EventLog, build_logger
from frontdesk_server.telemetry.metrics import Metrics
from frontdesk_server.telemetry.sampling import Gate
from frontdesk_server.telemetry.tracing import Tracing
from opentelemetry.sdk.resources import Resource
from prometheus_client import generate_latest

from tests.records import LARGE, SECRET_TEXT, SMALL, a_cascade, a_routed_query, an_attempt
from tests.spans import KeepingProcessor, attributes, events, failed

METHOD = "frontdesk.v1.RouterService/StreamComplete"
PARENT = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1", "baggage": "tenant=7"}


class Bench:
    """An observer with everything it feeds in view."""

    def __init__(self, *, ratio: float = 1.0, **settings: object) -> None:
        self.spans = KeepingProcessor()
        self.metrics = Metrics()
        self._text = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        config = TelemetryConfig.model_validate({"log_format": "json", **settings})
        self.event_log = EventLog(build_logger(config, self._text), config)
        self.observer = TelemetryObserver(
            Tracing(self.spans, Resource({}), Gate(ratio), "1"), self.metrics, self.event_log, {"sim": "openai"}
        )

    @property
    def log(self) -> str:
        buffer = self._text.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def page(self) -> str:
        return generate_latest(self.metrics.registry).decode()

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def run_cascade(bench: Bench, metadata: dict[str, str] | None = None) -> RoutedQuery:
    """A router LLM is asked, a small model answers and is rejected, a large one answers."""
    call: CallObservation = bench.observer.call_started(METHOD, metadata or {})
    call.identified("billing")
    routed = a_routed_query()
    generation = GenerationConfig(max_output_tokens=64, temperature=0.5, response_format=JsonObjectFormat())
    query = replace(routed.query, generation=generation)
    route = call.route_started()
    asked = route.attempt_started(SMALL, SMALL.primary, query, purpose="route")
    asked.ended(an_attempt(0, "small"))
    route.ended(routed)
    for model, attempt in zip((SMALL, LARGE), a_cascade().attempts, strict=True):
        observed = call.attempt_started(model, model.primary, query, purpose="answer")
        observed.first_token()
        observed.ended(attempt)
    call.settled(routed, a_cascade(), None)
    call.ended("OK", None)
    return routed


def test_a_call_knows_the_trace_it_belongs_to() -> None:
    bench = Bench()
    mine = bench.observer.call_started(METHOD, {})
    caller = "4bf92f3577b34da6a3ce929d0e0e4736"
    theirs = bench.observer.call_started(METHOD, {"traceparent": f"00-{caller}-00f067aa0ba902b7-01"})
    for call in (mine, theirs):
        call.ended("OK", None)
    span = bench.spans.spans[0]
    assert span.context is not None
    assert mine.trace_id == f"{span.context.trace_id:032x}"
    assert theirs.trace_id == caller


def test_spans_form_the_tree_of_the_call() -> None:
    bench = Bench()
    run_cascade(bench)
    server, route = bench.spans.named(METHOD), bench.spans.named("route")
    assert server.parent is None
    assert bench.spans.children(server) == ["route", "chat small", "chat large"]
    assert sorted(bench.spans.children(route)) == ["chat small", "strategy chain"]
    assert bench.spans.children(bench.spans.named("strategy chain")) == ["strategy llm", "strategy cascade"]
    assert len({span.context.trace_id for span in bench.spans.spans if span.context}) == 1
    for span in bench.spans.spans:
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time


def test_a_route_span_holds_the_decision_and_its_candidates() -> None:
    bench = Bench()
    routed = run_cascade(bench)
    route = bench.spans.named("route")
    assert attributes(route)["frontdesk.decision.id"] == routed.decision.decision_id
    assert attributes(route)["frontdesk.router.cost_nano_usd"] == 7
    small, large = events(route, "frontdesk.candidate")
    assert small == {
        "frontdesk.model": "small",
        "frontdesk.candidate.predicted_quality": 0.6,
        "frontdesk.candidate.predicted_cost_nano_usd": 1_000,
        "frontdesk.candidate.predicted_time_to_first_token_seconds": 0.2,
        "frontdesk.candidate.score": 0.55,
    }
    assert large["frontdesk.candidate.exclusion_reason"] == "budget"
    llm = bench.spans.named("strategy llm")
    assert attributes(llm)["error.type"] == "strategy_timed_out"
    assert failed(llm)


def test_an_attempt_span_speaks_the_genai_conventions() -> None:
    bench = Bench()
    run_cascade(bench)
    span = bench.spans.named("chat large")
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "large-upstream",
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.output.type": "json",
        "gen_ai.response.model": "large-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.1,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.cache_creation.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "frontdesk.model": "large",
        "frontdesk.backend": "sim",
        "frontdesk.purpose": "answer",
        "frontdesk.attempt.index": 1,
        "frontdesk.attempt.kind": "escalation",
        "frontdesk.attempt.outcome": "accepted",
        "frontdesk.attempt.retries": 1,
        "frontdesk.usage_estimated": True,
        "frontdesk.cost_nano_usd": 20_000,
    }
    assert events(span, "frontdesk.first_token") == [{"frontdesk.model": "large"}]
    assert events(span, "frontdesk.check")[0]["frontdesk.check.passed"] is True


def test_the_calls_span_carries_the_labels_that_are_allowed() -> None:
    bench = Bench()
    bench.observer = replace(bench.observer, span_labels=("team", "missing"))
    call = bench.observer.call_started(METHOD, {})
    call.route_started().ended(replace(a_routed_query(), labels={"team": "search", "secret": "s"}))
    call.ended("OK", None)
    found = attributes(bench.spans.named(METHOD))
    labels = {name: value for name, value in found.items() if name.startswith("frontdesk.label")}
    assert labels == {"frontdesk.label.team": "search"}


def test_a_checks_question_is_a_child_of_its_attempt_with_the_verdict() -> None:
    bench = Bench()
    routed = a_routed_query()
    call = bench.observer.call_started(METHOD, {})
    attempt = call.attempt_started(SMALL, SMALL.primary, routed.query, purpose="answer")
    for kind, result in (("verifier", CheckResult("verifier", 0.4, 0.7, passed=False)), ("agreement", None)):
        check = attempt.check_started(kind)
        check.attempt_started(LARGE, LARGE.primary, routed.query, purpose="check").ended(an_attempt(0, "large"))
        check.ended(result)
    attempt.ended(an_attempt(0, "small"))
    call.ended("OK", None)
    answer, verifier = bench.spans.named("chat small"), bench.spans.named("check verifier")
    assert verifier.parent == answer.context
    assert attributes(verifier) == {
        "frontdesk.check.name": "verifier",
        "frontdesk.check.score": 0.4,
        "frontdesk.check.threshold": 0.7,
        "frontdesk.check.passed": False,
    }
    unfinished = bench.spans.named("check agreement")
    assert attributes(unfinished) == {"error.type": "CANCELLED"}
    questions = [span.parent for span in bench.spans.spans if span.name == "chat large"]
    assert questions == [verifier.context, unfinished.context]


def test_an_escalation_is_an_event_of_the_call() -> None:
    bench = Bench()
    decision = run_cascade(bench).decision
    server = bench.spans.named(METHOD)
    assert events(server, "frontdesk.escalation") == [{"frontdesk.model": "large", "frontdesk.attempt.index": 1}]
    assert attributes(server) == {
        "rpc.system.name": "grpc",
        "rpc.method": METHOD,
        "rpc.response.status_code": "OK",
        "frontdesk.decision.id": decision.decision_id,
        "frontdesk.router": decision.router,
        "frontdesk.model": "large",
        "frontdesk.attempts": 2,
        "frontdesk.cost_nano_usd": 21_241,
        "frontdesk.saved_nano_usd": 8_759,
    }


@pytest.mark.parametrize(
    ("outcome", "error_reason", "error_type"),
    [
        (AttemptOutcome.ACCEPTED, "", ""),
        (AttemptOutcome.REJECTED, "", ""),
        (AttemptOutcome.FAILED, "UPSTREAM_CUT", "UPSTREAM_CUT"),
        (AttemptOutcome.FAILED, "", "_OTHER"),
        (AttemptOutcome.CANCELLED, "", "CANCELLED"),
    ],
)
def test_an_attempt_s_status_follows_its_outcome(outcome: AttemptOutcome, error_reason: str, error_type: str) -> None:
    bench = Bench()
    call = bench.observer.call_started(METHOD, {})
    observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
    observed.ended(an_attempt(outcome=outcome, error_reason=error_reason))
    span = bench.spans.named("chat small")
    assert (attributes(span).get("error.type", ""), failed(span)) == (error_type, bool(error_type))
    assert f'error_type="{error_type}"' in bench.page


FIELD = FieldViolation("query.messages", "is empty", "FIELD_EMPTY")
FAILED = CompletionFailed(UpstreamCut("cut"), a_cascade())


@pytest.mark.parametrize(
    ("code", "error", "error_type", "is_failed"),
    [
        ("OK", None, "", False),
        ("UNAVAILABLE", FAILED, "UPSTREAM_CUT", True),
        ("UNAVAILABLE", LedgerUnavailable("down"), "LEDGER_UNAVAILABLE", True),
        ("INTERNAL", None, "INTERNAL", True),
        ("DEADLINE_EXCEEDED", None, "DEADLINE_EXCEEDED", True),
        ("FAILED_PRECONDITION", NoEligibleModel({"small": "x"}), "NO_ELIGIBLE_MODEL", False),
        ("CANCELLED", None, "CANCELLED", False),
    ],
)
def test_a_call_s_status_tells_faults_of_the_server_from_those_of_the_caller(
    code: str, error: FrontdeskError | None, error_type: str, is_failed: bool
) -> None:
    bench = Bench()
    bench.observer.call_started(METHOD, {}).ended(code, error)
    span = bench.spans.named(METHOD)
    assert attributes(span)["rpc.response.status_code"] == code
    assert (attributes(span).get("error.type", ""), failed(span)) == (error_type, is_failed)


def test_routing_that_fails_ends_its_span_and_writes_a_line() -> None:
    bench = Bench()
    bench.observer.call_started(METHOD, {}).route_started().ended(None, NoEligibleModel({"small": "x"}))
    assert attributes(bench.spans.named("route")) == {"error.type": "NO_ELIGIBLE_MODEL"}
    (line,) = bench.lines
    assert (line["event"], line["error_reason"], line["level"]) == ("route.failed", "NO_ELIGIBLE_MODEL", "warning")


def test_an_answer_that_is_held_is_not_raced_by_the_next_and_its_span_ends_when_it_had_come() -> None:
    bench = Bench()
    call = bench.observer.call_started(METHOD, {})
    query = a_routed_query().query
    first = call.attempt_started(SMALL, SMALL.primary, query, purpose="answer")
    first.answered()
    second = call.attempt_started(LARGE, LARGE.primary, query, purpose="answer")
    second.answered()
    first.ended(an_attempt())
    second.ended(an_attempt(1, "large"))
    held, later = bench.spans.spans
    assert not later.links
    assert held.end_time is not None
    assert later.start_time is not None
    assert held.end_time <= later.start_time
    assert max(event.timestamp for event in held.events) <= held.end_time


def test_a_hedge_links_to_the_attempt_it_races() -> None:
    bench = Bench()
    call = bench.observer.call_started(METHOD, {})
    query = a_routed_query().query
    first = call.attempt_started(SMALL, SMALL.primary, query, purpose="answer")
    check = call.attempt_started(SMALL, SMALL.primary, query, purpose="check")
    hedge = call.attempt_started(LARGE, LARGE.primary, query, purpose="answer")
    for observed, attempt in ((check, an_attempt()), (hedge, an_attempt(1, "large")), (first, an_attempt())):
        observed.ended(attempt)
    later = call.attempt_started(LARGE, LARGE.primary, query, purpose="answer")
    later.ended(an_attempt(2, "large"))
    checked, raced, lost, alone = bench.spans.spans
    assert [link.context for link in raced.links] == [lost.context]
    assert not [*checked.links, *lost.links, *alone.links]


class TestPropagation:
    def test_a_sampled_trace_goes_on_upstream(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, PARENT)
        observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
        observed.ended(an_attempt())
        call.ended("OK", None)
        chat, server = bench.spans.named("chat small"), bench.spans.named(METHOD)
        assert server.parent is not None
        assert (server.parent.span_id, server.parent.is_remote) == (int("b" * 16, 16), True)
        assert chat.context is not None
        assert dict(observed.headers) == {
            "traceparent": f"00-{'a' * 32}-{chat.context.span_id:016x}-01",
            "tracestate": "vendor=1",
            "baggage": "tenant=7",
        }

    def test_an_unsampled_trace_goes_on_unsampled(self) -> None:
        bench = Bench()
        unsampled = PARENT | {"traceparent": PARENT["traceparent"][:-1] + "0"}
        call = bench.observer.call_started(METHOD, unsampled)
        observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
        assert dict(observed.headers) == unsampled
        call.ended("OK", None)
        assert not bench.spans.spans

    def test_a_call_that_is_not_sampled_tells_the_upstream_so(self) -> None:
        bench = Bench(ratio=0.0)
        call = bench.observer.call_started(METHOD, {})
        query = a_routed_query().query
        headers = [call.attempt_started(SMALL, SMALL.primary, query, purpose="answer").headers for _ in range(2)]
        parents = [header["traceparent"].split("-") for header in headers]
        assert parents[0][1] == parents[1][1]
        assert [parent[3] for parent in parents] == ["00", "00"]

    def test_without_tracing_the_caller_s_context_passes_through(self) -> None:
        call = TelemetryObserver().call_started(METHOD, PARENT)
        observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
        assert dict(observed.headers) == PARENT


class TestMetrics:
    def test_a_cascade_counts_once_everywhere(self) -> None:
        bench = Bench()
        run_cascade(bench)
        labels = {"frontdesk_router": "default", "frontdesk_strategy": "cascade", "frontdesk_model": "small"}
        chosen = labels | {"frontdesk_decision_reason_class": "explored"}
        assert bench.value("frontdesk_decisions_total", **chosen) == 1
        assert bench.value("frontdesk_escalations_total", frontdesk_router="default", frontdesk_model="large") == 1
        assert bench.value(
            "frontdesk_saved_usd_total", frontdesk_router="default", frontdesk_sign="plus"
        ) == pytest.approx(8_759e-9)
        spent = {"frontdesk_model": "large", "frontdesk_purpose": "answer"}
        assert bench.value("frontdesk_cost_usd_total", **spent) == pytest.approx(20_000e-9)
        reasoning = {"frontdesk_model": "small", "frontdesk_token_class": "reasoning"}
        assert bench.value("frontdesk_tokens_total", **reasoning) == 10
        ended = {"frontdesk_router": "default", "frontdesk_completion_status": "completed"}
        assert bench.value("frontdesk_completions_total", **ended) == 1
        called = {"rpc_method": METHOD, "rpc_response_status_code": "OK"}
        assert bench.value("rpc_server_call_duration_seconds_count", **called) == 1
        assert bench.value("frontdesk_calls_running") == 0

    def test_unknown_cost_is_counted_as_unknown(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, {})
        observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
        observed.ended(an_attempt(cost_nano_usd=None))
        labels = {"frontdesk_model": "small", "frontdesk_purpose": "answer"}
        assert bench.value("frontdesk_cost_unknown_total", **labels) == 1
        assert bench.value("frontdesk_cost_usd_total", **labels) is None

    def test_the_cost_that_providers_report_is_told_with_what_it_is_beyond_ours(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, {})
        for own, reported in ((1_000, 1_500), (1_000, 200), (None, 100), (1_000, None)):
            observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
            observed.ended(replace(an_attempt(cost_nano_usd=own), provider_cost_nano_usd=reported))
        assert bench.value("frontdesk_cost_reported_usd_total", frontdesk_model="small") == pytest.approx(1_800e-9)
        signs = {
            sign: bench.value("frontdesk_cost_deviation_usd_total", frontdesk_model="small", frontdesk_sign=sign)
            for sign in ("plus", "minus")
        }
        assert signs == {"plus": pytest.approx(500e-9), "minus": pytest.approx(800e-9)}

    def test_what_prompt_caches_saved_is_told_beside_what_they_cost(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, {})
        for saved in (5_000, -1_000, 0, None):
            observed = call.attempt_started(SMALL, SMALL.primary, a_routed_query().query, purpose="answer")
            observed.ended(replace(an_attempt(), cache_saved_nano_usd=saved))
        signs = {
            sign: bench.value("frontdesk_cache_saved_usd_total", frontdesk_model="small", frontdesk_sign=sign)
            for sign in ("plus", "minus")
        }
        assert signs == {"plus": pytest.approx(5_000e-9), "minus": pytest.approx(1_000e-9)}

    def test_labels_are_bounded_whatever_callers_send(self) -> None:
        bench = Bench()
        for number in range(3_000):
            bench.observer.call_started(f"any.Service/Method{number}", {}).ended("UNIMPLEMENTED", None)
            bench.metrics.watch_breaker(f"model-{number}", lambda: "open")
        assert bench.page.count("rpc_server_call_duration_seconds_count{") == 1
        assert bench.page.count("frontdesk_breaker_state{") <= 2_001

    def test_the_breaker_is_in_one_state(self) -> None:
        bench = Bench()
        current = "closed"
        bench.metrics.watch_breaker("small", lambda: current)
        for current in ("open", "half_open"):
            states = {
                state: bench.value("frontdesk_breaker_state", frontdesk_model="small", frontdesk_breaker_state=state)
                for state in ("closed", "open", "half_open")
            }
            assert states == {state: float(state == current) for state in states}


class TestLines:
    def test_one_line_says_all_of_a_call(self) -> None:
        bench = Bench()
        routed = run_cascade(bench, PARENT)
        (line,) = bench.lines
        assert (line["event"], line["level"], line["method"], line["code"]) == ("call.ended", "info", METHOD, "OK")
        assert line["decision_id"] == routed.decision.decision_id
        assert (line["caller"], line["router"], line["model"], line["strategy"]) == (
            "billing",
            "default",
            "small",
            "cascade",
        )
        assert (line["status"], line["cost_nano_usd"], line["saved_nano_usd"]) == ("completed", 21_241, 8_759)
        assert line["trace_id"] == "a" * 32
        assert line["span_id"]
        attempts = line["attempts"]
        assert isinstance(attempts, list)
        assert [(each["model"], each["purpose"], each["outcome"], each["cost_nano_usd"]) for each in attempts] == [
            ("small", "route", "accepted", 1_234),
            ("small", "answer", "rejected", 1_234),
            ("large", "answer", "accepted", 20_000),
        ]

    def test_a_call_that_decides_often_names_every_decision(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, {})
        batch = [a_routed_query() for _ in range(3)]
        for routed in batch:
            call.route_started().ended(routed)
        call.ended("OK", None)
        (line,) = bench.lines
        assert line["decision_ids"] == [routed.decision.decision_id for routed in batch]
        assert line["decision_id"] == batch[-1].decision.decision_id

    def test_finer_events_are_there_for_who_looks_closer(self) -> None:
        bench = Bench(log_level="debug")
        routed = run_cascade(bench, PARENT)
        events_ = [line["event"] for line in bench.lines]
        assert events_ == [
            "attempt.ended",
            "route.decided",
            "attempt.ended",
            "attempt.ended",
            "completion.settled",
            "call.ended",
        ]
        assert {line["trace_id"] for line in bench.lines} == {"a" * 32}
        assert len({line["span_id"] for line in bench.lines}) == 5
        rejected = bench.lines[2]
        assert rejected["decision_id"] == routed.decision.decision_id
        assert (rejected["outcome"], rejected["cost_nano_usd"]) == ("rejected", 1_234)

    @pytest.mark.parametrize(
        ("log_level", "told"),
        [("info", ["call.failed", "call.ended"]), ("debug", ["page.shown", "call.failed", "call.ended"])],
    )
    def test_pages_that_are_looked_at_are_told_to_who_looks_closer(self, log_level: str, told: list[str]) -> None:
        bench = Bench(log_level=log_level)
        for method, code in (("GET /console", "OK"), ("GET /console", "NOT_FOUND"), ("POST /console/ask", "OK")):
            bench.observer.call_started(method, {}).ended(code, None)
        assert [line["event"] for line in bench.lines] == told

    def test_every_event_has_its_level(self) -> None:
        levels = {"completion.settled": "info", "route.decided": "off", "call.ended": "warning"}
        bench = Bench(log_levels=levels)
        run_cascade(bench)
        assert [(line["event"], line["level"]) for line in bench.lines] == [
            ("completion.settled", "info"),
            ("call.ended", "warning"),
        ]

    def test_lines_are_the_same_whoever_renders_them(self) -> None:
        """A line rendered at once and one through the logger's processors differ in nothing but the instant."""
        rendered: list[bytes] = []
        bench = Bench()
        config = TelemetryConfig.model_validate({"log_format": "json"})
        EventLog(bench.event_log.logger, config, rendered.append).write("call.ended", code="OK", n=1, at=FIELD)
        bench.event_log.write("call.ended", code="OK", n=1, at=FIELD)
        (line,) = bench.lines
        ours = json.loads(rendered[0])
        assert ours.keys() == line.keys()
        form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
        for each in (line, ours):
            assert re.fullmatch(form, str(each.pop("timestamp")))
        assert ours == line

    def test_failed_calls_have_an_event_of_their_own(self) -> None:
        bench = Bench()
        call = bench.observer.call_started(METHOD, {})
        call.identified("somebody")
        call.ended("INVALID_ARGUMENT", InvalidRequest([FIELD]))
        (line,) = bench.lines
        assert line["caller"] == "somebody"
        assert (line["event"], line["code"], line["error_reason"]) == ("call.failed", "INVALID_ARGUMENT", "FIELD_EMPTY")


def test_content_is_nowhere() -> None:
    """Neither the query's text nor an upstream's message, which may quote it."""
    bench = Bench(log_level="debug")
    call = bench.observer.call_started(METHOD, {})
    route = call.route_started()
    routed = a_routed_query()
    route.ended(routed)
    failure: Attempt = an_attempt(kind=StepKind.FALLBACK, outcome=AttemptOutcome.FAILED, error_reason="UPSTREAM_CUT")
    assert SECRET_TEXT in failure.error_message
    call.attempt_started(SMALL, SMALL.primary, routed.query, purpose="answer").ended(failure)
    call.settled(routed, a_cascade(), CompletionFailed(UpstreamCut(SECRET_TEXT), a_cascade()))
    call.ended("UNAVAILABLE", CompletionFailed(UpstreamCut(SECRET_TEXT), a_cascade()))
    spans = "".join(span.to_json() for span in bench.spans.spans)
    for written in (spans, bench.log, bench.page):
        assert written
        assert "555-0100" not in written
