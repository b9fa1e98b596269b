from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.routing.selection import Outlook, Prediction, Preferences, prior_quality, rank, select
from hypothesis import given
from hypothesis import strategies as st

QUALITIES = {"small": Prediction(0.6), "mid": Prediction(0.8), "frontier": Prediction(0.95)}
OUTLOOKS = {
    "small": Outlook(100_000, 0.1),
    "mid": Outlook(2_000_000, 0.3),
    "frontier": Outlook(20_000_000, 1.5),
}

_fractions = st.floats(0, 1)
_predictions = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.builds(Prediction, _fractions), min_size=1
)
_outlook = st.builds(Outlook, st.none() | st.integers(0, 10**10), st.none() | st.floats(0, 100, allow_subnormal=False))
_preferences = st.builds(Preferences, st.none() | _fractions, st.floats(0, 5), st.floats(0, 5))


@st.composite
def _cases(draw: st.DrawFn) -> tuple[dict[str, Prediction], dict[str, Outlook], Preferences]:
    predictions = draw(_predictions)
    return predictions, {name: draw(_outlook) for name in predictions}, draw(_preferences)


@pytest.mark.parametrize(
    ("preferences", "model"),
    [
        (Preferences(), "frontier"),
        (Preferences(quality_floor=0.5), "small"),
        (Preferences(quality_floor=0.8), "mid"),
        (Preferences(quality_floor=0.81), "frontier"),
        (Preferences(quality_floor=0.99), "frontier"),
        (Preferences(cost_weight=0.1), "mid"),
        (Preferences(cost_weight=10), "small"),
        (Preferences(latency_weight=0.05), "frontier"),
        (Preferences(latency_weight=0.2), "mid"),
        (Preferences(latency_weight=2), "small"),
        (Preferences(quality_floor=0.7, cost_weight=10), "mid"),
        (Preferences(quality_floor=0.7, latency_weight=0.01), "frontier"),
    ],
)
def test_selection_follows_the_wishes(preferences: Preferences, model: str) -> None:
    assert select(QUALITIES, OUTLOOKS, preferences).model == model


def test_an_unknown_cost_is_never_the_cheapest() -> None:
    outlooks = OUTLOOKS | {"small": Outlook(None, None)}

    assert select(QUALITIES, outlooks, Preferences(quality_floor=0.5)).model == "mid"
    assert (
        select({"small": Prediction(0.8), "mid": Prediction(0.8)}, outlooks, Preferences(cost_weight=1)).model == "mid"
    )


def test_ties_go_to_the_better_the_cheaper_the_faster_then_by_name() -> None:
    same = Prediction(0.8)

    assert select({"b": same, "a": same}, {"a": Outlook(2, 1), "b": Outlook(1, 1)}, Preferences()).model == "b"
    assert select({"b": same, "a": same}, {"a": Outlook(1, 2), "b": Outlook(1, 1)}, Preferences()).model == "b"
    assert select({"b": same, "a": same}, {"a": Outlook(1, 1), "b": Outlook(1, 1)}, Preferences()).model == "a"


def test_the_reason_says_what_decided() -> None:
    assert "cheapest that reaches the floor of 0.70" in select(QUALITIES, OUTLOOKS, Preferences(0.7)).reason
    assert "none reaches the floor of 0.99" in select(QUALITIES, OUTLOOKS, Preferences(0.99)).reason
    assert "best utility" in select(QUALITIES, OUTLOOKS, Preferences(cost_weight=0.1)).reason


@given(_cases())
def test_every_model_is_ranked_once_whatever_their_order(
    case: tuple[dict[str, Prediction], dict[str, Outlook], Preferences],
) -> None:
    predictions, outlooks, preferences = case
    ranked = [scored.model for scored in rank(predictions, outlooks, preferences)]
    reverse = dict(reversed(predictions.items()))

    assert sorted(ranked) == sorted(predictions)
    assert select(predictions, outlooks, preferences).model == ranked[0]
    assert [scored.model for scored in rank(reverse, outlooks, preferences)] == ranked


@given(_cases())
def test_with_a_floor_no_model_below_it_wins_while_one_reaches_it(
    case: tuple[dict[str, Prediction], dict[str, Outlook], Preferences],
) -> None:
    predictions, outlooks, preferences = case
    floor = 0.5
    model = select(predictions, outlooks, replace(preferences, quality_floor=floor)).model

    reaching = [name for name, prediction in predictions.items() if prediction.quality >= floor]
    assert not reaching or model in reaching
    assert reaching or predictions[model].quality == max(p.quality for p in predictions.values())


@given(_cases())
def test_a_floor_alone_selects_the_cheapest_of_known_cost(
    case: tuple[dict[str, Prediction], dict[str, Outlook], Preferences],
) -> None:
    predictions, outlooks, _ = case
    model = select(predictions, outlooks, Preferences(quality_floor=0.0)).model

    known = [outlook.cost_nano_usd for outlook in outlooks.values() if outlook.cost_nano_usd is not None]
    assert outlooks[model].cost_nano_usd == (min(known) if known else None)


@given(_cases(), st.floats(0.1, 10))
def test_without_a_floor_nothing_has_better_utility(
    case: tuple[dict[str, Prediction], dict[str, Outlook], Preferences], more: float
) -> None:
    predictions, outlooks, preferences = case
    ranked = rank(predictions, outlooks, replace(preferences, quality_floor=None))

    assert ranked[0].utility == max(scored.utility for scored in ranked)


def test_a_policy_overrides_the_routers_defaults() -> None:
    router = Preferences(quality_floor=0.7, cost_weight=1.0, latency_weight=0.5)

    assert router.resolved(RoutingPolicy()) is router
    assert router.resolved(RoutingPolicy(quality_floor=0.9)) == Preferences(0.9, 0.0, 0.0)
    assert router.resolved(RoutingPolicy(cost_weight=2.0)) == Preferences(0.7, 2.0, 0.5)
    assert router.resolved(RoutingPolicy(quality_floor=0.0, latency_weight=0.0)) == Preferences(0.0, 1.0, 0.0)


def test_priors_hold_for_middling_queries_and_part_the_models_on_hard_ones() -> None:
    weak, strong = 0.5, 0.9
    assert [prior_quality(quality, 0.5) for quality in (weak, strong)] == [weak, strong]
    assert prior_quality(weak, 0.05) > 0.9
    assert prior_quality(strong, 0.95) - prior_quality(weak, 0.95) > 0.5
