"""Strategies: the nodes of a router's tree."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frontdesk_server.config.base import Count, Fraction, Milliseconds, Section, Weight, refuse_disorder
from frontdesk_server.config.checks import CheckConfig
from frontdesk_server.domain.decision import StreamMode
from frontdesk_server.domain.signals import Task


class Range(Section):
    """Bounds, both inclusive; a missing one is open."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _holds_for_something(self) -> Range:
        refuse_disorder(self, "min", "max")
        return self


class FractionRange(Range):
    """Bounds within [0, 1]."""

    min: Fraction | None = None
    max: Fraction | None = None


class Condition(Section):
    """All that is given must hold; lists hold when one of their entries does."""

    keywords: tuple[str, ...] = ()
    """Words or phrases in the text of the last user message, whole words in any script, whatever their case."""
    pattern: str | None = None
    """RE2 regular expression found in the text of the last user message."""
    anywhere: bool = False
    """True looks for keywords and pattern in the whole conversation."""
    task: tuple[Task, ...] = ()
    """What the query is about."""
    difficulty: FractionRange | None = None
    """Estimated difficulty in [0, 1]."""
    input_tokens: Range | None = None
    """Estimated tokens of the whole query."""
    turns: Range | None = None
    """Messages of the user so far."""
    language: tuple[str, ...] = ()
    """ISO 639-1 codes."""
    code: bool | None = None
    """Whether program code is held or asked for."""
    math: bool | None = None
    """Whether mathematics is held or asked for."""
    tools: bool | None = None
    """Whether tools are offered."""
    media: bool | None = None
    """Whether a media part is present."""
    all: tuple[Condition, ...] = ()
    """Conditions that must all hold."""
    any: tuple[Condition, ...] = ()
    """Conditions of which one must hold."""
    none: tuple[Condition, ...] = ()
    """Conditions of which none may hold."""

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set - {"anywhere"}:
            raise ValueError("an empty condition holds always; leave out `when` instead")
        return self


class Rule(Section):
    """When the condition holds, its strategy or model decides."""

    name: str
    """Shown in decisions."""
    when: Condition | None = None
    """Default: always."""
    model: str | None = None
    """The model that is chosen."""
    then: StrategyConfig | None = None
    """The strategy that is asked."""
    only: frozenset[str] = frozenset()
    """Restricts the query to these models, fallbacks included. Alone, the next rule goes on within them."""

    @model_validator(mode="after")
    def _decides(self) -> Rule:
        if self.model is not None and self.then is not None:
            raise ValueError("give a model or a strategy, not both")
        if self.model is None and self.then is None and not self.only:
            raise ValueError("give one of model, then, only")
        return self


class RulesConfig(Section):
    """Ordered rules; the first that holds decides, none abstains."""

    kind: Literal["rules"]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


class ChoosingConfig(Section):
    """What strategies that choose a model share."""

    then: dict[str, StrategyConfig] = {}
    """Strategy that takes over when this model was chosen, such as a cascade that starts with it."""


class ClassifierConfig(ChoosingConfig):
    """Per-model predicted quality by a trained artefact."""

    kind: Literal["classifier"]
    artefact: str = "default"
    """Folder made by `frontdesk train`, or the one that ships. Relative paths start at the configuration."""
    models: dict[str, str] = {}
    """Pool model to the artefact's model of the same kind, where names differ."""
    quality_floor: Fraction | None = None
    """Cheapest model that reaches it is chosen. Default: the router's."""
    max_uncertainty: Fraction | None = None
    """Abstains when the chosen model's standard deviation is above it. Default: never."""


class EmbeddingConfig(ChoosingConfig):
    """Nearest reference utterances decide."""

    kind: Literal["embedding"]
    references: dict[str, tuple[str, ...]] = {}
    """Utterances per label."""
    references_file: str | None = None
    """JSON Lines of {"label", "text"}; read again when it changes. Relative paths start at the configuration."""
    routes: dict[str, str] = {}
    """Label to model. Default: a label is a model's name."""
    scoring: Literal["nearest", "top_k_mean", "centroid"] = "top_k_mean"
    """How utterances of one label are summed up."""
    k: Count = 3
    """Utterances of the mean."""
    threshold: Annotated[float, Field(ge=-1, le=1)] = 0.3
    """Least similarity; below it the query is out of scope."""
    thresholds: dict[str, Annotated[float, Field(ge=-1, le=1)]] = {}
    """Per label, as `frontdesk fit-thresholds` writes them."""

    @model_validator(mode="after")
    def _refers(self) -> EmbeddingConfig:
        if not self.references and self.references_file is None:
            raise ValueError("give references or a references_file")
        return self


class LlmConfig(ChoosingConfig):
    """A model of the pool reads the query and answers with one option."""

    kind: Literal["llm"]
    model: str
    """The router LLM."""
    options: dict[str, str] = {}
    """Model to description. Default: every model of the router with its own description."""
    prompt: str | None = None
    """Template with {options}, {query} and around it {fence}, a line it cannot hold. Default: the one that ships."""
    constraint: Literal["json_schema", "logprobs", "none"] = "json_schema"
    """How the upstream is held to one option."""
    timeout_ms: Milliseconds = 200.0
    """Time budget. Where it is given, it cannot be longer than the router's `strategy_timeout_ms`."""
    max_query_tokens: Count = 512
    """Conversation is trimmed to this, the newest kept."""
    cache_size: Annotated[int, Field(ge=0)] = 1024
    """Answers remembered."""
    cache_seconds: Annotated[float, Field(ge=0)] = 300.0
    """How long."""


class CascadeStep(Section):
    """A model and the check its answer must pass."""

    model: str
    check: CheckConfig | None = None
    """Default: none, the answer is accepted. Only the last step may have none."""


class CascadeConfig(Section):
    """Cheapest first; each answer must pass its check, or a fitted cascade decides which answer is given."""

    kind: Literal["cascade"]
    steps: tuple[CascadeStep, ...] = ()
    """Models and checks, written by hand. Either these or an artefact."""
    artefact: str | None = None
    """Folder made by `frontdesk cascade-fit`. Relative paths start at the configuration."""
    stream_mode: StreamMode = StreamMode.HOLD
    """When answers reach the caller. A fitted cascade holds them."""
    gate_tokens: Count = 16
    """First tokens that `gate` checks."""

    @model_validator(mode="after")
    def _checked(self) -> CascadeConfig:
        if bool(self.steps) == (self.artefact is not None):
            raise ValueError("give either steps or an artefact")
        if self.artefact is not None and self.stream_mode is not StreamMode.HOLD:
            raise ValueError(
                f"stream_mode {self.stream_mode.value} cannot go with an artefact: "
                "an earlier answer may turn out to be the best, so all are held"
            )
        for step in self.steps[:-1]:
            if step.check is None:
                raise ValueError(f"step {step.model} needs a check, or no later step is ever asked")
        return self


class ChainConfig(Section):
    """The first strategy that is sure decides."""

    kind: Literal["chain"]
    strategies: Annotated[tuple[StrategyConfig, ...], Field(min_length=1)]


class SplitArm(Section):
    """One arm of a split."""

    name: str
    weight: Annotated[float, Field(gt=0)]
    strategy: StrategyConfig


class SplitConfig(Section):
    """Weighted arms by stable hash, for A/B tests."""

    kind: Literal["split"]
    arms: Annotated[tuple[SplitArm, ...], Field(min_length=2)]
    salt: str = ""
    """Changes who falls into which arm."""


class RouterReference(Section):
    """Another router's tree."""

    kind: Literal["router"]
    router: str


class ModelStrategy(Section):
    """Always this model."""

    kind: Literal["model"]
    model: str


StrategyConfig = Annotated[
    RulesConfig
    | ClassifierConfig
    | EmbeddingConfig
    | LlmConfig
    | CascadeConfig
    | ChainConfig
    | SplitConfig
    | RouterReference
    | ModelStrategy,
    Field(discriminator="kind"),
]

_RECURSIVE: tuple[type[Section], ...] = (
    Rule,
    RulesConfig,
    ClassifierConfig,
    EmbeddingConfig,
    LlmConfig,
    CascadeStep,
    CascadeConfig,
    ChainConfig,
    SplitArm,
    SplitConfig,
)
for _section in _RECURSIVE:
    _section.model_rebuild()


class ExplorationConfig(Section):
    """A share of traffic goes to another model, so that the loop can learn."""

    share: Fraction = 0.0
    """Share of queries."""
    max_cost_nano_usd: Annotated[int, Field(ge=0)] | None = None
    """No exploration above this predicted cost. Default: no cap."""


class HedgeConfig(Section):
    """Another model is asked beside one that is slow to begin; the first to show content answers."""

    after_ms: Milliseconds | Literal["p95"] = "p95"
    """How long a stream may show nothing; `p95` is what 19 of 20 of the model's latest streams kept."""
    max_cost_nano_usd: Annotated[int, Field(ge=0)]
    """Most that the second answer may cost; models of unknown price are not asked."""


class RouterConfig(Section):
    """A named tree of strategies and its defaults."""

    strategy: StrategyConfig
    default_model: str
    """Answers when every strategy abstains or fails."""
    models: tuple[str, ...] = ()
    """The candidates. Default: the whole pool."""
    fallbacks: tuple[str, ...] = ()
    """Asked in this order when a step fails."""
    quality_floor: Fraction | None = None
    """Cheapest model that reaches it is chosen. Default: best utility."""
    cost_weight: Weight = 0.0
    """Quality per 0.01 USD."""
    latency_weight: Weight = 0.0
    """Quality per second to the first token."""
    max_attempts: Count = 4
    """First choice, escalations and fallbacks."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
    """Deadline of calls that bring none."""
    strategy_timeout_ms: Milliseconds | None = None
    """Time budget of routing in all. Default: 250, and what router LLMs are given by a `timeout_ms` of their own."""
    exploration: ExplorationConfig = ExplorationConfig()
    hedge: HedgeConfig | None = None
    """Default: one model is asked at a time."""
    switch_cost: Weight | None = None
    """Least gain for which a conversation leaves its model: utility, or with a floor alone the share of cost saved.
    Default: what the tokens cost that the old model's provider has cached and the new one's has not."""
    prompt_caching: Literal["auto", "off"] = "off"
    """auto: providers that cache where they are told to keep tools, instructions and conversations, unless the caller
    says something of caching. Some charge more for writing to a cache, which pays only if calls go on alike."""
