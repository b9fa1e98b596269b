from __future__ import annotations

from dataclasses import dataclass

import pytest
from frontdesk_server.domain.decision import PlanStep, StepKind, Verdict
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.routing.hashing import stable_fraction
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult
from frontdesk_server.routing.strategies.cascade import Cascade, PlannedStep
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.choosing import hand_over
from frontdesk_server.routing.strategies.model import FixedModel
from frontdesk_server.routing.strategies.split import Arm, Split
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import DefectLog
from tests.unit.routing.desk import a_context


@dataclass(frozen=True)
class Scripted:
    """Concludes what it is told, or raises it."""

    result: Ranking | Exception
    path: str = "test/scripted"
    kind: str = "scripted"

    async def rank(self, context: RoutingContext) -> Ranking:
        if isinstance(self.result, Exception):
            raise self.result
        return conclude(self, context, context.clock.monotonic(), self.result)


ABSTAINS = Scripted(Ranking(Verdict.ABSTAINED, "unsure"))
TIMES_OUT = Scripted(Ranking(Verdict.TIMED_OUT, "too slow"))
BREAKS = Scripted(RuntimeError("out of order"))


def _chooses(model: str) -> Strategy:
    return FixedModel("test/model", model)


async def test_a_chain_asks_until_one_chooses_whatever_goes_wrong_before(caught_defects: DefectLog) -> None:
    chain = Chain("test/chain", (ABSTAINS, TIMES_OUT, BREAKS, _chooses("mid"), _chooses("small")))
    ranking = await chain.rank(a_context())

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert [(step.strategy, step.verdict) for step in ranking.steps_taken] == [
        ("chain", Verdict.CHOSE),
        ("scripted", Verdict.ABSTAINED),
        ("scripted", Verdict.TIMED_OUT),
        ("scripted", Verdict.FAILED),
        ("model", Verdict.CHOSE),
    ]
    assert "RuntimeError" in ranking.steps_taken[3].reason
    assert "out of order" not in ranking.steps_taken[3].reason
    assert [line["path"] for line in caught_defects] == ["test/scripted"]
    caught_defects.clear()


async def test_a_chain_in_which_none_chooses_abstains(caught_defects: DefectLog) -> None:
    assert (await Chain("test/chain", (ABSTAINS, BREAKS)).rank(a_context())).verdict is Verdict.ABSTAINED
    caught_defects.clear()


async def test_what_one_strategy_restricts_binds_the_later_ones() -> None:
    restricts = Scripted(Ranking(Verdict.ABSTAINED, "private", restricted_to=frozenset({"small", "mid"})))
    restricts_more = Scripted(Ranking(Verdict.ABSTAINED, "very", restricted_to=frozenset({"small", "frontier"})))
    chain = Chain("test/chain", (restricts, restricts_more, _chooses("mid"), _chooses("small")))
    ranking = await chain.rank(a_context())

    assert ranking.model == "small"
    assert ranking.restricted_to == frozenset({"small"})


async def test_contradicting_restrictions_leave_no_model_rather_than_all() -> None:
    first = Scripted(Ranking(Verdict.ABSTAINED, "a", restricted_to=frozenset({"small"})))
    second = Scripted(Ranking(Verdict.ABSTAINED, "b", restricted_to=frozenset({"mid"})))
    ranking = await Chain("test/chain", (first, second, _chooses("frontier"))).rank(a_context())

    assert ranking.verdict is Verdict.ABSTAINED
    assert ranking.restricted_to == frozenset()


def _split(*weights: float, salt: str = "") -> Split:
    total = sum(weights)
    return Split("test/split", [Arm(f"a{i}", w / total, _chooses("mid")) for i, w in enumerate(weights)], salt)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=6))
def test_propensities_of_a_split_sum_to_one(weights: list[float]) -> None:
    assert sum(arm.share for arm in _split(*weights).arms) == pytest.approx(1)


@given(st.text(max_size=20), st.text(max_size=8))
def test_a_key_always_falls_into_the_same_arm(key: str, salt: str) -> None:
    assert _split(1, 2, 3, salt=salt).arm(key).name == _split(1, 2, 3, salt=salt).arm(key).name
    assert 0 <= stable_fraction(key, salt) < 1


def test_arms_get_their_shares() -> None:
    split = _split(1, 3)
    first = sum(split.arm(f"user {number}").name == "a0" for number in range(8000))

    assert first / 8000 == pytest.approx(0.25, abs=0.02)


def test_another_salt_deals_anew() -> None:
    arms = [[_split(1, 1, salt=salt).arm(f"user {n}").name for n in range(400)] for salt in ("a", "b")]

    assert 120 < sum(one == other for one, other in zip(*arms, strict=True)) < 280


async def test_the_affinity_key_decides_over_the_text_and_the_propensity_is_the_arms() -> None:
    split = _split(1, 3)
    policy = RoutingPolicy(affinity_key="conversation 7")
    rankings = [await split.rank(a_context(text, policy=policy)) for text in ("one", "two", "three")]

    assert len({ranking.reason for ranking in rankings}) == 1
    assert rankings[0].propensity in (0.25, 0.75)
    assert [step.strategy for step in rankings[0].steps_taken] == ["split", "model"]


async def test_nested_splits_multiply_their_propensities() -> None:
    inner = _split(1, 1)
    outer = Split("test/outer", [Arm("x", 0.5, inner), Arm("y", 0.5, inner)], "")

    assert (await outer.rank(a_context("any"))).propensity == 0.25


async def test_the_propensity_of_a_branch_counts_whether_it_chose_or_handed_over() -> None:
    hands_over = Split("test/split", [Arm("a", 0.5, ABSTAINS), Arm("b", 0.5, ABSTAINS)], "")
    chain = Chain("test/chain", (hands_over, _chooses("mid")))

    assert (await chain.rank(a_context())).propensity == 0.5


def _cascade(*steps: PlannedStep) -> Cascade:
    return Cascade("test/cascade", steps)


def _planned(model: str, check: str = "", *asks: str) -> PlannedStep:
    return PlannedStep(PlanStep(model, StepKind.ESCALATION, check), frozenset(asks))


async def test_a_cascade_starts_with_its_first_eligible_model() -> None:
    ranking = await _cascade(_planned("gone", "c0"), _planned("small", "c1"), _planned("frontier")).rank(a_context())

    assert ranking.model == "small"
    assert ranking.steps == (
        PlanStep("small", StepKind.PRIMARY, "c1"),
        PlanStep("frontier", StepKind.ESCALATION),
    )


async def test_a_cascade_without_eligible_models_abstains() -> None:
    assert (await _cascade(_planned("gone")).rank(a_context())).verdict is Verdict.ABSTAINED


async def test_a_check_that_would_show_a_restricted_query_to_another_model_is_not_taken() -> None:
    cascade = _cascade(_planned("small", "c0", "frontier"), _planned("mid"))
    ranking = await cascade.rank(a_context().within(frozenset({"small", "mid"})))

    assert [step.model for step in ranking.steps] == ["mid"]


async def _chosen(model: str) -> Ranking:
    return await consult(_chooses(model), a_context())


async def test_the_strategy_that_follows_a_chosen_model_takes_over_and_the_path_shows_both() -> None:
    cascade = _cascade(_planned("small", "c0"), _planned("frontier"))
    ranking = await hand_over(await _chosen("small"), {"small": cascade}, a_context())

    assert [step.model for step in ranking.steps] == ["small", "frontier"]
    assert [(step.strategy, step.model) for step in ranking.steps_taken] == [("model", "small"), ("cascade", "small")]
    assert ranking.reason == "always small; cascade small → frontier"


async def test_a_choice_stands_where_nothing_follows_it_or_what_follows_abstains() -> None:
    alone = await hand_over(await _chosen("mid"), {"small": ABSTAINS}, a_context())
    abstained = await hand_over(await _chosen("small"), {"small": ABSTAINS}, a_context())

    assert (alone.model, len(alone.steps_taken)) == ("mid", 1)
    assert (abstained.model, len(abstained.steps_taken)) == ("small", 2)
    assert abstained.verdict is Verdict.CHOSE
