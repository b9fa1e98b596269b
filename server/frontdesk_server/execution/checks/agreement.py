"""Agreement: a second model, or more samples of the same, are asked at once and must say the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from frontdesk_server.config.checks import AgreementCheck
from frontdesk_server.domain.asking import Ask, Bill
from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import FrontdeskError, UpstreamError
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query
from frontdesk_server.execution.checks.base import CheckContext, Judge
from frontdesk_server.judging.answers import agree

_SAMPLING_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share of other answers that agree with the first."""

    config: AgreementCheck
    ask: Ask
    needs_logprobs: bool = False

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        """Ask the others beside the attempt; what still runs on leaving is aborted."""
        bill, observed = context.bill.part(), context.attempt.check_started(self.config.kind)
        result: CheckResult | None = None
        asking = [asyncio.create_task(self._ask(context, bill, observed)) for _ in range(self.config.samples)]

        async def judge(answer: Answer) -> tuple[CheckResult, ...]:
            nonlocal result
            result = self._compare(answer, await asyncio.gather(*asking), bill.total_nano_usd)
            return (result,)

        try:
            yield judge
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            observed.ended(result)

    async def _ask(self, context: CheckContext, bill: Bill, observed: AttemptParent) -> Answer | UpstreamError:
        model = self.config.model or context.model
        try:
            return await self.ask(
                model,
                self._query(context),
                purpose="check",
                timeout_seconds=context.remaining_seconds(),
                parent=observed,
                bill=bill,
            )
        except UpstreamError as error:
            return error
        except FrontdeskError:
            raise
        except Exception as error:  # the others' answers may do, and may never be asked for
            report_defect("check", error, context.parent, check=self.config.kind)
            return UpstreamError(f"{model} could not be asked")

    def _query(self, context: CheckContext) -> Query:
        """The caller's query; samples of the same model must differ, so they need a temperature.

        A model that reasons differs by itself, and its API may take no temperature beside an effort.
        """
        query, generation = context.query, context.query.generation
        reasons = generation.demands_reasoning and generation.temperature is None
        if self.config.model in (None, context.model) and not generation.temperature and not reasons:
            generation = replace(generation, temperature=_SAMPLING_TEMPERATURE, seed=None)
        return replace(query, generation=replace(generation, logprobs=False, top_logprobs=0))

    def _compare(self, answer: Answer, others: list[Answer | UpstreamError], cost: int | None) -> CheckResult:
        asked = [other for other in others if isinstance(other, Answer)]
        threshold = self.config.threshold
        if not asked:
            return CheckResult("agreement", 0.0, threshold, False, f"no second answer: {others[0]}", cost, unrated=True)
        scores = [agree(answer.text, other.text, compare=self.config.compare) for other in asked]
        score = sum(scores) / len(scores)
        detail = f"agreement {score:.2f} with {len(asked)} further answer{'s' if len(asked) > 1 else ''}"
        return CheckResult("agreement", score, threshold, score >= threshold, detail, cost)
