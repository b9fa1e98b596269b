"""Signs of a bad answer: refusal, not knowing, emptiness, repetition, truncation, broken JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.query import Query, ToolCall
from frontdesk_server.domain.usage import FinishReason

__all__ = ["HeuristicVerdict", "judge_answer", "judge_text"]

_HEAD_CHARS = 400
"""A refusal or a confession of not knowing stands at the beginning of an answer, or is its end."""

_APOSTROPHES = str.maketrans("\u2019\u02bc", "''")
_REFUSAL = re.compile(
    r"(?i)\b(?:i(?:'m| am) (?:sorry|afraid|unable|not able|not comfortable)\b"
    r"|i (?:can(?:no|')t|won't|must decline|will not)\b(?! (?:say|stress|recommend|thank|help but|wait|imagine))"
    r"|as an ai\b|(?:cannot|can't|unable to) (?:assist|help|comply|fulfil)|against my (?:guidelines|programming))"
)
_NOT_KNOWING = re.compile(
    r"(?i)\b(?:i (?:do not|don't|really don't) (?:know|have (?:enough|access|any|sufficient|the) )"
    r"|i(?:'m| am) (?:not sure|uncertain|unsure)"
    r"|(?:it is|it's) (?:impossible|not possible) to (?:say|know|tell|determine)"
    r"|no idea\b|cannot be determined|(?:not enough|insufficient) information)"
)
_ASKS_FOR_LENGTH = re.compile(
    r"(?i)\b(?:explain|describe|write|summari[sz]e|compare|discuss|essay|story|step by step|in detail|list|draft"
    r"|translate|prove)\b"
)
_REFUSED, _UNKNOWING, _TRUNCATED, _SHORT = 0.1, 0.15, 0.3, 0.4
_SHORT_ANSWER_WORDS = 4
_LONG_QUERY_WORDS = 12
_REPEATED_WORDS = 30


@dataclass(frozen=True, slots=True)
class HeuristicVerdict:
    """`score` in [0, 1], 1 when nothing was found; `reason` names what lowered it most."""

    score: float
    reason: str


def judge_answer(answer: Answer, query: Query, *, min_characters: int = 1) -> HeuristicVerdict:
    """Judge a whole answer. Tool calls need no text; JSON is required where the query asks for it."""
    if any(isinstance(part, ToolCall) for part in answer.message.parts):
        return _judge_tool_calls(answer)
    return judge_text(
        answer.text,
        prompt=query.last_user_text,
        wants_json=query.generation.response_format is not None,
        truncated=answer.finish_reason is FinishReason.LENGTH,
        filtered=answer.finish_reason is FinishReason.CONTENT_FILTER,
        min_characters=min_characters,
    )


def judge_text(
    text: str,
    *,
    prompt: str = "",
    wants_json: bool = False,
    truncated: bool = False,
    filtered: bool = False,
    min_characters: int = 1,
) -> HeuristicVerdict:
    """Judge an answer's text alone; the lowest of all findings counts."""
    stripped = text.strip()
    if not stripped:
        return HeuristicVerdict(0.0, "filtered by the provider" if filtered else "empty answer")
    if len(stripped) < min_characters:
        return HeuristicVerdict(0.0, f"{len(stripped)} characters, at least {min_characters} wanted")
    findings = [HeuristicVerdict(1.0, "nothing suspicious")]
    if wants_json:
        findings += [] if _is_json(stripped) else [HeuristicVerdict(0.0, "invalid JSON")]
    else:
        findings += _confessions(stripped) + _shortness(stripped, prompt)
    if filtered:
        findings.append(HeuristicVerdict(0.0, "filtered by the provider"))
    if truncated:
        findings.append(HeuristicVerdict(_TRUNCATED, "truncated at the token limit"))
    if (share := _repeated_share(stripped)) > 0.5:
        findings.append(HeuristicVerdict(1.0 - share, f"repeats itself: {share:.0%} of its word sequences"))
    return min(findings, key=lambda verdict: verdict.score)


def _judge_tool_calls(answer: Answer) -> HeuristicVerdict:
    broken = [
        p.name for p in answer.message.parts if isinstance(p, ToolCall) and not _is_json(p.arguments_json or "{}")
    ]
    if broken:
        return HeuristicVerdict(0.0, f"invalid JSON in the arguments of {', '.join(broken)}")
    return HeuristicVerdict(1.0, "well-formed tool calls")


def _confessions(text: str) -> list[HeuristicVerdict]:
    """Find a refusal or not knowing; in a long answer they weigh less, since most of it is something else."""
    head = text[:_HEAD_CHARS].translate(_APOSTROPHES)
    softening = 0.0 if len(text) <= _HEAD_CHARS else min(0.5, len(text) / 8_000)
    found = []
    if match := _REFUSAL.search(head):
        found.append(HeuristicVerdict(_REFUSED + softening, f'refusal: "{match[0]}"'))
    if match := _NOT_KNOWING.search(head) or _NOT_KNOWING.search(text[-_HEAD_CHARS:].translate(_APOSTROPHES)):
        found.append(HeuristicVerdict(_UNKNOWING + softening, f'does not know: "{match[0]}"'))
    return found


def _shortness(text: str, prompt: str) -> list[HeuristicVerdict]:
    words = len(text.split())
    asked = len(prompt.split()) >= _LONG_QUERY_WORDS and _ASKS_FOR_LENGTH.search(prompt)
    if asked and words < _SHORT_ANSWER_WORDS:
        return [HeuristicVerdict(_SHORT, f"{words} words for a task that asks for more")]
    return []


def _repeated_share(text: str) -> float:
    """Share of the text's sequences of four words that occurred before."""
    words = text.split()
    if len(words) < _REPEATED_WORDS:
        return 0.0
    sequences = Counter(zip(*(words[i:] for i in range(4)), strict=False))
    return 1.0 - len(sequences) / sequences.total()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
