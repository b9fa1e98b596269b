"""The checks of a configured cascade, run on recorded answers: the very checks that judge live ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from frontdesk_server.config.checks import AgreementCheck, CheckConfig, CombinedCheck, HeuristicCheck
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.decision import PlanStep
from frontdesk_server.domain.errors import UpstreamUnreachable
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.query import Message, Query, Role, TextPart, text_query
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.checks import CheckContext, build_check
from frontdesk_server.learning.dataset import Dataset, DatasetError

__all__ = ["RecordedChecks", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check makes of a recorded answer; `cost_nano_usd` of the models it asks is NaN where it is unknown."""

    score: float
    passed: bool
    cost_nano_usd: float


@dataclass(frozen=True, slots=True, eq=False)
class RecordedChecks:
    """Judges the answers of a data set. `checks` are by the name that steps of a plan give them.

    Agreement is compared by the recorded answers of the models that it would ask, heuristics by the recorded response.
    Other checks ask for what the data does not hold: token probabilities, ratings, further samples.
    """

    dataset: Dataset
    checks: Mapping[str, CheckConfig]

    def demand(self, step: PlanStep) -> None:
        """Raise DatasetError where the data can never tell what the step's check says."""
        if step.check and step.check not in self.checks:
            raise DatasetError(f"the cascade of {step.model} is a fitted one; give its artefact by --artefact")
        if step.check:
            for model in self._heard(step):
                self.dataset.model_index(model)

    async def judge(self, step: PlanStep, row: int) -> Verdict | None:
        """Judge the step's answer to one query; None where an answer that it takes is not recorded.

        Raises DatasetError where the data can never tell.
        """
        config = self.checks[step.check]
        if any(self._text(model, row) is None for model in self._heard(step)):
            return None
        if _reads_form(config) and self.dataset.responses[row, self.dataset.model_index(step.model)] is None:
            return None

        async def ask(
            model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
        ) -> Answer:
            heard = self._text(model, row)
            if heard is None:
                raise UpstreamUnreachable(f"{model} is not recorded")
            cost = self.dataset.cost_nano_usd[row, self.dataset.model_index(model)]
            bill.add(None if np.isnan(cost) else int(cost))
            return _answer(heard)

        asked = Bill()
        context = CheckContext(text_query(self.dataset.prompts[row]), step.model, NULL_CALL, lambda: 1.0, asked)
        async with build_check(config, ask).open(context) as judge:
            results = await judge(_answer(self._text(step.model, row) or ""))
        cost = asked.total_nano_usd
        return Verdict(results[-1].score, results[-1].passed, float("nan") if cost is None else float(cost))

    def _heard(self, step: PlanStep) -> Iterator[str]:
        """The models whose answers the check goes by, the judged one first."""
        yield step.model
        yield from _others(self.checks[step.check], step.model)

    def _text(self, model: str, row: int) -> str | None:
        column = self.dataset.model_index(model)
        response = self.dataset.responses[row, column]
        text: str | None = self.dataset.answers[row, column] if response is None else response
        return text


def _others(check: CheckConfig, judged: str) -> Iterator[str]:
    match check:
        case HeuristicCheck():
            return
        case AgreementCheck(model=str() as other, samples=1) if other != judged:
            yield other
        case AgreementCheck():
            raise DatasetError(f"the check of {judged} compares several samples of a model; the data holds one of each")
        case CombinedCheck():
            for part in check.checks:
                yield from _others(part, judged)
        case _:
            raise DatasetError(
                f"the check {check.kind} of {judged} cannot be recomputed from recorded answers: they come without "
                "token probabilities and ratings; agreement with another model and heuristic can"
            )


def _reads_form(check: CheckConfig) -> bool:
    """Whether it looks at how an answer is put, which an extracted answer does not show."""
    parts = check.checks if isinstance(check, CombinedCheck) else ()
    return isinstance(check, HeuristicCheck) or any(map(_reads_form, parts))


def _answer(text: str) -> Answer:
    return Answer(Message(Role.ASSISTANT, (TextPart(text),)), FinishReason.STOP, Usage())
