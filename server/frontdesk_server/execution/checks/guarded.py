"""What goes wrong within a check, and nobody foresaw, does not end the request: the answer has not passed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.domain.defects import report_defect, type_of
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.execution.checks.base import Check, CheckContext, Judge


@dataclass(frozen=True, slots=True)
class Guarded:
    """A check whose defects are reported, and count as not passed. `kind` is the check's as in the configuration."""

    kind: str
    threshold: float
    check: Check

    @property
    def needs_logprobs(self) -> bool:
        """As the check."""
        return self.check.needs_logprobs

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        """Prepare the check. What the attempt itself raises meanwhile is not the check's, and passes through."""
        stack = AsyncExitStack()
        try:
            judge = await stack.enter_async_context(self.check.open(context))
        except FrontdeskError:
            raise
        except Exception as error:
            judge = self._refusal(error, context)

        async def guarded(answer: Answer) -> tuple[CheckResult, ...]:
            try:
                return await judge(answer)
            except FrontdeskError:
                raise
            except Exception as error:
                return await self._refusal(error, context)(answer)

        try:
            yield guarded
        finally:
            try:
                await stack.aclose()
            except Exception as error:
                report_defect("check", error, context.parent, check=self.kind)

    def _refusal(self, error: Exception, context: CheckContext) -> Judge:
        """A judge that lets nothing pass, because of this error."""
        report_defect("check", error, context.parent, check=self.kind)
        detail = f"failed unexpectedly: {type_of(error)}"  # its text may repeat the query
        result = CheckResult(self.kind, 0.0, self.threshold, passed=False, detail=detail, unrated=True)

        async def refuse(answer: Answer) -> tuple[CheckResult, ...]:
            return (result,)

        return refuse
