"""Every name telemetry uses: spans, attributes, events, metrics, log events.

Standard names are those of OpenTelemetry's semantic conventions 1.44 (GenAI and RPC); they are written out because
those conventions are in development and their Python constants may be renamed. Frontdesk's own start with `frontdesk.`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE = "frontdesk"

# Spans
SPAN_ROUTE = "route"
SPAN_STRATEGY = "strategy"  # followed by the strategy's kind
SPAN_CHAT = "chat"  # followed by the model, as the GenAI conventions want it
SPAN_CHECK = "check"  # followed by the check's kind

# Span events
EVENT_CANDIDATE = "frontdesk.candidate"
EVENT_FIRST_TOKEN = "frontdesk.first_token"
EVENT_CHECK = "frontdesk.check"
EVENT_REPEAT = "frontdesk.repeat"
EVENT_ESCALATION = "frontdesk.escalation"
EVENT_FALLBACK = "frontdesk.fallback"

# Attributes: RPC
RPC_SYSTEM_NAME = "rpc.system.name"
RPC_METHOD = "rpc.method"
HTTP_REQUEST_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
RPC_STATUS_CODE = "rpc.response.status_code"
ERROR_TYPE = "error.type"

# Attributes: GenAI
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
OUTPUT_TYPE = "gen_ai.output.type"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
USAGE_REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"

# Attributes: Frontdesk
DECISION_ID = "frontdesk.decision.id"
DECISION_REASON = "frontdesk.decision.reason"
REASON_CLASS = "frontdesk.decision.reason_class"
PROPENSITY = "frontdesk.decision.propensity"
EXPLORED = "frontdesk.decision.explored"
LABEL = "frontdesk.label"  # followed by the label's key
ROUTER = "frontdesk.router"
ROUTER_VERSION = "frontdesk.router.version"
ROUTER_COST = "frontdesk.router.cost_nano_usd"
STRATEGY = "frontdesk.strategy"
STRATEGY_PATH = "frontdesk.strategy.path"
STRATEGY_VERDICT = "frontdesk.strategy.verdict"
STRATEGY_REASON = "frontdesk.strategy.reason"
STRATEGY_CONFIDENCE = "frontdesk.strategy.confidence"
STRATEGY_COST = "frontdesk.strategy.cost_nano_usd"
SIGNAL_TASK = "frontdesk.signals.task"
SIGNAL_DIFFICULTY = "frontdesk.signals.difficulty"
SIGNAL_INPUT_TOKENS = "frontdesk.signals.input_tokens"
MODEL = "frontdesk.model"
BACKEND = "frontdesk.backend"
PURPOSE = "frontdesk.purpose"
PREDICTED_QUALITY = "frontdesk.candidate.predicted_quality"
PREDICTED_COST = "frontdesk.candidate.predicted_cost_nano_usd"
PREDICTED_TIME_TO_FIRST_TOKEN = "frontdesk.candidate.predicted_time_to_first_token_seconds"
SCORE = "frontdesk.candidate.score"
EXCLUSION_REASON = "frontdesk.candidate.exclusion_reason"
EXCLUSION_DETAIL = "frontdesk.candidate.exclusion_detail"
ATTEMPT_INDEX = "frontdesk.attempt.index"
ATTEMPT_KIND = "frontdesk.attempt.kind"
ATTEMPT_OUTCOME = "frontdesk.attempt.outcome"
ATTEMPT_RETRIES = "frontdesk.attempt.retries"
USAGE_ESTIMATED = "frontdesk.usage_estimated"
PROVIDER_REQUEST_ID = "frontdesk.provider.request_id"
PROVIDER_COST = "frontdesk.provider.cost_nano_usd"
ADJUSTMENTS = "frontdesk.adjustments"
COST = "frontdesk.cost_nano_usd"
SAVED = "frontdesk.saved_nano_usd"
ATTEMPTS = "frontdesk.attempts"
REFUSED_FIELD = "frontdesk.refused.field"
CHECK = "frontdesk.check.name"
CHECK_SCORE = "frontdesk.check.score"
CHECK_THRESHOLD = "frontdesk.check.threshold"
CHECK_PASSED = "frontdesk.check.passed"
TOKEN_CLASS = "frontdesk.token.class"
COMPLETION_STATUS = "frontdesk.completion.status"
BREAKER_STATE = "frontdesk.breaker.state"
DEFECT_PART = "frontdesk.defect.part"
DROP_REASON = "frontdesk.ledger.drop_reason"
REDIS_USE = "frontdesk.redis.use"
SIGN = "frontdesk.sign"

# Values
CHAT = "chat"
GRPC = "grpc"
PLUS, MINUS = "plus", "minus"
"""Signs of an amount that may fall. It is counted as two that only rise, which tells a fall from a restart."""
TOKEN_CLASSES = ("input", "output", "cache_read", "cache_write", "reasoning")
OTHER = "_OTHER"
"""What a label says when its value is none of the expected, as the conventions want it."""

HTTP_METHODS = frozenset(
    (
        "POST /v1/chat/completions",
        "POST /v1/responses",
        "POST /v1/embeddings",
        "GET /v1/models",
        "POST /v1/messages",
        "POST /v1/messages/count_tokens",
    )
)
"""What the HTTP faces serve: the method and the path."""

METHODS = HTTP_METHODS | frozenset(
    f"frontdesk.v1.RouterService/{name}"
    for name in (
        "Route",
        "RouteBatch",
        "Complete",
        "StreamComplete",
        "ReportOutcome",
        "GetDecision",
        "ListModels",
    )
)
"""The methods that metrics tell apart."""

# Log events
LOG_ROUTE_DECIDED = "route.decided"
LOG_ROUTE_FAILED = "route.failed"
LOG_ATTEMPT_REPEATED = "attempt.repeated"
LOG_FIELD_REFUSED = "upstream.field_refused"
LOG_ATTEMPT_ENDED = "attempt.ended"
LOG_COMPLETION_SETTLED = "completion.settled"
LOG_CALL_ENDED = "call.ended"
LOG_CALL_FAILED = "call.failed"
LOG_PAGE_SHOWN = "page.shown"
LOG_LEDGER_FAILING = "ledger.failing"
LOG_LEDGER_RECOVERED = "ledger.recovered"
LOG_LEDGER_DROPPED = "ledger.dropped"
LOG_LEDGER_CLEANED = "ledger.cleaned"
LOG_SCORES_DRIFTED = "scores.drifted"


@dataclass(frozen=True, slots=True, eq=False)  # looked up by identity: a hash of all fields would take longer
class Metric:
    """One metric: its name, its unit in UCUM, its attributes; and the same as Prometheus spells them."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def prometheus_name(self) -> str:
        """The name with its unit; a counter's `_total` is not part of it."""
        return self.name.replace(".", "_") + _UNIT_SUFFIXES[self.unit]

    @property
    def labels(self) -> tuple[str, ...]:
        """The attributes' names as labels."""
        return tuple(name.replace(".", "_") for name in self.attributes)

    @property
    def samples(self) -> frozenset[str]:
        """The sample names a query may use."""
        endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[self.kind]
        return frozenset(self.prometheus_name + ending for ending in endings)


_UNIT_SUFFIXES = {"s": "_seconds", "USD": "_usd", "1": ""} | {
    f"{{{thing}}}": ""
    for thing in ("token", "decision", "step", "attempt", "check", "call", "record", "commit", "defect")
}
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_CHUNK = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKENS = tuple(4.0**power for power in range(14))
_ROUTING = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_GEN_AI = (OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, MODEL, PURPOSE)

CALL_DURATION = Metric(
    "rpc.server.call.duration",
    "histogram",
    "s",
    "Calls by method and status.",
    (RPC_METHOD, RPC_STATUS_CODE),
    (0.0005, 0.001, 0.0025, 0.005, *_SECONDS),
)
OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Attempts upstream.",
    (*_GEN_AI, ERROR_TYPE),
    _SECONDS,
)
TIME_TO_FIRST_CHUNK = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time until the first content of an attempt.",
    _GEN_AI,
    _FIRST_CHUNK,
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Input and output tokens of an attempt.",
    (*_GEN_AI, TOKEN_TYPE),
    _TOKENS,
)
TOKENS = Metric(
    "frontdesk.tokens",
    "counter",
    "{token}",
    "Tokens by price class: input and output hold the classes that follow.",
    (MODEL, TOKEN_CLASS),
)
DECISIONS = Metric(
    "frontdesk.decisions",
    "counter",
    "{decision}",
    "Decisions by router, deciding strategy and model.",
    (ROUTER, STRATEGY, MODEL, REASON_CLASS),
)
STRATEGY_STEPS = Metric(
    "frontdesk.strategy.steps",
    "counter",
    "{step}",
    "Strategies asked, by what they concluded.",
    (ROUTER, STRATEGY, STRATEGY_VERDICT),
)
EXCLUSIONS = Metric(
    "frontdesk.exclusions",
    "counter",
    "{decision}",
    "Models that were not eligible for a query, by reason.",
    (MODEL, EXCLUSION_REASON),
)
ROUTER_DURATION = Metric(
    "frontdesk.router.duration",
    "histogram",
    "s",
    "Time routing took, router LLMs included.",
    (ROUTER,),
    _ROUTING,
)
ATTEMPTS_MADE = Metric(
    "frontdesk.attempts",
    "counter",
    "{attempt}",
    "Attempts by kind and outcome.",
    (MODEL, PURPOSE, ATTEMPT_KIND, ATTEMPT_OUTCOME),
)
ESCALATIONS = Metric(
    "frontdesk.escalations",
    "counter",
    "{attempt}",
    "Attempts that followed a rejected answer, by the model asked.",
    (ROUTER, MODEL),
)
FALLBACKS = Metric(
    "frontdesk.fallbacks",
    "counter",
    "{attempt}",
    "Attempts that followed a failure, by the model asked.",
    (ROUTER, MODEL),
)
REFUSED_FIELDS = Metric(
    "frontdesk.refused.fields",
    "counter",
    "{attempt}",
    "Fields that an upstream refused by name and that were not known of it: what a profile should say.",
    (MODEL, BACKEND, REFUSED_FIELD),
)
RETRIES = Metric("frontdesk.retries", "counter", "{attempt}", "Repeated upstream requests.", (MODEL,))
CHECKS = Metric("frontdesk.checks", "counter", "{check}", "Checks of answers.", (CHECK, CHECK_PASSED))
COMPLETIONS = Metric(
    "frontdesk.completions",
    "counter",
    "{call}",
    "Completions by how they ended.",
    (ROUTER, COMPLETION_STATUS),
)
COST_SPENT = Metric(
    "frontdesk.cost", "counter", "USD", "Known cost of attempts, by what they were for.", (MODEL, PURPOSE)
)
COST_UNKNOWN = Metric(
    "frontdesk.cost.unknown", "counter", "{attempt}", "Attempts whose cost is not known.", (MODEL, PURPOSE)
)
COST_REPORTED = Metric(
    "frontdesk.cost.reported", "counter", "USD", "Cost of attempts as their providers say.", (MODEL,)
)
COST_DEVIATION = Metric(
    "frontdesk.cost.deviation",
    "counter",
    "USD",
    "What providers said beyond the cost by configured prices (plus), and what they said less (minus).",
    (MODEL, SIGN),
)
CACHE_SAVED = Metric(
    "frontdesk.cache.saved",
    "counter",
    "USD",
    "Saved by providers' prompt caches (plus), and what writing to them cost more than it saved (minus).",
    (MODEL, SIGN),
)
COMPLETION_COST = Metric("frontdesk.completion.cost", "counter", "USD", "Known cost of whole completions.", (ROUTER,))
SAVED_COST = Metric(
    "frontdesk.saved",
    "counter",
    "USD",
    "Saved against always asking the strongest model (plus), and what was spent beyond that (minus).",
    (ROUTER, SIGN),
)
DEFECTS = Metric(
    "frontdesk.defects",
    "counter",
    "{defect}",
    "Exceptions that nobody foresaw and the service went on without, by part and type: faults of Frontdesk's own.",
    (DEFECT_PART, ERROR_TYPE),
)
CALLS_RUNNING = Metric("frontdesk.calls.running", "gauge", "{call}", "Calls being served.")
CALLS_QUEUED = Metric("frontdesk.calls.queued", "gauge", "{call}", "Calls waiting for admission.")
BREAKER = Metric(
    "frontdesk.breaker.state",
    "gauge",
    "1",
    "1 for the state a model's best breaker is in; of workers the share.",
    (MODEL, BREAKER_STATE),
)
DEPLOYMENT_BREAKER = Metric(
    "frontdesk.deployment.breaker.state",
    "gauge",
    "1",
    "1 for the state the breaker of one of a model's deployments is in; of workers the share.",
    (MODEL, BACKEND, REQUEST_MODEL, BREAKER_STATE),
)
SCORE_SHIFT = Metric(
    "frontdesk.scores.shift",
    "gauge",
    "1",
    "How far the latest 500 predictions of a classifier are from those of training: 0.2 and more is drift.",
    (STRATEGY_PATH, MODEL),
)
REDIS_GONE = Metric(
    "frontdesk.redis.gone",
    "gauge",
    "s",
    "For how long Redis has not answered: for limits, and for breakers, affinity and answers of router LLMs (others).",
    (REDIS_USE,),
)
LEDGER_LAG = Metric("frontdesk.ledger.lag", "gauge", "s", "Age of the oldest record that is not committed.")
LEDGER_WAITING = Metric("frontdesk.ledger.waiting", "gauge", "{record}", "Records that are not committed.")
LEDGER_RECORDS = Metric("frontdesk.ledger.records", "counter", "{record}", "Committed records.")
LEDGER_COMMIT_DURATION = Metric(
    "frontdesk.ledger.commit.duration",
    "histogram",
    "s",
    "Commits of the ledger.",
    (),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
LEDGER_FAILURES = Metric(
    "frontdesk.ledger.failures", "counter", "{commit}", "Commits that failed and were tried again."
)
LEDGER_DROPPED = Metric("frontdesk.ledger.dropped", "counter", "{record}", "Lost records.", (DROP_REASON,))
LEDGER_DELETED = Metric("frontdesk.ledger.deleted", "counter", "{decision}", "Decisions deleted by retention.")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them."""
