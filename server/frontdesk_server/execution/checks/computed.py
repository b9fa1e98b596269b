"""Checks that are computed from the answer alone."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from frontdesk_server.config.checks import HeuristicCheck, LogprobCheck
from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.execution.checks.base import CheckContext, Judge
from frontdesk_server.judging.heuristics import judge_answer


@dataclass(frozen=True, slots=True)
class Logprob:
    """Probability of the answer's tokens: how sure the model was while it wrote."""

    config: LogprobCheck
    needs_logprobs: bool = True

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        """Nothing to prepare."""
        yield self._judge

    async def _judge(self, answer: Answer) -> tuple[CheckResult, ...]:
        config = self.config
        if not answer.logprobs:
            detail = "the upstream returned no log-probabilities"
            return (CheckResult("logprob", 0.0, config.threshold, passed=False, detail=detail, unrated=True),)
        logprobs = [token.logprob for token in answer.logprobs]
        if not all(map(math.isfinite, logprobs)):
            detail = "the upstream's log-probabilities are not finite numbers"
            return (CheckResult("logprob", 0.0, config.threshold, passed=False, detail=detail, unrated=True),)
        match config.statistic:
            case "min":
                statistic = min(logprobs)
            case "first":
                first = logprobs[: config.first_tokens]
                statistic = sum(first) / len(first)
            case "mean":
                statistic = sum(logprobs) / len(logprobs)
        score = math.exp(min(0.0, statistic))
        detail = f"{config.statistic} probability {score:.3f} over {len(logprobs)} tokens"
        return (CheckResult("logprob", score, config.threshold, score >= config.threshold, detail),)


@dataclass(frozen=True, slots=True)
class Heuristic:
    """Signs of a bad answer: refusal, "I do not know", emptiness, repetition, invalid JSON."""

    config: HeuristicCheck
    needs_logprobs: bool = False

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        """Nothing to prepare."""

        async def judge(answer: Answer) -> tuple[CheckResult, ...]:
            verdict = judge_answer(answer, context.query, min_characters=self.config.min_characters)
            threshold = self.config.threshold
            return (CheckResult("heuristic", verdict.score, threshold, verdict.score >= threshold, verdict.reason),)

        yield judge
