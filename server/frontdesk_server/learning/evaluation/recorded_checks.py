"""The checks of a configured cascade on recorded answers: run again where these suffice, else by recorded scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.config.checks import AgreementCheck, CheckConfig, CombinedCheck, HeuristicCheck, LogprobCheck
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.decision import PlanStep
from frontdesk_server.domain.errors import UpstreamUnreachable
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.query import Message, Query, Role, TextPart, text_query
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.checks import CheckContext, build_check
from frontdesk_server.learning.data.dataset import Dataset, DatasetError

__all__ = ["RecordedChecks", "Verdict", "is_recomputable", "recorded_scores"]


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
    Of other checks, which take token probabilities, ratings or further samples, the score must be recorded.
    """

    dataset: Dataset
    checks: Mapping[str, CheckConfig]

    def demand(self, step: PlanStep) -> None:
        """Raise DatasetError where the data can never tell what the step's check says."""
        if step.check and step.check not in self.checks:
            raise DatasetError(f"the cascade of {step.model} is a fitted one; give its artefact by --artefact")
        if not step.check:
            return
        config = self.checks[step.check]
        if is_recomputable(config, step.model):
            for model in self._heard(step):
                self.dataset.model_index(model)
            return
        lacking = f"the check {config.kind} of {step.model} cannot be recomputed from recorded answers"
        if config.kind in ("all", "any"):
            raise DatasetError(f"{lacking}, and a recorded score does not tell what its parts said")
        if np.isnan(recorded_scores(self.dataset, step.model, config)).all():
            raise DatasetError(f"{lacking}, and the column check_score holds no score that it gave")

    async def judge(self, step: PlanStep, row: int) -> Verdict | None:
        """Judge the step's answer to one query; None where an answer or a score that it takes is not recorded."""
        config = self.checks[step.check]
        if not is_recomputable(config, step.model):
            return self._recorded(config, step.model, row)
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

    def _recorded(self, config: CheckConfig, model: str, row: int) -> Verdict | None:
        column = self.dataset.model_index(model)
        score = _recorded_score(self.dataset, row, column, config)
        cost = float(self.dataset.check_cost_nano_usd[row, column])
        if np.isnan(score):
            return None
        return Verdict(score, score >= config.threshold, 0.0 if np.isnan(cost) and not _asks(config) else cost)

    def _heard(self, step: PlanStep) -> Iterator[str]:
        """The models whose answers the check goes by, the judged one first."""
        yield step.model
        yield from _others(self.checks[step.check])

    def _text(self, model: str, row: int) -> str | None:
        column = self.dataset.model_index(model)
        response = self.dataset.responses[row, column]
        text: str | None = self.dataset.answers[row, column] if response is None else response
        return text


def is_recomputable(check: CheckConfig, judged: str) -> bool:
    """Whether recorded answers tell what the check makes of the judged model's."""
    match check:
        case HeuristicCheck():
            return True
        case AgreementCheck(model=str() as other, samples=1):
            return other != judged
        case CombinedCheck():
            return all(is_recomputable(part, judged) for part in check.checks)
        case _:
            return False


def recorded_scores(dataset: Dataset, model: str, check: CheckConfig) -> NDArray[np.float64]:
    """The scores [n] that such a check gave the model's answers; NaN where none did."""
    column = dataset.model_index(model)
    return np.array([_recorded_score(dataset, row, column, check) for row in range(len(dataset))])


def _recorded_score(dataset: Dataset, row: int, column: int, check: CheckConfig) -> float:
    by_such = dataset.check_kind[row, column] in (None, check.kind)
    return float(dataset.check_score[row, column]) if by_such else float("nan")


def _others(check: CheckConfig) -> Iterator[str]:
    match check:
        case AgreementCheck(model=str() as other):
            yield other
        case CombinedCheck():
            for part in check.checks:
                yield from _others(part)


def _asks(check: CheckConfig) -> bool:
    """Whether it asks a model, which costs."""
    parts = check.checks if isinstance(check, CombinedCheck) else ()
    return not isinstance(check, LogprobCheck | HeuristicCheck | CombinedCheck) or any(map(_asks, parts))


def _reads_form(check: CheckConfig) -> bool:
    """Whether it looks at how an answer is put, which an extracted answer does not show."""
    parts = check.checks if isinstance(check, CombinedCheck) else ()
    return isinstance(check, HeuristicCheck) or any(map(_reads_form, parts))


def _answer(text: str) -> Answer:
    return Answer(Message(Role.ASSISTANT, (TextPart(text),)), FinishReason.STOP, Usage())
