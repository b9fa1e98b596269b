"""Builds the strategy `llm` from its configuration."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.config.strategies import LlmConfig
from frontdesk_server.routing.nodes.scope import Location, Scope
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.llm import DEFAULT_PROMPT, LlmRouter, ReadingCache
from frontdesk_server.routing.strategies.llm_answers import CONSTRAINTS, MAX_OPTIONS

_MILLISECONDS_PER_SECOND = 1000


def build_llm(
    config: LlmConfig, path: str, location: Location, scope: Scope, then: Mapping[str, Strategy]
) -> LlmRouter:
    """Build it, and note what contradicts itself."""
    constraint = CONSTRAINTS[config.constraint]
    scope.check_pooled(config.model, (*location, "model"))
    router_llm = scope.pool.get(config.model)
    needed = constraint.capability
    if router_llm is not None and needed is not None and needed not in router_llm.capabilities:
        scope.fault((*location, "constraint"), f"{config.model} lacks the capability {needed.value}")
    for name in config.options:
        scope.check_candidate(name, (*location, "options", name))
    options = config.options or {name: model.description for name, model in scope.models.items()}
    if len(options) > MAX_OPTIONS:
        scope.fault((*location, "options"), f"a router LLM chooses among at most {MAX_OPTIONS} models")
    prompt = config.prompt or DEFAULT_PROMPT
    for placeholder in ("{options}", "{query}"):
        if placeholder not in prompt:
            scope.fault((*location, "prompt"), f"the template lacks {placeholder}")
    return LlmRouter(
        path=path,
        model=config.model,
        options=options,
        prompt=prompt,
        constraint=constraint,
        timeout_seconds=config.timeout_ms / _MILLISECONDS_PER_SECOND,
        max_query_tokens=config.max_query_tokens,
        cache=ReadingCache(config.cache_size, config.cache_seconds, scope.tools.clock),
        ask=scope.tools.ask,
        then=then,
    )
