"""Providers' words for why an answer ended, and for that they failed."""

from __future__ import annotations

import re
from typing import Any

from frontdesk_server.domain.errors import UpstreamFailed, UpstreamProtocolError
from frontdesk_server.domain.usage import FinishReason

_WORDS = {
    FinishReason.STOP: ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"),
    FinishReason.LENGTH: (
        "length",
        "max_tokens",
        "max_output_tokens",
        "model_length",
        "model_context_window_exceeded",
        "context_length_exceeded",
    ),
    FinishReason.TOOL_CALLS: ("tool_calls", "tool_call", "tool_use", "function_call"),
    FinishReason.CONTENT_FILTER: (
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "sensitive",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "guardrail_intervened",
        "error_toxic",
    ),
}
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words}

# Such as `error`, `network_error`, `abort`, `insufficient_system_resource`, `MALFORMED_FUNCTION_CALL`.
_FAILURE = re.compile(
    r"error|abort|fail|fault|exception|malformed|insufficient|unavailable|unexpected|timeout|timed_out|overload"
    r"|cancel|interrupt|disconnect|network|exhausted|missing"
)


def finish_reason(word: Any, native_word: Any = None) -> FinishReason:
    """What a provider's word means; `native_word` is what a gateway quotes of the provider behind it.

    Raises:
        UpstreamFailed: it is a word for a failure of the provider's own.
        UpstreamProtocolError: it is no word.

    """
    if native_word is not None:
        _reason(native_word)
    return _reason(word)


def _reason(word: Any) -> FinishReason:
    if not isinstance(word, str):
        raise UpstreamProtocolError("a finish reason is not a string")
    normal = word.strip().lower().replace("-", "_").replace(" ", "_")
    if reason := _REASONS.get(normal):
        return reason
    if _FAILURE.search(normal):
        raise UpstreamFailed("the upstream gave up in its answer", status=200, quoted=f"finish reason {word!r}")
    return _REASONS.get(normal.partition(":")[0], FinishReason.OTHER)  # `content_filter: RECITATION`
