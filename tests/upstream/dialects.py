"""Answers in the two dialects: as frames of a stream and as one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from tests.upstream.script import Fault, Script

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frames:
    """A stream in three parts: what comes before the first token, one frame a token, what comes after the last."""

    opening: list[bytes]
    tokens: list[bytes]
    closing: list[bytes]


class Dialect(Protocol):
    """One API."""

    def frames(self, script: Script, request: Json) -> Frames:
        """The answer as a stream."""

    def document(self, script: Script, request: Json) -> Json:
        """The answer as one document."""

    def error(self, script: Script) -> Json:
        """The error document."""

    def error_frame(self, script: Script) -> bytes:
        """The error in a stream."""


class OpenAIDialect:
    """/v1/chat/completions."""

    def frames(self, script: Script, request: Json) -> Frames:
        """The answer as a stream."""
        model = request.get("model", "")
        opening = [_openai_chunk(model, {"role": "assistant", "content": ""})]
        if script.reasoning:
            opening.append(_openai_chunk(model, {"reasoning_content": script.reasoning}))
        tokens = []
        for index, token in enumerate(script.tokens):
            delta = _openai_tool_delta(script, index, token) if script.tool_name else {"content": token}
            tokens.append(_openai_chunk(model, delta, logprobs=_openai_logprobs([token], request)))
        usage = sse({"id": "c", "model": model, "choices": [], "usage": _openai_usage(script)})
        closing = [_openai_chunk(model, {}, finish_reason=_openai_finish_reason(script))]
        if script.fault is Fault.EARLY_USAGE:
            opening.append(usage)
        elif script.fault is not Fault.NO_USAGE and request.get("stream_options", {}).get("include_usage"):
            closing.append(usage)
        closing += [b"data: [DONE]\n\n"] * (2 if script.fault is Fault.DUPLICATE_DONE else 1)
        return Frames(opening, tokens, closing)

    def document(self, script: Script, request: Json) -> Json:
        """The answer as one document."""
        message: Json = {"role": "assistant", "content": script.text}
        if script.tool_name:
            message = {"role": "assistant", "content": None, "tool_calls": [_openai_tool_call(script, script.text)]}
        if script.reasoning:
            message["reasoning_content"] = script.reasoning
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": _openai_finish_reason(script),
            "logprobs": _openai_logprobs(script.tokens, request),
        }
        document: Json = {"id": "c", "object": "chat.completion", "model": request.get("model"), "choices": [choice]}
        if script.fault is not Fault.NO_USAGE:
            document["usage"] = _openai_usage(script)
        return document

    def error(self, script: Script) -> Json:
        """The error document."""
        return {"error": {"message": script.error_message, "type": script.error_type, "code": None}}

    def error_frame(self, script: Script) -> bytes:
        """The error in a stream."""
        return sse(self.error(script))


class AnthropicDialect:
    """/v1/messages."""

    def frames(self, script: Script, request: Json) -> Frames:
        """The answer as a stream."""
        usage = {**_anthropic_usage(script), "output_tokens": 1}
        message: Json = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": request.get("model"),
            "content": [],
        }
        if script.fault is not Fault.NO_USAGE:
            message["usage"] = usage
        opening = [_named_sse({"type": "message_start", "message": message}), _named_sse({"type": "ping"})]
        index = 0
        if script.reasoning:
            opening += [
                _block_start(index, {"type": "thinking", "thinking": "", "signature": ""}),
                _block_delta(index, {"type": "thinking_delta", "thinking": script.reasoning}),
                _block_delta(index, {"type": "signature_delta", "signature": "signed"}),
                _named_sse({"type": "content_block_stop", "index": index}),
            ]
            index += 1
        if script.tool_name:
            block: Json = {"type": "tool_use", "id": "toolu_1", "name": script.tool_name, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": token} for token in script.tokens]
        else:
            block = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": token} for token in script.tokens]
        opening.append(_block_start(index, block))
        end: Json = {"type": "message_delta", "delta": {"stop_reason": _anthropic_stop_reason(script)}}
        if script.fault not in (Fault.NO_USAGE, Fault.EARLY_USAGE):
            end["usage"] = {"output_tokens": len(script.tokens)}
        stop = _named_sse({"type": "message_stop"})
        closing = [_named_sse({"type": "content_block_stop", "index": index}), _named_sse(end), stop]
        if script.fault is Fault.DUPLICATE_DONE:
            closing.append(stop)
        return Frames(opening, [_block_delta(index, delta) for delta in deltas], closing)

    def document(self, script: Script, request: Json) -> Json:
        """The answer as one document."""
        content: list[Json] = []
        if script.reasoning:
            content.append({"type": "thinking", "thinking": script.reasoning, "signature": "signed"})
        if script.tool_name:
            arguments = orjson.loads(script.text)
            content.append({"type": "tool_use", "id": "toolu_1", "name": script.tool_name, "input": arguments})
        else:
            content.append({"type": "text", "text": script.text})
        document: Json = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": request.get("model"),
            "content": content,
            "stop_reason": _anthropic_stop_reason(script),
        }
        if script.fault is not Fault.NO_USAGE:
            document["usage"] = {**_anthropic_usage(script), "output_tokens": len(script.tokens)}
        return document

    def error(self, script: Script) -> Json:
        """The error document."""
        return {"type": "error", "error": {"type": script.error_type, "message": script.error_message}}

    def error_frame(self, script: Script) -> bytes:
        """The error in a stream."""
        return _named_sse(self.error(script))


def sse(document: Json) -> bytes:
    """One event of a stream."""
    return b"data: " + orjson.dumps(document) + b"\n\n"


def _named_sse(document: Json) -> bytes:
    kind: str = document["type"]
    return b"event: " + kind.encode() + b"\n" + sse(document)


def _openai_chunk(model: str, delta: Json, *, finish_reason: str | None = None, logprobs: Json | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": logprobs}
    return sse({"id": "c", "object": "chat.completion.chunk", "model": model, "choices": [choice]})


def _openai_tool_call(script: Script, arguments: str) -> Json:
    return {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": script.tool_name, "arguments": arguments},
    }


def _openai_tool_delta(script: Script, index: int, token: str) -> Json:
    piece = _openai_tool_call(script, token) if index == 0 else {"index": 0, "function": {"arguments": token}}
    return {"tool_calls": [piece]}


def _openai_logprobs(tokens: Any, request: Json) -> Json | None:
    if not request.get("logprobs"):
        return None
    top = request.get("top_logprobs", 0)
    return {
        "content": [
            {
                "token": token,
                "logprob": -0.1,
                "top_logprobs": [{"token": f"{token}{n}", "logprob": -0.1 - n} for n in range(top)],
            }
            for token in tokens
        ]
    }


def _openai_finish_reason(script: Script) -> str:
    return script.finish_reason or ("tool_calls" if script.tool_name else "stop")


def _openai_usage(script: Script) -> Json:
    output_tokens = len(script.tokens)
    return {
        "prompt_tokens": script.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": script.input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": script.cached_tokens},
    }


def _block_start(index: int, block: Json) -> bytes:
    return _named_sse({"type": "content_block_start", "index": index, "content_block": block})


def _block_delta(index: int, delta: Json) -> bytes:
    return _named_sse({"type": "content_block_delta", "index": index, "delta": delta})


def _anthropic_usage(script: Script) -> Json:
    """`Script.input_tokens` include cached ones; Anthropic's do not."""
    return {
        "input_tokens": script.input_tokens - script.cached_tokens - script.cache_write_tokens,
        "cache_read_input_tokens": script.cached_tokens,
        "cache_creation_input_tokens": script.cache_write_tokens,
    }


def _anthropic_stop_reason(script: Script) -> str:
    return script.finish_reason or ("tool_use" if script.tool_name else "end_turn")
