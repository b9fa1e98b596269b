"""Routers that run a fitted cascade: what is planned for which query, and which artefacts are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from frontdesk_server.artefacts.cascade.artefact import save_cascade
from frontdesk_server.domain.affinity import NO_AFFINITY, Affinity
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.decision import Exclusion, ExclusionReason, PlanStep, StepKind, StreamMode
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, Tool, ToolCall, ToolResult, text_query
from frontdesk_server.routing.engine import Engine

from tests.fitted import a_fitted_cascade, asks
from tests.unit.routing.desk import engine_of, route
from tests.unit.routing.test_affinity import CHAT, remembering

PATH = "default/cascade"


class Down(CalmConditions):
    """These models may not answer."""

    def __init__(self, *models: str) -> None:
        self._models = models

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        return Exclusion(ExclusionReason.BREAKER_OPEN, "down") if model.name in self._models else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds the artefact of a cascade that asks mid, then small, then frontier."""
    save_cascade(a_fitted_cascade(asks("mid"), asks("small"), pool=("small", "mid", "local")), tmp_path / "fitted")
    return tmp_path


def _engine(
    folder: Path,
    *,
    down: tuple[str, ...] = (),
    router: str = "",
    strategy: str = "artefact: fitted",
    affinity: Affinity = NO_AFFINITY,
) -> Engine:
    return engine_of(
        f"routers: {{default: {{default_model: local{router}, strategy: {{kind: cascade, {strategy}}}}}}}",
        conditions=Down(*down),
        affinity=affinity,
        source=str(folder / "frontdesk.yaml"),
    )


def _models(plan: tuple[PlanStep, ...]) -> list[str]:
    return [step.model for step in plan]


async def test_an_easy_query_asks_the_members_in_their_order_and_then_the_strongest(folder: Path) -> None:
    decision = await route(_engine(folder), "easy")
    assert decision.plan == (
        PlanStep("mid", StepKind.PRIMARY, PATH, StreamMode.HOLD),
        PlanStep("small", StepKind.ESCALATION, PATH, StreamMode.HOLD),
        PlanStep("frontier", StepKind.ESCALATION),
    )
    assert (decision.model, decision.strategy) == ("mid", "cascade")
    assert decision.reason.startswith(
        "cascade mid → small → frontier: looks +0.00 hard, its members are asked up to +1.00"
    )


async def test_a_hard_query_goes_straight_to_the_strongest(folder: Path) -> None:
    decision = await route(_engine(folder), "hard")
    assert decision.plan == (PlanStep("frontier", StepKind.PRIMARY),)
    assert "looks +10.00 hard, its members are asked up to +1.00" in decision.reason


@pytest.mark.parametrize(
    ("text", "down", "router", "plan"),
    [
        pytest.param("easy", ("mid",), "", ["small", "frontier"], id="a member that may not answer is left out"),
        pytest.param("easy", ("mid", "small"), "", ["frontier"], id="without members the strongest answers"),
        pytest.param("easy", ("frontier",), "", ["mid", "small"], id="without the strongest the members do"),
        pytest.param("hard", ("frontier",), "", ["mid", "small"], id="though the query be hard"),
        pytest.param("easy", ("frontier", "mid", "small"), "", ["local"], id="without all the default does"),
        pytest.param("easy", (), ", max_attempts: 2", ["mid", "frontier"], id="few attempts keep the strongest"),
        pytest.param("easy", (), ", fallbacks: [local, mid]", ["mid", "small", "frontier", "local"], id="fallbacks"),
        pytest.param("hard", (), ", fallbacks: [local, mid]", ["frontier", "local", "mid"], id="fallbacks of one"),
    ],
)
async def test_what_is_planned(folder: Path, text: str, down: tuple[str, ...], router: str, plan: list[str]) -> None:
    assert _models((await route(_engine(folder, down=down, router=router), text)).plan) == plan


async def test_where_one_attempt_is_allowed_the_strongest_makes_it(folder: Path) -> None:
    decision = await route(_engine(folder), "easy", RoutingPolicy(max_attempts=1))
    assert decision.plan == (PlanStep("frontier", StepKind.PRIMARY),)


async def test_a_conversation_goes_on_from_the_member_it_had_come_to(folder: Path) -> None:
    engine = _engine(folder, router=", switch_cost: 0.9", affinity=remembering("small"))
    assert (await route(engine, "easy", CHAT)).plan == (
        PlanStep("small", StepKind.PRIMARY, PATH, StreamMode.HOLD),
        PlanStep("frontier", StepKind.ESCALATION),
    )


async def test_the_results_of_tools_go_to_the_member_that_called_them_and_to_no_panel(folder: Path) -> None:
    asked = text_query("easy").messages[0]
    called = Message(Role.ASSISTANT, (ToolCall("call-1", "search"),))
    loop = Query((asked, called, Message(Role.TOOL, (ToolResult("call-1", "found"),))))
    decision = await route(_engine(folder, affinity=remembering("mid")), loop, CHAT)
    assert decision.plan == (PlanStep("mid", StepKind.PRIMARY),)


async def test_queries_with_tools_ask_only_members_that_can_use_them(folder: Path) -> None:
    decision = await route(_engine(folder), replace(text_query("easy"), tools=(Tool("search"),)))
    assert _models(decision.plan) == ["mid", "frontier"]


async def test_a_cascade_that_asks_no_member_is_its_strongest_model(folder: Path) -> None:
    save_cascade(a_fitted_cascade(pool=("small",)), folder / "fitted")
    decision = await route(_engine(folder), "easy")
    assert _models(decision.plan) == ["frontier"]
    assert "none of its members may be asked" in decision.reason


@pytest.mark.parametrize(
    ("strategy", "router", "fault"),
    [
        ("artefact: nowhere", "", "holds no artefact.json"),
        (
            "artefact: fitted",
            ", models: [local, mid, frontier]",
            "asks 'small', which is none of the router's models; there are frontier, local, mid",
        ),
        ("artefact: fitted", ", models: [local, mid, small]", "asks 'frontier', which is none of"),
    ],
)
def test_an_artefact_that_cannot_be_run_is_a_fault_with_its_place(
    folder: Path, strategy: str, router: str, fault: str
) -> None:
    with pytest.raises(ConfigError) as error:
        _engine(folder, strategy=strategy, router=router)
    (found,) = error.value.faults
    assert found.path == "routers.default.strategy.artefact"
    assert fault in found.message
    assert found.line == 11


def test_a_member_that_the_policy_does_not_ask_may_be_missing(folder: Path) -> None:
    _engine(folder, router=", models: [local, small, mid, frontier]")
    save_cascade(a_fitted_cascade(asks("mid"), pool=("mid", "unheard-of")), folder / "fitted")
    _engine(folder)


@pytest.mark.parametrize(
    ("written", "changed", "fault"),
    [
        ('"kind": "cascade"', '"kind": "quality-predictor"', "not a cascade"),
        ('"compare": "auto"', '"compare": "taste"', "cannot be compared by 'taste'"),
        ('"small",', '"smaller",', "its policies ask small, not among its members"),
    ],
)
def test_an_artefact_that_makes_no_sense_is_refused(folder: Path, written: str, changed: str, fault: str) -> None:
    manifest = folder / "fitted" / "artefact.json"
    text = manifest.read_text()
    assert text.count(written) == 1
    manifest.write_text(text.replace(written, changed))
    with pytest.raises(ConfigError, match=fault):
        _engine(folder)


@pytest.mark.parametrize(
    ("strategy", "fault"),
    [
        ("artefact: fitted, steps: [{model: mid}]", "either steps or an artefact"),
        ("stream_mode: hold", "either steps or an artefact"),
        ("artefact: fitted, stream_mode: gate", "stream_mode gate cannot go with an artefact"),
        ("artefact: fitted, stream_mode: optimistic", "stream_mode optimistic cannot go with an artefact"),
    ],
)
def test_steps_and_artefacts_exclude_each_other(folder: Path, strategy: str, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        _engine(folder, strategy=strategy)
    (found,) = error.value.faults
    assert fault in found.message
    assert found.line == 11
