from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import EmbedderError
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.artefacts.quality.drift import WINDOW, DriftMonitor, DriftVerdict, profile_scores
from frontdesk_server.domain.decision import Candidate, Verdict
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, TextPart, Tool
from frontdesk_server.routing.engine import Engine

from tests.fakes import FakeClock
from tests.unit.routing.artefacts import save_artefact
from tests.unit.routing.desk import FakeEmbedder, engine_of, route

EASY = {"small": 0.85, "mid": 0.9, "frontier": 0.95}
HARD = {"small": 0.2, "mid": 0.5, "frontier": 0.9}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_artefact(tmp_path / "artefact", EASY, HARD)
    return tmp_path


def _engine(
    folder: Path,
    settings: str = "",
    router: str = "",
    embedder: FakeEmbedder | None = None,
    drift: DriftMonitor | None = None,
) -> Engine:
    return engine_of(
        "routers: {default: {default_model: local, models: [local, small, mid, frontier], "
        f"strategy: {{kind: classifier, artefact: artefact{settings}}}{router}}}}}",
        embedder=embedder,
        source=str(folder / "frontdesk.yaml"),
        drift=drift,
    )


@pytest.mark.parametrize(
    ("text", "settings", "policy", "model"),
    [
        ("hi there", ", quality_floor: 0.8", RoutingPolicy(), "local"),
        ("prove hard", "", RoutingPolicy(), "frontier"),
        ("hi there", ", quality_floor: 0.8", RoutingPolicy(excluded_models=frozenset({"local"})), "small"),
        ("prove hard", ", quality_floor: 0.8", RoutingPolicy(), "frontier"),
        ("prove hard", ", quality_floor: 0.45", RoutingPolicy(), "mid"),
        ("prove hard", ", quality_floor: 0.8", RoutingPolicy(quality_floor=0.1), "local"),
        ("prove hard", ", quality_floor: 0.1", RoutingPolicy(quality_floor=0.8), "frontier"),
    ],
)
async def test_selection_goes_by_what_the_artefact_predicts(
    folder: Path, text: str, settings: str, policy: RoutingPolicy, model: str
) -> None:
    assert (await route(_engine(folder, settings), text, policy)).model == model


async def test_candidates_tell_predicted_quality_and_its_uncertainty(folder: Path) -> None:
    decision = await route(_engine(folder), "prove hard")

    frontier = next(candidate for candidate in decision.candidates if candidate.model == "frontier")
    assert frontier.predicted_quality == pytest.approx(0.9, abs=0.01)
    assert frontier.quality_uncertainty == pytest.approx(0.01, abs=0.001)
    assert decision.path[0].confidence == pytest.approx(0.99, abs=0.001)
    assert f"difficulty {decision.signals.difficulty:.2f} (" in decision.reason
    assert decision.reason.count("difficulty") == 1


async def test_a_model_the_artefact_does_not_know_is_judged_by_its_prior_and_the_one_difficulty(
    folder: Path,
) -> None:
    def local(candidates: tuple[Candidate, ...]) -> Candidate:
        return next(candidate for candidate in candidates if candidate.model == "local")

    easy, hard = [await route(_engine(folder), text) for text in ("hi there", "prove hard")]

    for decision in (easy, hard):
        expected = 0.5 ** (2 * decision.signals.difficulty)
        assert local(decision.candidates).predicted_quality == pytest.approx(expected)
    assert local(hard.candidates).quality_uncertainty == pytest.approx(0.01, abs=0.001)


async def test_only_the_last_user_message_sways_what_is_predicted(folder: Path) -> None:
    """Tools, instructions and earlier turns never reach the artefact."""

    def says(role: Role, text: str) -> Message:
        return Message(role, (TextPart(text),))

    context = (
        says(Role.SYSTEM, "prove hard " * 200),
        says(Role.USER, "prove hard"),
        says(Role.ASSISTANT, "prove hard " * 200),
    )
    tools = tuple(Tool(f"tool{number}", "prove hard", '{"type": "object"}') for number in range(100))
    asked = [
        await route(_engine(folder), Query(messages=messages, tools=given))
        for given in ((), tools)
        for messages in (
            (says(Role.USER, "hi there, you"),),
            (*context, says(Role.USER, "hi there, you")),
            (says(Role.USER, "prove hard"),),
        )
    ]

    predicted = [
        [candidate.predicted_quality for candidate in decision.candidates if candidate.model == "frontier"]
        for decision in asked
    ]
    alone, in_context, hard, *with_tools = predicted
    assert alone == in_context != hard
    assert with_tools == [alone, in_context, hard]


async def test_models_are_mapped_to_the_artefacts_names(folder: Path) -> None:
    decision = await route(_engine(folder, ", models: {local: frontier}"), "prove hard")

    qualities = {candidate.model: candidate.predicted_quality for candidate in decision.candidates}
    assert qualities["local"] == qualities["frontier"]


async def test_an_uncertain_choice_is_left_to_the_next_strategy(folder: Path) -> None:
    settings = ", max_uncertainty: 0.1, quality_floor: 0.8"
    sure, unsure = [await route(_engine(folder, settings), text) for text in ("hi there", "odd question")]

    assert (sure.model, sure.strategy) == ("local", "classifier")
    assert unsure.path[0].verdict is Verdict.ABSTAINED
    assert "but only to within 0.30" in unsure.path[0].reason


async def test_an_empty_query_and_a_failing_embedder_hand_over(folder: Path) -> None:
    embedder = FakeEmbedder()
    engine = _engine(folder, embedder=embedder)
    empty = await route(engine, " ")
    embedder.error = EmbedderError("unplugged")
    failed = await route(engine, "hi there")

    assert [decision.path[0].verdict for decision in (empty, failed)] == [Verdict.ABSTAINED, Verdict.FAILED]


async def test_a_slow_embedder_times_out(folder: Path) -> None:
    embedder = FakeEmbedder()
    embedder.seconds = 60.0
    decision = await route(_engine(folder, embedder=embedder), "easy", deadline=FakeClock().monotonic() + 0.001)

    assert decision.path[0].verdict is Verdict.TIMED_OUT


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        (", models: {ghost: small}", "models.ghost", "no model is named 'ghost'"),
        (", models: {small: gpt-9}", "models.small", "the artefact knows no model 'gpt-9'"),
        (", then: {ghost: {kind: model, model: mid}}", "then.ghost", "no model is named 'ghost'"),
    ],
)
def test_contradictions_are_faults_with_their_place(folder: Path, settings: str, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        _engine(folder, settings)

    assert [(fault.path, message in fault.message) for fault in error.value.faults] == [
        (f"routers.default.strategy.{path}", True)
    ]


def test_an_artefact_that_is_absent_or_of_another_embedder_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"routers\.default\.strategy\.artefact: .*artefact"):
        _engine(tmp_path)
    save_artefact(tmp_path / "artefact", EASY, HARD, embedder_id="another@1")
    with pytest.raises(ConfigError, match="trained with embedder 'another@1'"):
        _engine(tmp_path)


class Heard:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.drifted: dict[str, list[bool]] = {}

    def judged(self, classifier: str, model: str, verdict: DriftVerdict) -> None:
        assert classifier == "default/classifier"
        self.drifted.setdefault(model, []).append(verdict.drifted)


async def test_predictions_are_watched_of_the_models_that_have_a_profile(folder: Path) -> None:
    """Training saw an easy and a hard query in turn; live traffic first does, and then is all hard."""
    artefact = Artefact.load(folder / "artefact")
    scores = np.tile([list(EASY.values()), list(HARD.values())], (200, 1))
    profiles = profile_scores(("small", "mid"), scores[:, :2])
    replace(artefact, score_profiles=profiles).save(folder / "artefact")
    heard = Heard()
    engine = _engine(folder, drift=heard)
    for number in range(2 * WINDOW):
        await route(engine, "prove hard" if number % 2 or number >= WINDOW else "hi there")
    assert heard.drifted == {"small": [False, True], "mid": [False, True]}


async def test_an_artefact_without_profiles_is_not_watched(folder: Path) -> None:
    heard = Heard()
    engine = _engine(folder, drift=heard)
    for _ in range(WINDOW):
        await route(engine, "prove hard")
    assert heard.drifted == {}
