"""A strategy that others wrote spoils no call: it can change nothing, end nothing, and is told what it did wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from frontdesk_server.domain.decision import PlanStep, StepKind, Verdict
from frontdesk_server.routing.ranking import Ranking, out_of_form
from frontdesk_server.routing.selection import Prediction
from frontdesk_server.routing.strategies.base import RoutingContext, consult
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.model import FixedModel

from tests.conftest import DefectLog
from tests.unit.routing.desk import a_context

ELIGIBLE = ("hit", "miss")


@dataclass(frozen=True, slots=True)
class Does:
    """A strategy that does this with its context."""

    what: Callable[[Any], object]
    path: str = "default/chain.0/does"
    kind: str = "does"

    async def rank(self, context: RoutingContext) -> Ranking:
        self.what(context)
        return Ranking(Verdict.ABSTAINED, "it did it")


CHANGES: dict[str, Callable[[Any], object]] = {
    "eligible": lambda context: context.eligible.clear(),
    "outlooks": lambda context: context.outlooks.pop("mid"),
    "one model": lambda context: setattr(context.eligible["mid"], "name", "other"),
    "the policy": lambda context: setattr(context.policy, "router", "other"),
    "the query": lambda context: setattr(context.query, "messages", ()),
    "the signals": lambda context: setattr(context.signals, "text", ""),
    "the preferences": lambda context: setattr(context.preferences, "quality_floor", 2.0),
    "the context": lambda context: setattr(context, "eligible", {}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_a_strategy_is_handed_it_cannot_change_for_others(
    change: Callable[[Any], object], caught_defects: DefectLog
) -> None:
    context = a_context()
    before = repr(context)
    ranking = await consult(Chain("default/chain", (Does(change), FixedModel("default/chain.1/model", "mid"))), context)

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert repr(context) == before
    caught_defects.clear()


class OfItsOwn(BaseException):
    """What no `except Exception` catches."""


ENDS = [KeyboardInterrupt("stop"), SystemExit(3), GeneratorExit(), OfItsOwn(), BaseExceptionGroup("two", [OfItsOwn()])]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
async def test_what_would_end_the_process_fails_the_strategy_alone(
    end: BaseException, caught_defects: DefectLog
) -> None:
    def raises(_: object) -> None:
        raise end

    ranking = await consult(
        Chain("default/chain", (Does(raises), FixedModel("default/chain.1/model", "mid"))), a_context()
    )

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert ranking.steps_taken[1].reason.endswith(type(end).__name__)
    (line,) = caught_defects
    assert str(line["frames"]).startswith("['routing/test_strategies_of_others.py:")
    caught_defects.clear()


async def test_what_would_end_the_process_ends_nothing_when_it_comes_after_the_caller_has_left(
    caught_defects: DefectLog,
) -> None:
    class Interrupts(Does):
        async def rank(self, context: RoutingContext) -> Ranking:
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyboardInterrupt

    asking = asyncio.create_task(consult(Interrupts(id), a_context()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (line,) = caught_defects
    assert line["error_type"] == "KeyboardInterrupt"
    caught_defects.clear()


def _chose(model: Any = "hit", **further: Any) -> Ranking:
    return Ranking(Verdict.CHOSE, "x", model, **further)


_CASCADE = (PlanStep("hit", StepKind.PRIMARY, "nowhere"), PlanStep("miss", StepKind.ESCALATION))
TOLD: dict[str, tuple[object, str]] = {
    "no ranking": ("hit", "returned str and no Ranking"),
    "an unknown model": (_chose("nobody"), "chose 'nobody'; hit, miss may answer"),
    "a long text as a model": (_chose("x" * 999), f"chose '{'x' * 39}…; hit, miss may answer"),
    "no model": (_chose(""), "chose no model; hit, miss may answer"),
    "a number as a model": (_chose(5), "its model is int and no str"),
    "a verdict as a text": (Ranking("chose", "x", "hit"), "its verdict is str and no Verdict"),  # type: ignore[arg-type]
    "a reason as bytes": (_chose()._replace(reason=b"x"), "its reason is bytes and no str"),  # type: ignore[arg-type]
    "a reason that is no Unicode": (_chose()._replace(reason="\ud800"), "its reason is no Unicode"),
    "a confidence as a text": (_chose(confidence="high"), "its confidence is str and no int or float or None"),
    "a prediction as a number": (
        _chose(predictions={"hit": 0.5}),
        "what it predicts of 'hit' is float and no Prediction of a number",
    ),
    "a quality as a text": (
        _chose(predictions={"hit": Prediction("good")}),  # type: ignore[arg-type]
        "what it predicts of 'hit' is frontdesk_server.routing.selection.Prediction and no Prediction of a number",
    ),
    "a score as a text": (_chose(scores={"hit": "good"}), "its score of 'hit' is str and no int or float"),
    "models in a list": (_chose(restricted_to=["hit"]), "its restricted_to is list and no frozenset or None"),
    "steps that are none": (_chose(steps=("hit",)), "its steps hold str and no PlanStep"),
    "steps that begin with another": (
        _chose("miss", steps=_CASCADE),
        "chose 'miss', and the first of its steps is of 'hit'",
    ),
    "a check of no name": (
        _chose(steps=_CASCADE),
        "its step of hit names the check 'nowhere', which there is not",
    ),
}


@pytest.mark.parametrize(("returned", "told"), TOLD.values(), ids=TOLD)
def test_what_is_out_of_form_is_told_with_what_is_allowed(returned: object, told: str) -> None:
    assert out_of_form(returned, ELIGIBLE, {"default/cascade.0"}) == told


async def test_the_decision_and_the_log_tell_what_was_out_of_form(caught_defects: DefectLog) -> None:
    class Chooses(Does):
        async def rank(self, context: RoutingContext) -> Ranking:
            return _chose("nobody")

    ranking = await consult(Chooses(id), a_context())

    assert ranking.reason == "chose 'nobody'; frontier, mid, small may answer"
    (line,) = caught_defects
    assert (line["told"], line["frames"]) == (ranking.reason, [])
    caught_defects.clear()
