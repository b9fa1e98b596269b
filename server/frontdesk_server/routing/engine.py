"""The engine: signals, hard filters, the router's tree, selection; out comes an explained decision with its plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError
from frontdesk_server.artefacts.quality.drift import DriftMonitor
from frontdesk_server.artefacts.wording import default_wording
from frontdesk_server.config.checks import CheckConfig
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.routers import RouterConfig
from frontdesk_server.domain.affinity import NO_AFFINITY, Affinity
from frontdesk_server.domain.asking import Ask
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.conditions import Conditions
from frontdesk_server.domain.decision import Candidate, Decision, ExclusionReason, PlanStep, StepKind
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import (
    ConfigError,
    ModelsUnavailable,
    NoEligibleModel,
    PermissionDenied,
    UnknownModel,
    UnknownRouter,
    UpstreamError,
)
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.domain.model import Model, Pool
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.remembered import Remembered
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.usage import sum_known
from frontdesk_server.routing.affinity import AFFINITY_STRATEGY, consult_affinity
from frontdesk_server.routing.budget import routing_budget_ms
from frontdesk_server.routing.choice import Choice, choose, explore
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.cutoff import Cutoff
from frontdesk_server.routing.scope import StrategyTools
from frontdesk_server.routing.selection import Prediction, Preferences, prior_quality, rank
from frontdesk_server.routing.signals import compute_signals
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, consult
from frontdesk_server.routing.survey import Survey, survey
from frontdesk_server.routing.tree import build_trees

log = structlog.get_logger()

_MILLISECONDS_PER_SECOND = 1000
_SHOWN_CUES = 3


@dataclass(frozen=True, slots=True)
class Router:
    """A configured router, ready to work.

    `strongest` is the model that savings are computed against, `budget_ms` how long routing may take.
    """

    name: str
    config: RouterConfig
    strategy: Strategy
    models: tuple[Model, ...]
    preferences: Preferences
    strongest: str
    budget_ms: float


class Engine:
    """Decides for one configuration. Immutable; a new configuration gets a new engine."""

    def __init__(
        self,
        loaded: LoadedConfig,
        pool: Pool,
        conditions: Conditions,
        ask: Ask,
        clock: Clock,
        embedder: AsyncEmbedder,
        affinity: Affinity = NO_AFFINITY,
        drift: DriftMonitor | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        """Build every router's tree. Await `prepare` before the first query.

        Raises:
            ConfigError: the trees contradict themselves or the pool; lists every fault with its place.
        """
        default_cues(), default_wording()  # read and compiled now, so that no query waits for it
        tools = StrategyTools(ask, clock, embedder, loaded.folder, drift, remembered)
        trees, faults = build_trees(loaded.config, pool, tools)
        if faults:
            raise ConfigError(loaded.source, [loaded.fault(fault.location, fault.message) for fault in faults])
        self.checks: Mapping[str, CheckConfig] = trees.checks
        self.fitted: Mapping[str, FittedCascade] = trees.fitted
        self._named_checks = trees.checks.keys() | trees.fitted.keys()
        self._routers = {
            name: _router(name, config, trees.strategies[name], pool, routing_budget_ms(config, loaded.config.routers))
            for name, config in loaded.config.routers.items()
        }
        self._preparations = trees.preparations
        self._pool = pool
        self._version = loaded.version
        self._conditions = conditions
        self._clock = clock
        self._affinity = affinity
        self._overdue: set[str] = set()

    async def prepare(self) -> None:
        """Do what takes long before queries come. What fails here is tried again by the queries that need it."""
        for prepare in self._preparations:
            try:
                await prepare()
            except (EmbedderError, UpstreamError) as error:
                log.warning("routing.unprepared", error=str(error))
            except (Exception, SystemExit, KeyboardInterrupt) as error:  # a strategy of others may prepare, too
                report_defect("preparation", error)

    def router_models(self, router: str, caller: Caller = ANONYMOUS) -> Collection[str]:
        """Names of a router's models. Raises `PermissionDenied` or `UnknownRouter`."""
        return [model.name for model in self.router(router, caller).models]

    async def route(
        self,
        query: Query,
        policy: RoutingPolicy,
        *,
        caller: Caller,
        deadline: float | None,
        observation: AttemptParent,
    ) -> Decision:
        """Decide for one query. `deadline` is an instant of the clock's monotonic time.

        Router LLMs hang their spans on the observation; whoever started it ends it.

        Raises:
            UnknownRouter: no router has the policy's name.
            UnknownModel: the policy allows or excludes a model that the pool does not have.
            PermissionDenied: the caller may not use the router.
            NoEligibleModel: every model is excluded; the error names each one's reason.
            ModelsUnavailable: likewise, but an open circuit breaker excludes one of them, which passes by itself.
        """
        started = self._clock.monotonic()
        router = self._checked(policy, caller)
        signals = compute_signals(query)
        remaining = None if deadline is None else deadline - started
        field = survey(router.models, query, policy, signals, caller, self._conditions, remaining, self._clock.now())
        _demand_eligible(field)
        ends_at = self._routing_deadline(router, started, deadline)
        context = RoutingContext(
            query=query,
            signals=signals,
            policy=policy,
            eligible=field.eligible,
            outlooks=field.outlooks,
            preferences=router.preferences.resolved(policy),
            deadline=ends_at,
            observation=observation,
            clock=self._clock,
            checks=self._named_checks,
            cutoff=(cutoff := Cutoff(ends_at, self._clock, self._overdue)),
        )
        ranking = await cutoff.watch(consult(router.strategy, context))
        if ranking.restricted_to is not None:
            field, context = field.within(ranking.restricted_to), context.within(ranking.restricted_to)
            _demand_eligible(field)
        predictions = _predictions(ranking, context)
        choice = choose(ranking, context, router.config.default_model, predictions)
        choice, step = await consult_affinity(
            self._affinity,
            choice,
            context,
            caller=caller.name,
            router=router.name,
            switch_cost=router.config.switch_cost,
        )
        if step is not None:
            ranking = ranking._replace(steps_taken=(*ranking.steps_taken, step))
        if choice.strategy != AFFINITY_STRATEGY:
            choice = explore(choice, context, router.config.exploration, router.name)
        return self._decision(router, started, choice, ranking, field, context)

    def router(self, name: str, caller: Caller = ANONYMOUS) -> Router:
        """A router by its name. Raises `PermissionDenied` or `UnknownRouter`."""
        if not caller.may_use_router(name):
            raise PermissionDenied(f"{caller.name} may not use router {name!r}")
        router = self._routers.get(name)
        if router is None:
            raise UnknownRouter(name, list(filter(caller.may_use_router, self._routers)))
        return router

    def _checked(self, policy: RoutingPolicy, caller: Caller) -> Router:
        """The policy's router. What a refusal lists, the caller may use."""
        router = self.router(policy.router, caller)
        for field, names in (("allowed_models", policy.allowed_models), ("excluded_models", policy.excluded_models)):
            for name in sorted(names):
                if name not in self._pool:
                    raise UnknownModel(f"policy.{field}", name, list(filter(caller.may_use_model, self._pool)))
        return router

    def _routing_deadline(self, router: Router, started: float, deadline: float | None) -> float:
        own = started + router.budget_ms / _MILLISECONDS_PER_SECOND
        return own if deadline is None else min(own, deadline)

    def _decision(
        self,
        router: Router,
        started: float,
        choice: Choice,
        ranking: Ranking,
        field: Survey,
        context: RoutingContext,
    ) -> Decision:
        return Decision(
            decision_id=new_decision_id(),
            model=choice.model,
            reason=f"{choice.reason}; {_described(context.signals)}",
            strategy=choice.strategy,
            path=ranking.steps_taken,
            candidates=_candidates(choice, ranking, field, context),
            plan=_plan(choice, router, context),
            signals=context.signals,
            router=router.name,
            router_version=self._version,
            strongest_model=router.strongest,
            decided_at=self._clock.now(),
            router_duration_seconds=self._clock.monotonic() - started,
            router_cost_nano_usd=sum_known(step.cost_nano_usd for step in ranking.steps_taken),
            propensity=choice.propensity,
            explored=choice.explored,
        )


def _router(name: str, config: RouterConfig, strategy: Strategy, pool: Pool, budget_ms: float) -> Router:
    models = tuple(pool[model] for model in config.models or pool)
    preferences = Preferences(config.quality_floor, config.cost_weight, config.latency_weight)
    return Router(name, config, strategy, models, preferences, _strongest(models), budget_ms)


def _strongest(models: Sequence[Model]) -> str:
    """The model of the highest prior quality; among equals, and without priors, the dearest; then by name."""

    def strength(model: Model) -> tuple[float, int, str]:
        price = -1 if model.prices is None else model.prices.output_nano_usd_per_million
        return (-1.0 if model.quality is None else model.quality, price, model.name)

    return max(models, key=strength).name


def _demand_eligible(field: Survey) -> None:
    if field.eligible:
        return
    exclusions = field.exclusions.values()
    reasons = {name: exclusion.detail for name, exclusion in field.exclusions.items()}
    over_limit = frozenset(name for name, e in field.exclusions.items() if e.reason is ExclusionReason.BUDGET)
    passing = [e.retry_after_seconds for e in exclusions if e.retry_after_seconds is not None]
    if passing and not over_limit:
        raise ModelsUnavailable(reasons, min(passing))
    raise NoEligibleModel(reasons, over_limit)


def _predictions(ranking: Ranking, context: RoutingContext) -> dict[str, Prediction]:
    """Of the eligible models: what the strategies predict, else what the priors say."""
    predictions = {}
    for name, model in context.eligible.items():
        if name in ranking.predictions:
            predictions[name] = ranking.predictions[name]
        elif model.quality is not None:
            predictions[name] = Prediction(prior_quality(model.quality, context.signals.difficulty))
    return predictions


def _plan(choice: Choice, router: Router, context: RoutingContext) -> tuple[PlanStep, ...]:
    """The chosen steps, then those of the router's fallbacks that may answer and are not among them.

    Where a cascade is longer than attempts are allowed, models before its last one are left out.
    """
    most = context.policy.max_attempts or router.config.max_attempts
    steps = choice.steps
    if 1 < most < len(steps):
        steps = (*steps[: most - 1], steps[-1])
    taken = {step.model for step in steps}
    fallbacks = (
        PlanStep(name, StepKind.FALLBACK)
        for name in router.config.fallbacks
        if name in context.eligible and name not in taken
    )
    return (*steps, *fallbacks)[:most]


def _candidates(choice: Choice, ranking: Ranking, field: Survey, context: RoutingContext) -> tuple[Candidate, ...]:
    """The choice, then the others best first, then models of unknown quality, then the excluded ones."""
    scores: dict[str, float] = {}
    if choice.predictions:
        ranked = rank(choice.predictions, context.outlooks, context.preferences)
        scores = {scored.model: scored.utility for scored in ranked}
    order = dict.fromkeys((choice.model, *scores, *sorted(field.eligible), *sorted(field.exclusions)))
    scores |= ranking.scores
    candidates = []
    for name in order:
        prediction, outlook = choice.predictions.get(name), field.outlooks[name]
        candidates.append(
            Candidate(
                model=name,
                predicted_quality=prediction.quality if prediction else None,
                quality_uncertainty=prediction.uncertainty if prediction else None,
                predicted_cost_nano_usd=outlook.cost_nano_usd,
                predicted_time_to_first_token_seconds=outlook.time_to_first_token_seconds,
                score=scores.get(name),
                exclusion=field.exclusions.get(name),
            )
        )
    return tuple(candidates)


def _described(signals: Signals) -> str:
    """Task, difficulty and what it came of: the weightiest cues, and what cues and wording say by themselves."""
    *cues, last = signals.difficulty_cues or ("",)
    reasons = ", ".join(filter(None, (*cues[: _SHOWN_CUES - 1], last)))
    return f"task {signals.task.value}, difficulty {signals.difficulty:.2f}" + (f" ({reasons})" if reasons else "")
