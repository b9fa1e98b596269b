"""Builds the strategy `llm` from its configuration."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.config.strategies import LlmConfig
from frontdesk_server.domain.tokens import estimate_tokens
from frontdesk_server.routing.nodes.scope import Location, Scope
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.llm import DEFAULT_PROMPT, LlmRouter, ReadingCache
from frontdesk_server.routing.strategies.llm_answers import CONSTRAINTS, MAX_OPTIONS, Constraint

_MILLISECONDS_PER_SECOND = 1000


def build_llm(
    config: LlmConfig, path: str, location: Location, scope: Scope, then: Mapping[str, Strategy]
) -> LlmRouter:
    """Build it, and note what contradicts itself."""
    constraint = CONSTRAINTS[config.constraint]
    scope.check_pooled(config.model, (*location, "model"))
    if constraint.capability is not None:
        scope.check_capability(config.model, constraint.capability, (*location, "constraint"))
    for name in config.options:
        scope.check_candidate(name, (*location, "options", name))
    options = config.options or {name: model.description for name, model in scope.models.items()}
    if len(options) > MAX_OPTIONS:
        scope.fault((*location, "options"), f"a router LLM chooses among at most {MAX_OPTIONS} models")
    scope.check_template(config.prompt, ("{options}", "{query}"), (*location, "prompt"), known=("{fence}",))
    prompt = config.prompt or DEFAULT_PROMPT
    _check_room(config, prompt, constraint, options, location, scope)
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


def _check_room(
    config: LlmConfig, prompt: str, constraint: Constraint, options: Mapping[str, str], location: Location, scope: Scope
) -> None:
    """Note a fault where the router LLM cannot take the longest prompt, or not name the longest option."""
    router_llm = scope.pool.get(config.model)
    if router_llm is None or not options:
        return
    output_tokens = max(estimate_tokens(constraint.answer(option)) for option in options)
    most = router_llm.max_output_tokens
    if most is not None and most < output_tokens:
        message = f"{config.model} writes at most {most} tokens, of about {output_tokens} that name an option"
        scope.fault((*location, "model"), message)
    texts = (prompt, constraint.instruction(list(options)), *options, *options.values())
    needed = sum(map(estimate_tokens, texts)) + config.max_query_tokens + output_tokens
    if needed > router_llm.context_window:
        window = f"the context window of {config.model} holds {router_llm.context_window}"
        message = f"prompt, options, query and answer come to about {needed} tokens; {window}"
        scope.fault((*location, "max_query_tokens"), message)
