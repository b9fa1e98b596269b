"""What today's models refuse of a request, as their documentation and their 400 answers say.

A judge that shares no code and no data with the client. Sources: OpenAI's guide to its latest models and the texts
"Unsupported parameter: 'stop'", "Unsupported value: 'temperature' does not support 0.3", "Function tools with
reasoning_effort are not supported", "array too long. Expected an array with maximum length 4"; Anthropic's migration
guides and "`temperature` and `top_p` cannot both be specified", "thinking.type.enabled is not supported"; Gemini's
"Unknown name"; xAI's "does not support parameter presencePenalty"; Moonshot's "only 1 is allowed"; Mistral's 422.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
_LOGPROBS = frozenset({"logprobs", "top_logprobs"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What one model refuses. `fields`: at all; `reasoning_fields`: while it reasons.

    `efforts` are those it takes, `thinking` the types of it. `thinks` where nothing is said of thinking.
    """

    fields: frozenset[str] = frozenset()
    reasoning_fields: frozenset[str] = frozenset()
    efforts: frozenset[str] | None = None
    thinking: frozenset[str] = frozenset()
    thinks: bool = False
    stops: int = 100
    highest_temperature: float = 2.0
    both_samplings: bool = True
    forced_tool: bool = True
    prefill: bool = True
    image_types: frozenset[str] | None = None


def refusals(body: Json, rules: Rules) -> list[str]:
    """Every reason for which the model refuses the request."""
    return [*_of_fields(body, rules), *_of_reasoning(body, rules), *_of_messages(body, rules)]


def reasons(body: Json, rules: Rules) -> bool:
    """Whether the model reasons when it is asked so."""
    if "thinking" in body:
        return body["thinking"]["type"] in ("enabled", "adaptive")
    if "reasoning_effort" in body:
        return bool(body["reasoning_effort"] != "none")
    return rules.thinks


def _of_fields(body: Json, rules: Rules) -> Iterator[str]:
    refused = rules.fields | (rules.reasoning_fields if reasons(body, rules) else frozenset())
    for field in sorted(refused & body.keys()):
        yield f"{field} is not supported"
    if len(body.get("stop") or body.get("stop_sequences") or ()) > rules.stops:
        yield "too many stop sequences"
    if body.get("temperature", 0) > rules.highest_temperature:
        yield "the temperature is too high"
    if not rules.both_samplings and {"temperature", "top_p"} <= body.keys():
        yield "temperature and top_p cannot both be specified"
    choice = body.get("tool_choice")
    forced = choice == "required" or (isinstance(choice, dict) and choice.get("type") in ("any", "tool", "function"))
    if forced and not rules.forced_tool:
        yield "a tool cannot be demanded"


def _of_reasoning(body: Json, rules: Rules) -> Iterator[str]:
    effort = body.get("reasoning_effort") or body.get("output_config", {}).get("effort")
    if effort is not None and rules.efforts is not None and effort not in rules.efforts:
        yield f"the effort {effort} is not supported"
    if "thinking" in body and body["thinking"]["type"] not in rules.thinking:
        yield f"thinking of the type {body['thinking']['type']} is not supported"
    if "reasoning" in body or "enable_thinking" in body:
        yield "an unknown field"


def _of_messages(body: Json, rules: Rules) -> Iterator[str]:
    if body["messages"][-1]["role"] == "assistant" and not rules.prefill:
        yield "prefill is not supported"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EFFORTS = _words("low medium high xhigh max")
_ANTHROPIC_NEVER = _words("seed logprobs top_logprobs frequency_penalty presence_penalty stop stream_options user")
_GEMINI_NEVER = _words("top_k frequency_penalty presence_penalty seed user logprobs")
_GPT_NEVER = _words("max_tokens top_k cache_control")
_GPT_5 = _GPT_NEVER | _PENALTIES | {"stop"}
_RATES = frozenset({"temperature", "top_p"}) | _LOGPROBS
_O = _GPT_5 | _RATES | {"parallel_tool_calls"}

ANTHROPIC: dict[str, Rules] = {
    "claude-opus-5-5": Rules(
        _SAMPLING | _ANTHROPIC_NEVER, efforts=_EFFORTS, thinking=_words("adaptive"), thinks=True,
        prefill=False, forced_tool=False, highest_temperature=1,
    ),
    "claude-sonnet-5-5": Rules(
        _SAMPLING | _ANTHROPIC_NEVER, efforts=_EFFORTS,
        thinking=_words("adaptive between_tools"), thinks=True, prefill=False, forced_tool=False,
    ),
    "claude-opus-5": Rules(
        _SAMPLING | _ANTHROPIC_NEVER, frozenset(), _EFFORTS, _words("adaptive disabled"), True,
        prefill=False,
    ),
    "claude-opus-4-7": Rules(
        _SAMPLING | _ANTHROPIC_NEVER, efforts=_EFFORTS, thinking=_words("adaptive"),
        prefill=False,
    ),
    "us.anthropic.claude-sonnet-4-6": Rules(
        _ANTHROPIC_NEVER, frozenset({"top_k"}), _words("low medium high max"), _words("adaptive enabled disabled"),
        prefill=False, both_samplings=False, highest_temperature=1,
    ),
    "claude-sonnet-4-5-20250929": Rules(
        _ANTHROPIC_NEVER, frozenset({"top_k"}), frozenset(), _words("enabled disabled"), both_samplings=False,
        highest_temperature=1,
    ),
    "claude-sonnet-4-20250514": Rules(
        _ANTHROPIC_NEVER | {"output_config"}, frozenset({"top_k"}), frozenset(), _words("enabled disabled"),
        highest_temperature=1,
    ),
}  # fmt: skip
"""By their names at Anthropic's API."""

COMPATIBLE: dict[tuple[str, str], Rules] = {
    ("api.openai.com", "gpt-5"): Rules(
        _GPT_5 | _RATES, efforts=_words("minimal low medium high"), thinks=True
    ),
    ("api.openai.com", "gpt-5.1"): Rules(_GPT_5, _RATES, _words("none low medium high")),
    ("api.openai.com", "gpt-5.2"): Rules(_GPT_5, _RATES | {"tools"}, _words("none low medium high xhigh")),
    ("api.openai.com", "gpt-5.6-terra"): Rules(
        _GPT_5, _RATES | {"tools"}, _words("none low medium high xhigh"), thinks=True
    ),
    ("api.openai.com", "o3"): Rules(_O, efforts=_words("low medium high"), thinks=True),
    ("api.openai.com", "gpt-4o"): Rules(_GPT_NEVER, efforts=frozenset(), stops=4),
    ("generativelanguage.googleapis.com", "gemini-2.5-pro"): Rules(
        _GEMINI_NEVER, efforts=_words("low medium high"),
        thinks=True, stops=5,
    ),
    ("generativelanguage.googleapis.com", "models/gemini-3-pro-preview"): Rules(
        _GEMINI_NEVER, efforts=_words("minimal low medium high"),
        thinks=True, stops=5,
    ),
    ("api.mistral.ai", "mistral-small-latest"): Rules(
        _words("seed user top_k logprobs max_completion_tokens"), efforts=_words("none high"), highest_temperature=1.5
    ),
    ("api.mistral.ai", "mistral-large-2512"): Rules(
        _words("seed user top_k logprobs"), efforts=frozenset(), highest_temperature=1.5
    ),
    ("api.x.ai", "grok-4-1-fast-reasoning"): Rules(
        _PENALTIES | {"stop", "top_k"}, efforts=frozenset(), thinks=True
    ),
    ("api.x.ai", "grok-4.7"): Rules(_PENALTIES | {"stop", "top_k"}, efforts=_words("low medium high"), thinks=True),
    ("api.groq.com", "openai/gpt-oss-120b"): Rules(
        _LOGPROBS | {"top_k"}, efforts=_words("low medium high"), thinks=True, stops=4
    ),
    ("api.moonshot.ai", "kimi-k2.6"): Rules(
        _PENALTIES | {"temperature", "top_p"}, efforts=frozenset(), thinking=_words("enabled disabled"), thinks=True
    ),
}  # fmt: skip
"""By host and name. Fixed values are refused as fields: left out they are the same."""
