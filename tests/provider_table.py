"""What each provider is sent and answers, found out by asking its client, as the table in docs/providers.md.

`python -m tests.provider_table` prints the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.config.clouds import BedrockBackendConfig
from frontdesk_server.config.pool import BackendConfig
from frontdesk_server.domain.adjusting import adjusted
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.profile import Caching, Profile
from frontdesk_server.domain.provider import CacheHint, ProviderState
from frontdesk_server.domain.query import (
    GenerationConfig,
    MediaPart,
    Message,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)
from frontdesk_server.domain.usage import Usage
from pydantic import TypeAdapter

Json = dict[str, Any]

COLUMNS = (
    "streams",
    "tools",
    "one call at a time",
    "images",
    "documents",
    "effort",
    "budget",
    "goes back",
    "caching",
    "usage",
    "errors",
    "sign-on",
)
NO = "no"
_CONFIG: TypeAdapter[BackendConfig] = TypeAdapter(BackendConfig)
_MARK = "needle"
_PDF, _PNG = "application/pdf", "image/png"
_URI = f"https://example.org/{_MARK}"
_CHAT_USAGE: Json = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
_TOO_LONG = "This model's maximum context length is 8192 tokens."


@dataclass(frozen=True, slots=True)
class Row:
    """A provider: how a backend is configured for it, and a model that it serves. `usage` is as it reports it."""

    name: str
    backend: Json
    model: str
    usage: Json


def _compatible(name: str, url: str, model: str, **usage: Any) -> Row:
    provider = name.lower().split()[0].replace(",", "")
    return Row(name, {"kind": "openai", "base_url": url, "provider": provider}, model, {**_CHAT_USAGE, **usage})


_CLAUDE_USAGE: Json = {
    "input_tokens": 3,
    "output_tokens": 5,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 2,
    "output_tokens_details": {"thinking_tokens": 2},
}
_BEDROCK_USAGE: Json = {
    "inputTokens": 3,
    "outputTokens": 5,
    "totalTokens": 14,
    "cacheReadInputTokens": 4,
    "cacheWriteInputTokens": 2,
}
_ANTHROPIC = {"kind": "anthropic", "base_url": "https://api.anthropic.com"}
_CLOUD = {"project": "p", "location": "europe-west1"}
ROWS = (
    _compatible("OpenAI", "https://api.openai.com/v1", "gpt-5.1"),
    Row("Azure OpenAI", {"kind": "azure_openai", "base_url": "https://r.openai.azure.com"}, "gpt-5.1", _CHAT_USAGE),
    Row("Anthropic", _ANTHROPIC, "claude-opus-4-8", _CLAUDE_USAGE),
    Row("Anthropic, before 4.6", _ANTHROPIC, "claude-sonnet-4-5", _CLAUDE_USAGE),
    Row("Claude on Vertex AI", {"kind": "vertex_claude", **_CLOUD}, "claude-opus-4-8", _CLAUDE_USAGE),
    Row("Gemini on Vertex AI", {"kind": "vertex_gemini", **_CLOUD}, "gemini-2.5-flash", _CHAT_USAGE),
    _compatible(
        "Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash", total_tokens=16
    ),
    Row("Claude on Bedrock", {"kind": "bedrock", "region": "eu-west-1"}, "anthropic.claude-sonnet-4-5", _BEDROCK_USAGE),
    Row("others on Bedrock", {"kind": "bedrock", "region": "eu-west-1"}, "amazon.nova-2-lite-v1:0", _BEDROCK_USAGE),
    _compatible("Mistral", "https://api.mistral.ai/v1", "mistral-medium-3.5"),
    _compatible("OpenRouter", "https://openrouter.ai/api/v1", "anthropic/claude-opus-4.8"),
    _compatible("Groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
    _compatible("Cerebras", "https://api.cerebras.ai/v1", "gpt-oss-120b"),
    _compatible("xAI", "https://api.x.ai/v1", "grok-4.5"),
    _compatible("DeepSeek", "https://api.deepseek.com", "deepseek-v4", prompt_cache_hit_tokens=4),
    _compatible("Perplexity", "https://api.perplexity.ai", "sonar-pro"),
    _compatible("vLLM, Ollama, others", "http://127.0.0.1:8000/v1", "some-model"),
)


def table() -> list[str]:
    """The lines of the table."""
    rows = [[row.name, *(cell(row, column) for column in COLUMNS)] for row in ROWS]
    return [_line(["", *COLUMNS]), _line(["---"] * (len(COLUMNS) + 1)), *map(_line, rows)]


def cell(row: Row, column: str) -> str:
    """What stands in one cell."""
    return _CELLS[column](Asked(row))


class Asked:
    """A provider's client, asked what it makes of queries."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.config = _CONFIG.validate_python(row.backend)
        self.profile: Profile = profile_of(self.config, row.model)
        self.provider = str(getattr(self.config, "provider", "")) or self.config.kind

    def body(self, query: Query, *, stream: bool = False) -> Json | None:
        """The JSON that is sent; None where the model is excluded for it."""
        adapted, _ = adjusted(query, self.profile)
        dialects = frozenset((self.config.kind, self.provider))
        call = BackendCall(
            self.row.model, adapted, stream, dialects=dialects, provider=self.provider, profile=self.profile
        )
        try:
            if isinstance(self.config, BedrockBackendConfig):
                return converse_body(call, self.config.family_of(self.row.model))
            if self.config.kind in ("anthropic", "vertex_claude"):
                return messages_body(call, 4096)
            return chat_completion_body(call)
        except UpstreamRequestRefused:
            return None

    def places(self, query: Query) -> str:
        """The members of the JSON that hold the mark; none where it does not arrive."""
        body = self.body(query)
        return ", ".join(dict.fromkeys(_places(body))) if body is not None else NO

    def added(self, query: Query, plain: Query) -> str:
        """The members that one query has beyond another."""
        with_it, without = self.body(query), self.body(plain)
        if with_it is None or without is None:
            return NO
        names = [name for name in _new(with_it, without) if name not in ("max_tokens", "inferenceConfig.maxTokens")]
        telling = [name for name in names if not name.endswith(".type")] or names
        return ", ".join(f"`{name.removeprefix('additionalModelRequestFields.')}`" for name in telling) or NO


def _streams(asked: Asked) -> str:
    if isinstance(asked.config, BedrockBackendConfig):
        return "yes, with usage"
    body = asked.body(text_query("Hi"), stream=True)
    assert body is not None
    assert body["stream"] is True
    reported = asked.config.kind in ("anthropic", "vertex_claude")
    return "yes, with usage" if reported or "stream_options" in body else "yes"


def _tools(asked: Asked) -> str:
    return asked.places(replace(text_query("Hi"), tools=(Tool(_MARK),)))


def _one_at_a_time(asked: Asked) -> str:
    plain = replace(text_query("Hi"), tools=(Tool("f"),))
    return asked.added(replace(plain, generation=GenerationConfig(parallel_tool_calls=False)), plain)


def _media(mime_type: str) -> Callable[[Asked], str]:
    def taken(asked: Asked) -> str:
        ways = {"bytes": MediaPart(mime_type, data=b"x"), "URI": MediaPart(mime_type, uri=_URI)}
        bodies = {name: asked.body(Query((Message(Role.USER, (part,)),))) for name, part in ways.items()}
        return ", ".join(name for name, body in bodies.items() if body is not None) or NO

    return taken


def _reasoning(generation: GenerationConfig) -> Callable[[Asked], str]:
    return lambda asked: asked.added(text_query("Hi", generation), text_query("Hi"))


def _goes_back(asked: Asked) -> str:
    """Of an answer that reasoned and called a tool, whatever of it arrives at its provider again."""
    calling = ToolCall("abcdefghi", "f", provider_state=(ProviderState(asked.provider, '{"extra": "needle"}'),))
    signed = ReasoningPart("Hm.", _MARK, dialect=asked.provider)
    field = "content" if asked.profile.reasoning_field == "content" else "reasoning"
    plain = ReasoningPart(_MARK)
    state = {"signature": signed, "reasoning": plain}
    found = [name for name, part in state.items() if _arrives(asked, part, field if name == "reasoning" else "")]
    body = asked.body(_loop(Message(Role.ASSISTANT, (calling,))))
    if asked.profile.state and body is not None and _MARK in str(body):
        found.append("state")
    return ", ".join(found) or NO


def _arrives(asked: Asked, part: ReasoningPart, field: str) -> bool:
    kept = (ProviderState(asked.provider, orjson.dumps({field: None}).decode()),) if field else ()
    body = asked.body(_loop(Message(Role.ASSISTANT, (part, ToolCall("abcdefghi", "f")), provider_state=kept)))
    return body is not None and _MARK in str(body)


def _loop(answer: Message) -> Query:
    asked = Message(Role.USER, (TextPart("Hi"),))
    return Query((asked, answer, Message(Role.TOOL, (ToolResult("abcdefghi", "1"),))), (Tool("f"),))


def _caching(asked: Asked) -> str:
    hinted = Message(Role.USER, (TextPart("Hi", cache_hint=CacheHint()),))
    body = asked.body(Query((hinted,)))
    if body is not None and ("cache_control" in str(body) or "cachePoint" in str(body)):
        return "breakpoints"
    return "by itself" if asked.profile.prompt_caching is Caching.AUTOMATIC else NO


def _usage(asked: Asked) -> str:
    """The classes of tokens that are read of what the provider reports."""
    usage = _read(asked)
    names = {"read": usage.cache_read_tokens, "written": usage.cache_write_tokens, "reasoning": usage.reasoning_tokens}
    return ", ".join(name for name, count in names.items() if count is not None) or "input, output"


def _read(asked: Asked) -> Usage:
    if isinstance(asked.config, BedrockBackendConfig):
        converse = BedrockTranslator(asked.row.model)
        message = {"role": "assistant", "content": [{"text": "a"}]}
        list(
            converse.read_document({"output": {"message": message}, "stopReason": "end_turn", "usage": asked.row.usage})
        )
        return converse.finished().usage
    if asked.config.kind in ("anthropic", "vertex_claude"):
        claude = AnthropicTranslator()
        document = {"content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "usage": asked.row.usage}
        list(claude.read_document(document))
        return claude.finished().usage
    chat = OpenAITranslator()
    choice = {"message": {"content": "a"}, "finish_reason": "stop"}
    list(chat.read_document({"choices": [choice], "usage": asked.row.usage}))
    return chat.finished().usage


def _errors(asked: Asked) -> str:
    """What is told apart of failures, in the shape in which this API reports them."""
    told = {
        "credentials": status_error(401, {}, _error(asked, "no")),
        "overload": status_error(429, {}, _error(asked, "slow down")),
        "context": status_error(400, {}, _error(asked, _TOO_LONG)),
        "refusal": status_error(400, {}, _error(asked, "no such field")),
        "failure": status_error(500, {}, _error(asked, "oops")),
    }
    return "all five" if len({type(error) for error in told.values()}) == len(told) else "some"


def _error(asked: Asked, message: str) -> bytes:
    if isinstance(asked.config, BedrockBackendConfig):
        return orjson.dumps({"message": message})
    if asked.config.kind in ("anthropic", "vertex_claude"):
        return orjson.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": message}})
    return orjson.dumps({"error": {"message": message}})


def _sign_on(asked: Asked) -> str:
    signs_on = getattr(asked.config, "signs_on", None)
    return f"`{signs_on.kind}`, or any" if signs_on is not None else "any"


_CELLS: dict[str, Callable[[Asked], str]] = {
    "streams": _streams,
    "tools": _tools,
    "one call at a time": _one_at_a_time,
    "images": _media(_PNG),
    "documents": _media(_PDF),
    "effort": _reasoning(GenerationConfig(reasoning_effort=ReasoningEffort.HIGH)),
    "budget": _reasoning(GenerationConfig(reasoning_budget_tokens=2048)),
    "goes back": _goes_back,
    "caching": _caching,
    "usage": _usage,
    "errors": _errors,
    "sign-on": _sign_on,
}


def _places(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, path or name)
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, path)
    elif value == _MARK:
        yield f"`{path}`"


def _new(value: Any, before: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        known = before if isinstance(before, dict) else {}
        for name, inner in value.items():
            yield from _new(inner, known.get(name), f"{path}.{name}" if path else name)
    elif value != before:
        yield path


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(table()))
