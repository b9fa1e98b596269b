"""Metrics in a Prometheus registry of their own: the cheapest to record, and the source of what goes out by OTLP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from frontdesk_server.domain.attempt import Attempt, Settlement
from frontdesk_server.domain.decision import Decision, StepKind, Verdict
from frontdesk_server.domain.ending import CANCELLED, status_of
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.lessons import Refusal
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.beginnings import beginnings
from frontdesk_server.telemetry.names import Metric
from frontdesk_server.telemetry.spans import attempt_error

_MOST_CHILDREN = 2_000
_KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
_BREAKER_STATES = ("closed", "open", "half_open")


class _Family:
    """A metric and its children, found by one dictionary look-up.

    However many values its labels are given, at most 2,000 children exist; what comes later is counted as `_OTHER`.
    """

    __slots__ = ("_children", "_labels", "metric")

    def __init__(self, definition: Metric, registry: CollectorRegistry) -> None:
        kind: Any = _KINDS[definition.kind]
        options = {"buckets": definition.buckets} if definition.buckets else {}
        self.metric: Any = kind(
            definition.prometheus_name, definition.help, definition.labels, registry=registry, **options
        )
        self._labels = len(definition.labels)
        self._children: dict[tuple[str, ...], Any] = {}

    def __call__(self, *values: str) -> Any:
        child = self._children.get(values)
        if child is None:
            if len(self._children) >= _MOST_CHILDREN:
                values = (names.OTHER,) * self._labels
            child = self._children[values] = self.metric.labels(*values)
        return child

    def clear(self) -> None:
        """Forget all children."""
        self._children.clear()
        self.metric.clear()


class Metrics:
    """Records what the observer sees; every method takes a few microseconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of = {definition: _Family(definition, self.registry) for definition in names.METRICS if definition.labels}
        self._single: dict[Metric, Any] = {
            definition: _Family(definition, self.registry).metric
            for definition in names.METRICS
            if not definition.labels
        }
        self._call_duration = self._of[names.CALL_DURATION]
        self._calls_running = self._single[names.CALLS_RUNNING]

    def begin(self, models: Iterable[str], routers: Iterable[str]) -> None:
        """Show at zero what these models and routers may count, as far as it is not counted already."""
        for metric, labels in beginnings(models, routers):
            self._of[metric](*labels)

    def call_started(self) -> None:
        """A call is being served."""
        self._calls_running.inc()

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """A call is over."""
        self._calls_running.dec()
        self._call_duration(method if method in names.METHODS else names.OTHER, code).observe(seconds)

    def decided(self, decision: Decision) -> None:
        """Routing has decided."""
        router = decision.router
        self._of[names.DECISIONS](router, decision.strategy, decision.model, reason_class(decision)).inc()
        self._of[names.ROUTER_DURATION](router).observe(decision.router_duration_seconds)
        for step in decision.path:
            self._of[names.STRATEGY_STEPS](router, step.strategy, step.verdict.value).inc()
        for candidate in decision.candidates:
            if candidate.exclusion is not None:
                self._of[names.EXCLUSIONS](candidate.model, candidate.exclusion.reason.value).inc()

    def field_refused(self, model: Model, deployment: Deployment, refusal: Refusal) -> None:
        """An upstream refused something by name that was not known of it."""
        self._of[names.REFUSED_FIELDS](model.name, deployment.backend, refusal.kind).inc()

    def attempt_ended(
        self, attempt: Attempt, model: Model, deployment: Deployment, provider: str, purpose: str, router: str
    ) -> None:
        """An attempt is settled."""
        name = model.name
        labels = (names.CHAT, provider, deployment.upstream_model, name, purpose)
        self._of[names.OPERATION_DURATION](*labels, attempt_error(attempt)).observe(attempt.duration_seconds)
        if attempt.time_to_first_token_seconds is not None:
            self._of[names.TIME_TO_FIRST_CHUNK](*labels).observe(attempt.time_to_first_token_seconds)
        self._of[names.ATTEMPTS_MADE](name, purpose, attempt.kind.value, attempt.outcome.value).inc()
        self._tokens(attempt, name, labels)
        if attempt.retries:
            self._of[names.RETRIES](name).inc(attempt.retries)
        if attempt.cost_nano_usd is None:
            self._of[names.COST_UNKNOWN](name, purpose).inc()
        else:
            self._of[names.COST_SPENT](name, purpose).inc(attempt.cost_nano_usd / NANO_USD_PER_USD)
        self._reported_cost(attempt, name)
        if attempt.cache_saved_nano_usd:
            self._signed(names.CACHE_SAVED, name, attempt.cache_saved_nano_usd)
        for check in attempt.checks:
            self._of[names.CHECKS](check.check, "true" if check.passed else "false").inc()
        if attempt.kind is StepKind.ESCALATION:
            self._of[names.ESCALATIONS](router, name).inc()
        elif attempt.kind is StepKind.FALLBACK:
            self._of[names.FALLBACKS](router, name).inc()

    def _reported_cost(self, attempt: Attempt, model: str) -> None:
        reported, own = attempt.provider_cost_nano_usd, attempt.cost_nano_usd
        if reported is not None:
            self._of[names.COST_REPORTED](model).inc(reported / NANO_USD_PER_USD)
            if own is not None:
                self._signed(names.COST_DEVIATION, model, reported - own)

    def _signed(self, metric: Metric, whose: str, nano_usd: int) -> None:
        """Count an amount that may be below zero."""
        sign = names.MINUS if nano_usd < 0 else names.PLUS
        self._of[metric](whose, sign).inc(abs(nano_usd) / NANO_USD_PER_USD)

    def _tokens(self, attempt: Attempt, model: str, labels: tuple[str, ...]) -> None:
        usage = attempt.usage
        for token_type, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            if count is not None:
                self._of[names.TOKEN_USAGE](*labels, token_type).observe(count)
        counts = (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        )
        for token_class, count in zip(names.TOKEN_CLASSES, counts, strict=True):
            if count:
                self._of[names.TOKENS](model, token_class).inc(count)

    def settled(self, router: str, settlement: Settlement, status: str) -> None:
        """A completion has ended."""
        self._of[names.COMPLETIONS](router, status).inc()
        total, saved = settlement.cost.total_nano_usd, settlement.cost.saved_nano_usd
        if total is not None:
            self._of[names.COMPLETION_COST](router).inc(total / NANO_USD_PER_USD)
        if saved is not None:
            self._signed(names.SAVED_COST, router, saved)

    def defect(self, part: str, error_type: str) -> None:
        """An exception that nobody foresaw was caught."""
        self._of[names.DEFECTS](part, error_type).inc()

    def watch_breaker(self, model: str, state: Callable[[], str]) -> None:
        """Read whether a model's best breaker is closed, open or half_open whenever metrics are collected."""
        for each in _BREAKER_STATES:
            self._of[names.BREAKER](model, each).set_function(lambda each=each: float(state() == each))

    def watch_deployment(self, model: str, deployment: Deployment, state: Callable[[], str]) -> None:
        """Read likewise the state of one of the model's deployments."""
        labels = (model, deployment.backend, deployment.upstream_model)
        for each in _BREAKER_STATES:
            self._of[names.DEPLOYMENT_BREAKER](*labels, each).set_function(lambda each=each: float(state() == each))

    def watch_queue(self, queued: Callable[[], float]) -> None:
        """Read the number of calls that wait for admission whenever metrics are collected."""
        self._single[names.CALLS_QUEUED].set_function(queued)

    def watch_redis(self, use: str, gone_seconds: Callable[[], float]) -> None:
        """Read for how long Redis has not answered whenever metrics are collected."""
        self._of[names.REDIS_GONE](use).set_function(gone_seconds)

    def watch_ledger(self, waiting: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        """Read the ledger's backlog whenever metrics are collected."""
        self._single[names.LEDGER_WAITING].set_function(waiting)
        self._single[names.LEDGER_LAG].set_function(lag_seconds)

    def scores_judged(self, classifier: str, model: str, stability_index: float) -> None:
        """A window of a classifier's predictions has been compared with those of training."""
        self._of[names.SCORE_SHIFT](classifier, model).set(stability_index)

    def forget_scores(self) -> None:
        """Other classifiers take over."""
        self._of[names.SCORE_SHIFT].clear()

    def ledger_committed(self, records: int, seconds: float) -> None:
        """A batch is durable."""
        self._single[names.LEDGER_RECORDS].inc(records)
        self._single[names.LEDGER_COMMIT_DURATION].observe(seconds)

    def ledger_failed(self) -> None:
        """A commit failed."""
        self._single[names.LEDGER_FAILURES].inc()

    def ledger_dropped(self, records: int, reason: str) -> None:
        """Records are lost."""
        self._of[names.LEDGER_DROPPED](reason).inc(records)

    def ledger_deleted(self, decisions: int) -> None:
        """Retention has deleted decisions."""
        self._single[names.LEDGER_DELETED].inc(decisions)


def reason_class(decision: Decision) -> str:
    """A decision's reason in one of five words: explored, chosen, handed_over, default or abstained."""
    verdicts = [step.verdict for step in decision.path]
    if decision.explored:
        return "explored"
    stumbled = Verdict.FAILED in verdicts or Verdict.TIMED_OUT in verdicts
    if Verdict.CHOSE in verdicts:
        return "handed_over" if stumbled else "chosen"
    return "default" if stumbled else "abstained"


def completion_status(error: BaseException | None) -> str:
    """As `status_of`; what is no error of Frontdesk's own is the caller's leaving."""
    if error is None:
        return status_of("")
    return status_of(error.reason if isinstance(error, FrontdeskError) else CANCELLED)
