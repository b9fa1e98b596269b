"""What the upstream of the benchmarks answers: one text, whole or in 50 chunks, with its usage."""

from __future__ import annotations

import json
from typing import Any

CHUNKS = 50
WORDS = tuple(f" word{number:02}" for number in range(CHUNKS))
"""The text of every chunk; the first has a leading blank, too, as tokens have."""
TEXT = "".join(WORDS)
FIRST_TOKEN = WORDS[0].encode()
"""Bytes that occur in the first chunk of an answer, whatever protocol carries it, and nowhere before."""
INPUT_TOKENS = 20

_USAGE = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": CHUNKS, "total_tokens": INPUT_TOKENS + CHUNKS}
_COMMON: dict[str, Any] = {"id": "chatcmpl-benchmark", "created": 1_750_000_000, "model": "upstream-model"}


def whole_answer() -> bytes:
    """The JSON of a completion."""
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({**_COMMON, "object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()


def sse_events() -> list[bytes]:
    """The events of a streamed completion: 50 chunks, then how it finished, the usage and the end."""
    deltas = [{"role": "assistant", "content": WORDS[0]}, *({"content": word} for word in WORDS[1:])]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]} for delta in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    chunks.append({"choices": [], "usage": _USAGE})
    events = [json.dumps({**_COMMON, "object": "chat.completion.chunk", **chunk}).encode() for chunk in chunks]
    return [b"data: %s\n\n" % event for event in (*events, b"[DONE]")]
