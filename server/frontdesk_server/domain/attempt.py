"""What execution did: attempts, checks, and the completion as a whole."""

from __future__ import annotations

import enum
from dataclasses import field

from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.encoded import Encoded
from frontdesk_server.domain.query import Message
from frontdesk_server.domain.usage import Cost, FinishReason, TokenLogprob, Usage
from frontdesk_server.domain.value import value


class AttemptOutcome(enum.Enum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


@value
class CheckResult:
    """What a check said of an answer; score and threshold are in [0, 1].

    `unrated`: the check could give no score; the answer has not passed, and `detail` says why.
    """

    check: str
    score: float
    threshold: float
    passed: bool
    detail: str = ""
    cost_nano_usd: int | None = 0
    unrated: bool = False


@value
class Answer:
    """One model's whole answer, as checks see it."""

    message: Message
    finish_reason: FinishReason
    usage: Usage
    logprobs: tuple[TokenLogprob, ...] = ()
    upstream_model: str = ""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.text


@value
class Adjustment:
    """What was done to a query so that one model could take it; `field` is its path in the request."""

    field: str
    detail: str


@value
class Attempt:
    """One call of one model, settled.

    `provider_cost_nano_usd` is what the provider says that it cost; `cache_saved_nano_usd` what it would have cost
    without the provider's cache, less what it cost.

    `usage_estimated`: the provider reported no usage, or none that can be true, and Frontdesk counted tokens itself.

    `time_to_first_token_seconds` is known of streams alone: an answer that comes whole has no first token.
    """

    index: int
    model: str
    kind: StepKind
    outcome: AttemptOutcome
    backend: str
    usage: Usage
    cost_nano_usd: int | None
    duration_seconds: float
    time_to_first_token_seconds: float | None = None
    error_reason: str = ""
    error_message: str = ""
    upstream_message: str = ""
    checks: tuple[CheckResult, ...] = ()
    retries: int = 0
    upstream_model: str = ""
    finish_reason: FinishReason | None = None
    usage_estimated: bool = False
    adjustments: tuple[Adjustment, ...] = ()
    provider_request_id: str = ""
    provider_cost_nano_usd: int | None = None
    cache_saved_nano_usd: int | None = None
    encoded: Encoded = field(default_factory=Encoded, init=False, repr=False, compare=False)


@value
class Settlement:
    """What a request came to, however it ended: every attempt and the whole cost."""

    attempts: tuple[Attempt, ...]
    cost: Cost
    committed: bool = False


@value
class Completion:
    """A whole answer with its account."""

    model: str
    answer: Answer
    settlement: Settlement
