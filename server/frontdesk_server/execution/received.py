"""What has come of an answer: its content, and what its last call reports of itself."""

from __future__ import annotations

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.events import Delta, Finished, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold
from frontdesk_server.execution.billing import Heard


class Received:
    """Takes the events of one attempt's calls; only the last of these has content."""

    def __init__(self) -> None:
        self.finish_reason: FinishReason | None = None
        self.upstream_model = ""
        self.provider_cost_nano_usd: int | None = None
        self.first_token_at: float | None = None
        self._answer = AnswerFold()
        self._usage = Usage()
        self._only_opening = False

    @property
    def tokens(self) -> int:
        """Output tokens so far, counted or estimated."""
        return self._answer.tokens

    @property
    def has_content(self) -> bool:
        """Whether any content has come."""
        return self.first_token_at is not None

    def add(self, delta: Delta) -> None:
        """Take a piece of the answer."""
        self._answer.add(delta)

    def report(self, event: UsageReport | Finished) -> None:
        """Take what the call says of itself; a later report replaces an earlier one."""
        self._usage = event.usage
        self.upstream_model, self.provider_cost_nano_usd = event.upstream_model, event.cost_nano_usd
        if isinstance(event, Finished):
            self.finish_reason = event.finish_reason
        else:
            self._only_opening = event.opening

    def forget_report(self) -> None:
        """Another call is made."""
        self._usage, self._only_opening = Usage(), False

    def heard(self, error: BaseException | None) -> Heard:
        """What the last call is billed by."""
        return Heard(
            self._usage,
            self._answer.tokens,
            self.has_content,
            self.finish_reason is not None,
            error,
            self._answer.sealed_tokens,
            self._only_opening,
        )

    def answer(self, usage: Usage) -> Answer:
        """The answer so far, with the usage that it is settled with."""
        return self._answer.answer(self.finish_reason or FinishReason.OTHER, usage, self.upstream_model)
