"""What a caller set that a model cannot honour, in words.

Routing excludes a model for it before anything is sent; the API's client refuses it in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from operator import attrgetter

from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.profile import MIN_THINKING_TOKENS, Profile, Range, Takes, Thinking
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    ImageDetail,
    JsonObjectFormat,
    JsonSchemaFormat,
    Message,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolChoiceMode,
)
from frontdesk_server.domain.settings import settings_of

_DETAILS = (ImageDetail.LOW, ImageDetail.HIGH)


def objection(profile: Profile, query: Query) -> str | None:
    """What the caller set that the model cannot honour; None when there is nothing."""
    rests = rests_in_its_loop(profile, query)
    objections = [] if rests else [*_of_reasoning(profile, query)]
    objections += [*_of_settings(profile, query, rests=rests), *_of_content(profile, query)]
    if profile.refused:
        refused = sorted(" with ".join(sorted(one)) for one in refused_settings(profile, query))
        objections += [_refused(one, reasons=False) for one in refused]
    return "; ".join(dict.fromkeys(objections)) or None


def refused_settings(profile: Profile, query: Query) -> list[frozenset[str]]:
    """What the query sets, alone or together, that the model's API has refused."""
    said = settings_of(query)
    return [refused for refused in profile.refused if refused <= said]


def room_objection(limit: int, budget_tokens: int = MIN_THINKING_TOKENS) -> str | None:
    """Why a model cannot reason so much within an answer of so many tokens; None when it can."""
    if limit > budget_tokens:
        return None
    return f"reasoning needs more than {budget_tokens} output tokens, {limit} are left to it"


def can_rest(profile: Profile) -> bool:
    """Whether the model can be told not to reason."""
    return ReasoningEffort.NONE in profile.efforts and profile.thinking is not Thinking.NONE


def _of_reasoning(profile: Profile, query: Query) -> Iterator[str]:
    effort, budget = query.generation.reasoning_effort, query.generation.reasoning_budget_tokens
    if budget is not None:
        if not profile.budgets:
            yield "reasoning has efforts, but no budget in tokens"
        elif budget < profile.least_budget:
            yield f"reasoning has at least {profile.least_budget} tokens, not {budget}"
    elif effort is ReasoningEffort.NONE:
        if profile.reasons_unasked and not can_rest(profile):
            yield "it cannot be kept from reasoning"
    elif effort is not None:
        if profile.thinking is Thinking.NONE:
            yield "its reasoning has no efforts"
        elif effort not in profile.efforts:
            known = ", ".join(e.value for e in ReasoningEffort if e in profile.efforts) or "none"
            yield f"reasoning has the efforts {known}, not {effort.value}"


def _of_settings(profile: Profile, query: Query, *, rests: bool) -> Iterator[str]:
    generation = query.generation
    own = profile.at_rest
    takes = own if rests or rests_for_tools(profile, query) else profile.takes(generation)
    reasons = takes is not own
    yield from _of_sampling(generation, takes, own, reasons=reasons)
    if generation.logprobs and not takes.logprobs:
        yield _refused("logprobs", reasons=reasons and own.logprobs)
    if generation.seed is not None and not takes.seed:
        yield _refused("seed", reasons=reasons and own.seed)
    if (generation.frequency_penalty or generation.presence_penalty) and not takes.penalties:
        yield _refused("penalties", reasons=reasons and own.penalties)
    limit = generation.max_output_tokens
    if generation.reasoning_effort in profile.unbounded_efforts:
        bounds = {"limit of the answer": limit, "temperature": generation.temperature, "top_p": generation.top_p}
        yield from (_refused(name, reasons=True) for name, value in bounds.items() if value is not None)
    if limit is not None and limit < profile.least_output_tokens:
        yield f"an answer is limited to {profile.least_output_tokens} tokens at least, not to {limit}"
    stops = len(generation.stop_sequences)
    if stops > takes.stop_sequences:
        yield f"at most {takes.stop_sequences} stop sequences are allowed, not {stops}"
    if stops and not takes.blank_stop_sequences and any(not text.strip() for text in generation.stop_sequences):
        yield "a stop sequence may not be blank"
    if query.tools and not takes.tools:
        yield _refused("tools", reasons=reasons and own.tools)
    elif demands_tool(query) and not takes.demanded_tool:
        yield _refused("demanded tool", reasons=reasons and own.demanded_tool)
    if generation.parallel_tool_calls is False and not profile.parallel_tool_calls:
        yield "it cannot be asked for one tool call at a time"
    if query.tools and not profile.forbidden_tools and _forbids_tools_it_speaks_of(query):
        yield "no tool can be forbidden in a conversation that speaks of tools"
    if query.is_prefilled:
        if not takes.prefill:
            yield _refused("answer that continues another", reasons=reasons and own.prefill)
        elif not takes.prefill_ending_blank and query.messages[-1].text[-1:].isspace():
            yield "what the answer continues may not end in white space"


def _of_sampling(generation: GenerationConfig, takes: Takes, own: Takes, *, reasons: bool) -> Iterator[str]:
    temperature, top_p = generation.temperature, generation.top_p
    if temperature is not None:
        yield from _out_of_range("temperature", temperature, takes.temperature, own.temperature, reasons=reasons)
    if top_p is not None:
        yield from _out_of_range("top_p", top_p, takes.top_p, own.top_p, reasons=reasons)
        if temperature is not None and not takes.temperature_with_top_p:
            yield "temperature and top_p may not both be set"
    if generation.top_k is not None and not takes.top_k:
        yield _refused("top_k", reasons=reasons and own.top_k)


def _out_of_range(name: str, value: float, taken: Range | None, own: Range | None, *, reasons: bool) -> Iterator[str]:
    if taken is not None and value in taken:
        return
    by_reasoning = reasons and own is not None and value in own
    if taken is None:
        yield _refused(name, reasons=by_reasoning)
    elif by_reasoning and taken.is_fixed:
        yield f"reasoning allows no {name} but {taken.least:g}, not {value:g}"
    elif by_reasoning:
        yield f"reasoning allows no {name} {_beyond(value, taken)}, {value:g} is set"
    elif taken.is_fixed:
        yield f"it allows no {name} but {taken.least:g}, not {value:g}"
    elif value > taken.most:
        yield f"the {name} is at most {taken.most:g}, not {value:g}"
    else:
        yield f"the {name} is at least {taken.least:g}, not {value:g}"


def _beyond(value: float, taken: Range) -> str:
    return f"above {taken.most:g}" if value > taken.most else f"below {taken.least:g}"


def _refused(what: str, *, reasons: bool) -> str:
    return f"reasoning allows no {what}" if reasons else f"it takes no {what}"


def _of_content(profile: Profile, query: Query) -> Iterator[str]:
    match query.generation.response_format:
        case JsonObjectFormat() if not profile.json_object:
            yield "it takes no JSON without a schema"
        case JsonSchemaFormat() if not profile.json_schema:
            yield "it takes no schema of its answer"
    if profile.image_detail and profile.image_types is None and profile.content_lists and profile.uri_schemes is None:
        return
    for media in query.media():
        mime_type = media.mime_type.lower()
        if not profile.content_lists:
            yield "it takes texts only"
        if media.data is None and profile.uri_schemes is not None:
            yield from _of_address(media.uri or "", profile.uri_schemes)
        if media.detail in _DETAILS and not profile.image_detail:
            yield "no detail of an image can be asked for"
        if mime_type.startswith("image/") and profile.image_types is not None and mime_type not in profile.image_types:
            yield f"it takes no {mime_type}"


def _of_address(uri: str, schemes: frozenset[str]) -> Iterator[str]:
    if uri.partition("://")[0] not in schemes:
        others = f"or from {', '.join(sorted(schemes))}, not by another URI" if schemes else "only, not by URI"
        yield f"media are taken as bytes {others}"


def demands_tool(query: Query) -> bool:
    """Whether the model must call a tool."""
    choice = query.tool_choice
    return choice is not None and (bool(choice.tool_name) or choice.mode is ToolChoiceMode.REQUIRED)


def _forbids_tools_it_speaks_of(query: Query) -> bool:
    choice = query.tool_choice
    if choice is None or choice.mode is not ToolChoiceMode.NONE:
        return False
    return any(isinstance(part, ToolCall) for message in query.messages for part in message.parts)


def rests_for_tools(profile: Profile, query: Query) -> bool:
    """Whether a model that reasons unasked is told not to, since it takes these tools in no other way.

    Nobody asked it to reason, so nothing that the caller set is lost.
    """
    generation = query.generation
    if generation.reasoning_effort is not None or not profile.reasons(generation) or not can_rest(profile):
        return False
    if generation.reasoning_budget_tokens is not None or not query.tools:
        return False
    held = not profile.reasoning.tools or (not profile.reasoning.demanded_tool and demands_tool(query))
    return held and profile.at_rest.tools and (profile.at_rest.demanded_tool or not demands_tool(query))


def rests_in_its_loop(profile: Profile, query: Query) -> bool:
    """Whether a model that is asked to reason does not, since its API lets none begin within a tool loop.

    Anthropic's own API leaves reasoning out then, which its page on extended thinking calls graceful degradation.
    """
    return profile.loops_begin_reasoning and query.generation.demands_reasoning and not _reasons_in_its_loop(query)


def _reasons_in_its_loop(query: Query) -> bool:
    """Whether the tool loop that the query continues, if any, began with reasoning that the model signed.

    A loop reaches back to the last user who said something before its results.
    """
    said = list(_turns(query))
    while said and said[-1][0] is Role.USER:
        said.pop()
    if not said or said[-1][0] is not Role.TOOL:
        return True
    began: ContentPart | None = None
    for role, parts in takewhile(lambda turn: turn[0] is not Role.USER, reversed(said)):
        if role is Role.ASSISTANT:
            began = parts[0]
    return isinstance(began, ReasoningPart)


def _turns(query: Query) -> Iterator[tuple[Role, list[ContentPart]]]:
    """What is sent of neighbouring messages of one role; thoughts at the end of the assistant's are not."""
    heard = (message for message in _heard(query.messages) if any(map(_says, message.parts)))
    for role, group in groupby(heard, key=attrgetter("role")):
        parts = [part for message in group for part in message.parts if _says(part)]
        while role is Role.ASSISTANT and parts and isinstance(parts[-1], ReasoningPart):
            parts.pop()
        if parts:
            yield role, parts


def _heard(messages: Sequence[Message]) -> Iterator[Message]:
    return (message for message in sendable(messages, None) if message.role is not Role.SYSTEM)


def _says(part: ContentPart) -> bool:
    """Whether anything of the part is sent."""
    match part:
        case TextPart(text):
            return bool(text.strip())
        case ReasoningPart():
            return part.signed
    return True
