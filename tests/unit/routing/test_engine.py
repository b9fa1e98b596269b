from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.artefacts.wording import default_wording
from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.decision import Decision, Exclusion, ExclusionReason, StepKind, StreamMode, Verdict
from frontdesk_server.domain.errors import NoEligibleModel, PermissionDenied, UnknownModel, UnknownRouter
from frontdesk_server.domain.model import Capability, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import (
    GenerationConfig,
    Message,
    Query,
    Role,
    TextPart,
    Tool,
    ToolResult,
    text_query,
)
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.engine import Engine
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.unit.routing.desk import engine_of, route

ALWAYS_MID = "{kind: model, model: mid}"
NEVER = "{kind: rules, rules: [{name: never, when: {keywords: [zzzz]}, model: mid}]}"


def _engine(strategy: str = ALWAYS_MID, settings: str = "", **parts: object) -> Engine:
    router = f"routers: {{default: {{default_model: mid, strategy: {strategy}{settings}}}}}"
    return engine_of(router, **parts)  # type: ignore[arg-type]


class Broken(CalmConditions):
    """Some models' breakers are open."""

    def __init__(self, *models: str) -> None:
        self.models = models
        self.remaining: list[float | None] = []

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        self.remaining.append(remaining_seconds)
        return Exclusion(ExclusionReason.BREAKER_OPEN, "broken") if model.name in self.models else None


async def test_a_decision_tells_all_that_led_to_it() -> None:
    decision = await route(_engine(settings=", fallbacks: [frontier, mid, small]"), "hello")

    assert (decision.model, decision.strategy, decision.router) == ("mid", "model", "default")
    assert (decision.propensity, decision.explored, decision.strongest_model) == (1.0, False, "frontier")
    assert len(decision.decision_id) == 26
    assert len(decision.router_version) == 12
    assert [step.path for step in decision.path] == ["default/model"]
    assert [(step.model, step.kind) for step in decision.plan] == [
        ("mid", StepKind.PRIMARY),
        ("frontier", StepKind.FALLBACK),
        ("small", StepKind.FALLBACK),
    ]
    assert decision.reason.startswith("always mid; task chat, difficulty 0.0")
    assert decision.signals.text == "hello"


def test_no_query_waits_for_what_every_query_is_read_with() -> None:
    default_cues.cache_clear()
    default_wording.cache_clear()
    _engine()
    assert (default_cues.cache_info().currsize, default_wording.cache_info().currsize) == (1, 1)


async def test_all_candidates_are_told_best_first_and_excluded_last_with_their_reason() -> None:
    decision = await route(
        _engine(conditions=Broken("frontier")), "hello", RoutingPolicy(excluded_models=frozenset({"local"}))
    )

    assert [candidate.model for candidate in decision.candidates] == ["mid", "small", "frontier", "local"]
    mid, small, frontier, local = decision.candidates
    assert (mid.predicted_quality or 0) > (small.predicted_quality or 1)
    assert mid.predicted_cost_nano_usd
    assert frontier.predicted_cost_nano_usd == pytest.approx(5 * mid.predicted_cost_nano_usd, rel=0.01)
    assert mid.predicted_time_to_first_token_seconds == 0.25
    assert mid.exclusion is small.exclusion is None
    assert frontier.exclusion == Exclusion(ExclusionReason.BREAKER_OPEN, "broken")
    assert local.exclusion
    assert local.exclusion.reason is ExclusionReason.EXCLUDED


async def test_unknown_names_are_errors() -> None:
    with pytest.raises(UnknownRouter, match="'nowhere'"):
        await route(_engine(), "hi", RoutingPolicy(router="nowhere"))
    with pytest.raises(UnknownModel, match="'gpt-9'") as error:
        await route(_engine(), "hi", RoutingPolicy(allowed_models=frozenset({"gpt-9"})))
    assert error.value.field == "policy.allowed_models"
    with pytest.raises(UnknownModel):
        await route(_engine(), "hi", RoutingPolicy(excluded_models=frozenset({"gpt-9"})))
    with pytest.raises(UnknownRouter):
        _engine().router_models("nowhere")


async def test_a_router_has_the_whole_pool_or_its_own_models() -> None:
    assert set(_engine().router_models("default")) == {"local", "small", "mid", "frontier"}
    assert set(_engine(settings=", models: [mid, small]").router_models("default")) == {"mid", "small"}


async def test_callers_are_held_to_their_routers_and_models() -> None:
    with pytest.raises(PermissionDenied):
        await route(_engine(), "hi", caller=Caller("app", routers=frozenset({"other"})))
    decision = await route(_engine(), "hi", caller=Caller("app", models=frozenset({"small"})))
    assert decision.model == "small"


async def test_refusals_name_no_router_or_model_that_is_not_the_callers() -> None:
    caller = Caller("app", routers=frozenset({"gone"}), models=frozenset({"small"}))
    with pytest.raises(PermissionDenied):
        await route(_engine(), "hi", RoutingPolicy(router="nowhere"), caller=caller)
    with pytest.raises(UnknownRouter) as unknown:
        await route(_engine(), "hi", RoutingPolicy(router="gone"), caller=caller)
    assert "default" not in str(unknown.value)
    policy = RoutingPolicy(allowed_models=frozenset({"gpt-9"}))
    with pytest.raises(UnknownModel, match=r"there are small$"):
        await route(_engine(), "hi", policy, caller=replace(caller, routers=frozenset()))


@pytest.mark.parametrize(
    "strategy", [NEVER, "{kind: model, model: frontier}", "{kind: chain, strategies: [" + NEVER + "]}"]
)
async def test_when_no_strategy_chooses_the_default_answers(strategy: str) -> None:
    decision = await route(_engine(strategy, conditions=Broken("frontier")), "hi")

    assert (decision.model, decision.strategy) == ("mid", "default")
    assert decision.path[0].verdict is Verdict.ABSTAINED
    assert "so the default mid answers" in decision.reason


async def test_when_the_default_is_excluded_the_best_of_the_eligible_answers() -> None:
    decision = await route(_engine(NEVER, conditions=Broken("mid", "frontier")), "hi")

    assert (decision.model, decision.strategy) == ("small", "default")


async def test_only_when_all_are_excluded_there_is_an_error_that_names_every_reason() -> None:
    policy = RoutingPolicy(excluded_models=frozenset({"mid"}))
    with pytest.raises(NoEligibleModel) as error:
        await route(_engine(conditions=Broken("local", "small", "frontier")), "hi", policy)

    assert error.value.exclusions == {
        "local": "broken",
        "small": "broken",
        "frontier": "broken",
        "mid": "the policy excludes it",
    }


async def test_conditions_learn_what_is_left_of_the_deadline() -> None:
    conditions = Broken()
    await route(_engine(conditions=conditions), "hi", deadline=1007.0)

    assert conditions.remaining == [7.0] * 4


async def test_a_query_that_needs_more_goes_to_a_model_that_can() -> None:
    query = replace(text_query("hi"), tools=(Tool("t"),))
    decision = await route(_engine("{kind: model, model: small}"), query)

    assert decision.model == "mid"
    assert {c.model: c.exclusion and c.exclusion.reason for c in decision.candidates}[
        "small"
    ] is ExclusionReason.CAPABILITY


async def test_restricted_queries_keep_to_their_models_fallbacks_included() -> None:
    strategy = (
        "{kind: chain, strategies: ["
        "{kind: rules, rules: [{name: private, when: {pattern: '(?i)iban'}, only: [local, small]}]}, "
        + ALWAYS_MID
        + "]}"
    )
    engine = _engine(strategy, ", fallbacks: [frontier, local, small]")
    private, public = await route(engine, "my IBAN"), await route(engine, "hello")

    assert {step.model for step in private.plan} == {"local", "small"}
    excluded = {c.model: c.exclusion for c in private.candidates if c.exclusion}
    assert excluded.keys() == {"mid", "frontier"}
    assert excluded["mid"].reason is ExclusionReason.NOT_ALLOWED
    assert public.model == "mid"


async def test_a_restricted_query_fails_rather_than_leaves_its_models() -> None:
    strategy = "{kind: rules, rules: [{name: private, when: {keywords: [iban]}, only: [local], model: local}]}"
    with pytest.raises(NoEligibleModel) as error:
        await route(_engine(strategy, conditions=Broken("local")), "iban")

    assert "restricts the query to local" in error.value.exclusions["frontier"]


CASCADE = (
    "{kind: cascade, stream_mode: gate, steps: [{model: small, check: {kind: logprob, threshold: 0.8}}, {model: mid}]}"
)


async def test_a_cascade_becomes_the_plan_and_its_checks_are_named_by_their_paths() -> None:
    engine = _engine(CASCADE, ", fallbacks: [frontier, mid]")
    decision = await route(engine, "hi")

    assert [(s.model, s.kind, s.check, s.stream_mode, s.gate_tokens) for s in decision.plan] == [
        ("small", StepKind.PRIMARY, "default/cascade.0", StreamMode.GATE, 16),
        ("mid", StepKind.ESCALATION, "", None, 0),
        ("frontier", StepKind.FALLBACK, "", None, 0),
    ]
    assert list(engine.checks) == ["default/cascade.0"]
    assert decision.strategy == "cascade"


@pytest.mark.parametrize(("own", "policys", "steps"), [(4, None, 3), (2, None, 2), (4, 1, 1), (1, 3, 3)])
async def test_the_plan_has_no_more_steps_than_attempts_are_allowed(own: int, policys: int | None, steps: int) -> None:
    engine = _engine(settings=f", fallbacks: [frontier, small], max_attempts: {own}")

    assert len((await route(engine, "hi", RoutingPolicy(max_attempts=policys))).plan) == steps


async def test_a_callers_floor_lifts_an_outright_choice_but_not_a_cascade() -> None:
    hard = "Prove the Riemann hypothesis"
    policy = RoutingPolicy(quality_floor=0.85)
    outright = await route(_engine("{kind: model, model: small}"), hard, policy)
    cascade = await route(_engine(CASCADE), hard, policy)

    assert outright.model == "frontier"
    assert "misses the caller's floor; frontier" in outright.reason
    assert cascade.model == "small"


async def test_a_callers_floor_leaves_a_choice_that_reaches_it() -> None:
    decision = await route(_engine("{kind: model, model: frontier}"), "2 + 2", RoutingPolicy(quality_floor=0.5))

    assert decision.model == "frontier"


EXPLORING = ", exploration: {share: 0.5, max_cost_nano_usd: 1000000}, models: [local, small, mid, frontier]"


async def _explored(engine: Engine, count: int = 400, policy: RoutingPolicy | None = None) -> list[Decision]:
    return [await route(engine, f"query number {n}", policy) for n in range(count)]


async def test_exploration_takes_its_share_over_the_affordable_others_and_logs_propensities() -> None:
    decisions = await _explored(_engine(settings=EXPLORING))
    explored = [decision for decision in decisions if decision.explored]

    assert 150 < len(explored) < 250
    assert {decision.model for decision in explored} == {"local", "small"}
    assert {decision.propensity for decision in explored} == {0.25}
    assert {(d.model, d.propensity) for d in decisions if not d.explored} == {("mid", 0.5)}
    assert "explores" in explored[0].reason


async def test_the_same_query_is_explored_in_the_same_way() -> None:
    engine = _engine(settings=EXPLORING)

    assert [d.model for d in await _explored(engine, 50)] == [d.model for d in await _explored(engine, 50)]


async def test_exploration_never_goes_below_a_callers_floor_nor_into_a_tool_loop() -> None:
    engine = _engine(settings=EXPLORING)
    floored = await _explored(engine, 50, RoutingPolicy(quality_floor=0.85))
    loops = [
        await route(
            engine, Query((Message(Role.USER, (TextPart(f"q {n}"),)), Message(Role.TOOL, (ToolResult("1", "r"),))))
        )
        for n in range(50)
    ]

    assert not any(decision.explored for decision in floored + loops)
    assert {decision.propensity for decision in loops} == {1.0}


async def test_split_propensity_is_multiplied_by_that_of_not_exploring() -> None:
    split = (
        "{kind: split, arms: [{name: a, weight: 1, strategy: {kind: model, model: mid}}, "
        "{name: b, weight: 1, strategy: {kind: model, model: mid}}]}"
    )
    decisions = await _explored(_engine(split, EXPLORING), 40)

    assert {decision.propensity for decision in decisions if not decision.explored} == {0.25}


async def test_a_referenced_router_decides_with_the_defaults_of_the_asking_one() -> None:
    engine = engine_of(
        "routers: {default: {default_model: small, strategy: {kind: router, router: other}}, "
        "other: {default_model: frontier, strategy: {kind: rules, rules: "
        "[{name: code, when: {code: true}, model: frontier}]}}}"
    )
    code, rest = await route(engine, "write Python code"), await route(engine, "hello")

    assert [step.path for step in code.path] == ["default/router", "other/rules"]
    assert (code.model, code.strategy) == ("frontier", "rules")
    assert (rest.model, rest.strategy) == ("small", "default")


_names = st.sets(st.sampled_from(["local", "small", "mid", "frontier"]))
_policies = st.builds(
    RoutingPolicy,
    quality_floor=st.none() | st.floats(0, 1),
    cost_weight=st.none() | st.floats(0, 3),
    latency_weight=st.none() | st.floats(0, 3),
    max_cost_nano_usd=st.none() | st.integers(0, 10**8),
    max_time_to_first_token_seconds=st.none() | st.floats(0, 2),
    allowed_models=_names.map(frozenset),
    excluded_models=_names.map(frozenset),
    required_capabilities=st.sets(st.sampled_from([Capability.TOOLS, Capability.LOGPROBS])).map(frozenset),
    max_attempts=st.none() | st.integers(1, 5),
)
_RULES = (
    "{kind: chain, strategies: [{kind: rules, rules: [{name: p, when: {keywords: [iban]}, only: [local, small]}, "
    "{name: hard, when: {difficulty: {min: 0.6}}, model: frontier}]}, " + CASCADE + "]}"
)
_ENGINE = engine_of(
    f"routers: {{default: {{default_model: mid, fallbacks: [frontier, small], strategy: {_RULES}{EXPLORING}}}}}"
)


@settings(deadline=None)
@given(_policies, st.sampled_from(["hi", "my iban", "prove P != NP"]) | st.text(max_size=30), st.integers(1, 9000))
async def test_whatever_is_asked_only_eligible_models_are_planned(
    policy: RoutingPolicy, text: str, max_output_tokens: int
) -> None:
    query = text_query(text, GenerationConfig(max_output_tokens=max_output_tokens))
    try:
        decision = await route(_ENGINE, query, policy)
    except NoEligibleModel as error:
        event(f"refused with {len(error.exclusions)} reasons")
        return
    eligible = {candidate.model for candidate in decision.candidates if candidate.exclusion is None}

    assert decision.model == decision.plan[0].model == decision.candidates[0].model
    assert {step.model for step in decision.plan} <= eligible
    assert len(decision.plan) <= (policy.max_attempts or 4)
    assert len({step.model for step in decision.plan}) == len(decision.plan)
    assert not eligible & policy.excluded_models
    assert 0 < decision.propensity <= 1
    assert {candidate.model for candidate in decision.candidates} == {"local", "small", "mid", "frontier"}
    assert "iban" not in text or eligible <= {"local", "small"}
