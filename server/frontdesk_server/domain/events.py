"""Events: what a backend yields, and the life cycle of a streamed answer.

`part` of a delta is the place, from 0, of the answer's part that it is a piece of: pieces with the same place make one
part, and the parts stand in the order of their places.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from frontdesk_server.domain.attempt import Attempt, Settlement
from frontdesk_server.domain.decision import Decision, StepKind
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderState
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.domain.value import value


@value
class TextDelta:
    """A piece of the answer, never empty."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    part: int = 0
    refusal: bool = False


@value
class ReasoningDelta:
    """A piece of the LLM's reasoning."""

    text: str = ""
    signature: str = ""
    redacted_data: str = ""
    part: int = 0
    dialect: str = ""


@value
class ToolCallDelta:
    """A piece of a tool call; `id` and `name` come with the call's first piece only."""

    index: int
    id: str = ""
    name: str = ""
    arguments_json: str = ""
    part: int = 0


@value
class ProviderBlockDelta:
    """A part that only its dialect understands, as a whole."""

    block: ProviderBlock
    part: int = 0


@value
class ProviderStateDelta:
    """What the provider wants back with a part or, where `part` is None, with the whole message."""

    state: ProviderState
    part: int | None = None


@value
class CitationDelta:
    """Where the text of a part comes from."""

    citation: Citation
    part: int = 0


Delta = TextDelta | ReasoningDelta | ToolCallDelta | ProviderBlockDelta | ProviderStateDelta | CitationDelta


@value
class UsageReport:
    """Usage so far; a later report replaces an earlier one. `cost_nano_usd` is what the provider says that it cost.

    `opening`: said as the call began; it is billed only if an answer follows.
    """

    usage: Usage
    upstream_model: str = ""
    cost_nano_usd: int | None = None
    opening: bool = False


@value
class Finished:
    """The backend's answer is complete; nothing follows."""

    finish_reason: FinishReason
    usage: Usage
    upstream_model: str = ""
    cost_nano_usd: int | None = None


BackendEvent = Delta | UsageReport | Finished

Batch = Sequence[BackendEvent]
"""What one network read brought, in order; never empty."""


@value
class Started:
    """Routing has decided. First, exactly once."""

    decision: Decision


@value
class AttemptStarted:
    """A model is being called."""

    index: int
    model: str
    kind: StepKind


@value
class AttemptEnded:
    """An attempt was rejected or failed, or lost against the one it ran beside, and another model speaks."""

    attempt: Attempt
    next_model: str
    superseded: bool = False


@value
class Completed:
    """The answer is complete. Last, exactly once."""

    model: str
    finish_reason: FinishReason
    usage: Usage
    settlement: Settlement


CompletionEvent = Started | AttemptStarted | Delta | AttemptEnded | Completed

Emit = Callable[[CompletionEvent], Awaitable[None]]
"""A sink of events. It returns when it can take another one, so that a caller who does not read holds up what answers;
it raises where its caller is gone."""
