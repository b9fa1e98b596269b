"""Several checks as one: all, any, weighted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from frontdesk_server.config.checks import CombinedCheck
from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.execution.checks.base import Check, CheckContext, Judge


@dataclass(frozen=True, slots=True)
class Combined:
    """`all` stops at the first part that fails, `any` at the first that passes, `weighted` asks every part."""

    config: CombinedCheck
    parts: tuple[Check, ...]

    @property
    def needs_logprobs(self) -> bool:
        """Whether a part needs them."""
        return any(part.needs_logprobs for part in self.parts)

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        """Prepare every part."""
        async with AsyncExitStack() as stack:
            judges = [await stack.enter_async_context(part.open(context)) for part in self.parts]

            async def judge(answer: Answer) -> tuple[CheckResult, ...]:
                return await self._judge(judges, answer)

            yield judge

    async def _judge(self, judges: Sequence[Judge], answer: Answer) -> tuple[CheckResult, ...]:
        """The parts' results, and last the combination's own, which alone decides."""
        results: list[CheckResult] = []
        scores: list[float] = []
        for judge in judges:
            part = await judge(answer)
            results.extend(part)
            scores.append(part[-1].score)
            if self.config.kind != "weighted" and part[-1].passed == (self.config.kind == "any"):
                break
        return (*results, self._combine(scores, passed=results[-1].passed))

    def _combine(self, scores: list[float], *, passed: bool) -> CheckResult:
        if self.config.kind != "weighted":
            return CheckResult(self.config.kind, float(passed), 1.0, passed)
        weights = self.config.weights or (1.0,) * len(scores)
        score = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
        return CheckResult("weighted", score, self.config.threshold, score >= self.config.threshold)
