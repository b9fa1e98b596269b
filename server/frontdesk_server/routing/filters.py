"""Hard filters: which models may answer a query at all. They come before scoring and before every fallback."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.decision import Exclusion, ExclusionReason
from frontdesk_server.domain.fitting import CONFIGURED, Fitting, Profiles
from frontdesk_server.domain.model import Capability, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Query,
    ToolCall,
    ToolResult,
)
from frontdesk_server.domain.value import value
from frontdesk_server.routing.selection import Outlook

_TOOL_TRAFFIC = (ToolCall, ToolResult)
_MEDIA = {"image": Capability.IMAGE_INPUT, "audio": Capability.AUDIO_INPUT}


@value
class Demands:
    """What a query and its policy demand of any model; `fitting` is what the query demands of its deployments."""

    input_tokens: int
    max_output_tokens: int | None
    capabilities: frozenset[Capability]
    policy: RoutingPolicy
    caller: Caller
    fitting: Fitting

    def exclusion(self, model: Model, outlook: Outlook) -> Exclusion | None:
        """Why the model may not answer; None when it may. An unknown price is above every cost cap."""
        return (
            self._by_permission(model.name)
            or self._by_size(model)
            or self._by_capability(model)
            or self.fitting.exclusion(model)
            or self._by_cap(outlook)
        )

    def _by_permission(self, name: str) -> Exclusion | None:
        if name in self.policy.excluded_models:
            return Exclusion(ExclusionReason.EXCLUDED, "the policy excludes it")
        if self.policy.allowed_models and name not in self.policy.allowed_models:
            return Exclusion(ExclusionReason.NOT_ALLOWED, "the policy does not allow it")
        if not self.caller.may_use_model(name):
            return Exclusion(ExclusionReason.NOT_ALLOWED, f"{self.caller.name} may not use it")
        return None

    def _by_size(self, model: Model) -> Exclusion | None:
        output = self.max_output_tokens or 1
        if model.max_output_tokens is not None and output > model.max_output_tokens:
            detail = f"it answers with at most {model.max_output_tokens} tokens, {output} are asked for"
            return Exclusion(ExclusionReason.CONTEXT_WINDOW, detail)
        if self.input_tokens + output > model.context_window:
            needed = f"about {self.input_tokens} input and {output} output tokens"
            detail = f"{needed} do not fit its window of {model.context_window}"
            return Exclusion(ExclusionReason.CONTEXT_WINDOW, detail)
        return None

    def _by_capability(self, model: Model) -> Exclusion | None:
        missing = self.capabilities - model.capabilities
        if not missing:
            return None
        names = ", ".join(sorted(capability.value for capability in missing))
        return Exclusion(ExclusionReason.CAPABILITY, f"it lacks {names}")

    def _by_cap(self, outlook: Outlook) -> Exclusion | None:
        max_cost = self.policy.max_cost_nano_usd
        if max_cost is not None:
            cost = outlook.cost_nano_usd
            if cost is None:
                return Exclusion(ExclusionReason.MAX_COST, "its price is unknown and cost is capped")
            if cost > max_cost:
                return Exclusion(ExclusionReason.MAX_COST, f"about {cost} nano-USD, above the cap of {max_cost}")
        longest, expected = self.policy.max_time_to_first_token_seconds, outlook.time_to_first_token_seconds
        if longest is not None and expected is not None and expected > longest:
            detail = f"first token after about {expected:.3g} s, above the cap of {longest:g} s"
            return Exclusion(ExclusionReason.MAX_TIME_TO_FIRST_TOKEN, detail)
        return None


def demands_of(
    query: Query, policy: RoutingPolicy, caller: Caller, input_tokens: int, profiles: Profiles = CONFIGURED
) -> Demands:
    """What the query demands of models; `input_tokens` are its estimated length, `profiles` tell what models take."""
    return Demands(
        input_tokens,
        query.generation.max_output_tokens,
        needed_capabilities(query, policy),
        policy,
        caller,
        Fitting.of(query, input_tokens, profiles),
    )


def needed_capabilities(query: Query, policy: RoutingPolicy) -> frozenset[Capability]:
    """What a model must be able to do, so that no part or parameter of the query is dropped silently."""
    needed = set(policy.required_capabilities)
    if query.tools or _holds_tool_traffic(query):
        needed.add(Capability.TOOLS)
    for media in query.media():
        kind = media.mime_type.partition("/")[0].lower()
        needed.add(_MEDIA.get(kind, Capability.DOCUMENT_INPUT))
    if any(result.parts and any(result.media()) for result in _tool_results(query)):
        needed.add(Capability.TOOL_RESULT_MEDIA)
    if query.is_prefilled:
        needed.add(Capability.PREFILL)
    needed |= _needed_by(query.generation)
    return frozenset(needed)


def _needed_by(generation: GenerationConfig) -> set[Capability]:
    needed = set()
    match generation.response_format:
        case JsonObjectFormat():
            needed.add(Capability.JSON_OBJECT)
        case JsonSchemaFormat():
            needed.add(Capability.JSON_SCHEMA)
    if generation.logprobs or generation.top_logprobs:
        needed.add(Capability.LOGPROBS)
    if generation.seed is not None:
        needed.add(Capability.SEED)
    if generation.frequency_penalty is not None or generation.presence_penalty is not None:
        needed.add(Capability.PENALTIES)
    if generation.demands_reasoning:
        needed.add(Capability.REASONING)
    if generation.top_k is not None:
        needed.add(Capability.TOP_K)
    return needed


def _holds_tool_traffic(query: Query) -> bool:
    return any(isinstance(part, _TOOL_TRAFFIC) for message in query.messages for part in message.parts)


def _tool_results(query: Query) -> Iterator[ToolResult]:
    return (part for message in query.messages for part in message.parts if isinstance(part, ToolResult))
