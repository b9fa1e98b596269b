"""Domain values with every field set to something that is not its default."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from frontdesk_server.domain.attempt import (
    Adjustment,
    Answer,
    Attempt,
    AttemptOutcome,
    CheckResult,
    Completion,
    Settlement,
)
from frontdesk_server.domain.decision import (
    Candidate,
    Decision,
    Exclusion,
    ExclusionReason,
    PlanStep,
    StepKind,
    StrategyStep,
    StreamMode,
    Verdict,
)
from frontdesk_server.domain.model import Capability, Deployment, Model
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from frontdesk_server.domain.provider import CacheHint, Citation, ProviderOptions, ProviderState
from frontdesk_server.domain.query import Message, ReasoningPart, Role, TextPart, ToolCall
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import Cost, FinishReason, TokenLogprob, TopLogprob, Usage

DECISION_ID = "01J0ABCDEFGHJKMNPQRSTVWXYZ"
INSTANT = datetime(2026, 11, 24, 10, 30, 15, 123456, tzinfo=UTC)

SIGNALS = Signals(
    text="def f(): ...",
    text_characters=12,
    task=Task.CODE,
    difficulty=0.75,
    input_tokens=42,
    code=True,
    math=True,
    language="en",
    turns=3,
    tools=True,
    media=True,
    in_tool_loop=True,
    difficulty_cues=("asks for a proof", "several parts"),
)
DECISION = Decision(
    decision_id=DECISION_ID,
    model="code",
    reason="rule code",
    strategy="rules",
    path=(
        StrategyStep(
            path="default/llm",
            strategy="llm",
            verdict=Verdict.TIMED_OUT,
            reason="too slow",
            duration_seconds=0.25,
            model="small",
            confidence=0.4,
            cost_nano_usd=17,
        ),
    ),
    candidates=(
        Candidate("code", 0.9, 0.05, 1234, 0.7, 0.88),
        Candidate("tiny", exclusion=Exclusion(ExclusionReason.CONTEXT_WINDOW, "needs 9,000 tokens of 8,192", 1.5)),
    ),
    plan=(PlanStep("code", StepKind.PRIMARY, "default/cascade.0", StreamMode.GATE, 16),),
    signals=SIGNALS,
    router="support",
    router_version="0123456789ab",
    strongest_model="frontier",
    decided_at=INSTANT,
    router_duration_seconds=0.0123,
    router_cost_nano_usd=18,
    propensity=0.25,
    explored=True,
)
USAGE = Usage(
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=3,
    cache_write_tokens=4,
    reasoning_tokens=5,
    cache_write_long_tokens=2,
    input_audio_tokens=1,
    output_audio_tokens=6,
    input_image_tokens=7,
    output_image_tokens=8,
    web_searches=9,
    service_tier="priority",
)
COST = Cost(attempts_nano_usd=100, checks_nano_usd=10, router_nano_usd=1, strongest_nano_usd=1000)
ATTEMPT = Attempt(
    index=1,
    model="code",
    kind=StepKind.ESCALATION,
    outcome=AttemptOutcome.REJECTED,
    backend="openai",
    usage=USAGE,
    cost_nano_usd=99,
    duration_seconds=1.5,
    time_to_first_token_seconds=0.125,
    error_reason="UPSTREAM_CUT",
    error_message="ended without its end",
    checks=(CheckResult("logprob", 0.4, 0.5, True, "low", 7),),
    retries=2,
    usage_estimated=True,
    upstream_model="code-2026-01",
    finish_reason=FinishReason.LENGTH,
    adjustments=(Adjustment("query.messages", "ids of tool calls were replaced"),),
    provider_request_id="req-7",
    provider_cost_nano_usd=101,
    cache_saved_nano_usd=-12,
)
SETTLEMENT = Settlement((ATTEMPT,), COST, committed=True)
LOGPROBS = (TokenLogprob("Hi", -0.5, (TopLogprob("Hi", -0.5), TopLogprob("Ho", -1.5))),)
CITATION = Citation("https://example.org/a", "Weather", "rain", 0, 8)
MESSAGE = Message(
    Role.ASSISTANT,
    (
        ReasoningPart("hm", "signed", "redacted", "anthropic"),
        TextPart("Hi", citations=(CITATION,), provider_state=(ProviderState("anthropic", "{}"),)),
        ToolCall("call-1", "search", '{"q": 1}'),
    ),
    name="bot",
    provider_options=(ProviderOptions("openai", '{"prefix": true}', required=True),),
    cache_hint=CacheHint(300.0),
    provider_state=(ProviderState("openai", '{"a": 1}'),),
)
COMPLETION = Completion("code", Answer(MESSAGE, FinishReason.TOOL_CALLS, USAGE, LOGPROBS, "code-2026-01"), SETTLEMENT)
OUTCOME = Outcome(DECISION_ID, 0.75, "user", INSTANT, {"run": "7"})
RECORD = DecisionRecord(DECISION, "alice", {"team": "a"}, SETTLEMENT, (OUTCOME,))
RATES = Prices(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
TIERED = replace(RATES, tiers=(PriceTier(200_000, RATES),))
PRICES = replace(
    TIERED,
    service_tiers=(ServiceTierPrices("priority", TIERED),),
    periods=(PricePeriod(INSTANT, replace(TIERED, service_tiers=(ServiceTierPrices("flex", TIERED),))),),
)
MODEL = Model(
    name="code",
    deployments=(Deployment("openai", "code-2026-01"),),
    context_window=128_000,
    description="writes programs",
    prices=PRICES,
    max_output_tokens=4096,
    capabilities=frozenset({Capability.TOOLS, Capability.SEED}),
)
