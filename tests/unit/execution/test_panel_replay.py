"""What was evaluated offline is what runs: live, a fitted cascade gives the same answers at the same cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.domain.events import Completed, Finished, TextDelta
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.learning.cascades.evaluation import replay_fitted
from frontdesk_server.learning.cascades.fit import CascadeFitOptions, fit_cascade
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.recorded import record_answers
from frontdesk_server.routing.strategies.cascade import Fitted

from tests.fakes import Script, routed
from tests.unit.execution.test_executor import Desk, collect
from tests.unit.learning.recorded_fixture import POOL, recorded_dataset
from tests.unit.routing.desk import a_context

QUERIES = 150
PATH = "default/cascade"
NANO_USD_A_TOKEN = 1_000_000
"""Per million tokens: one nano-USD each, so that usage can carry any recorded cost."""
MODELS = {
    name: Model(name, (Deployment("fake", name),), context_window=2**30, prices=Prices(0, NANO_USD_A_TOKEN))
    for name in (*POOL, "strong")
}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedCascade:
    options = CascadeFitOptions(max_loss=0.02, max_steps=(3,), folds=3, repeats=1, cost_weights=(0.02, 0.1, 0.3))
    return fit_cascade(recorded_dataset(tmp_path_factory.mktemp("fit")), POOL, "strong", options)


@pytest.mark.parametrize("stream", [True, False])
async def test_live_answers_and_costs_are_those_of_the_replay(
    fitted: FittedCascade, tmp_path: Path, stream: bool
) -> None:
    dataset = recorded_dataset(tmp_path, n=QUERIES, seed=7)
    data = record_answers(dataset, POOL, "strong")
    ways = set()
    for number in range(len(fitted.policies)):
        cascade = replace(fitted, chosen=number)
        replayed = replay_fitted(data, cascade, [cascade.policy])[0]
        for i in range(number, len(data), 3):
            scripts = {model: [_script(answer, cost)] for model, answer, cost in _recorded(dataset, i)}
            model, asked, cost = await _live(cascade, data.prompts[i], scripts, stream=stream)
            assert model == data.models[replayed.answered_by[i]]
            assert set(asked) == {name for name, was in zip(data.models, replayed.asked[i], strict=True) if was}
            assert cost == replayed.cost_nano_usd[i]
            ways.add((*asked, model))
    assert {len(way) for way in ways} >= {2, 3, 4}
    assert any(way[-1] not in (way[-2], "strong") for way in ways), "no answer earlier than the last was ever given"


async def _live(
    cascade: FittedCascade, prompt: str, scripts: dict[str, list[Script]], *, stream: bool
) -> tuple[str, list[str], int | None]:
    """Whose answer was given, who was asked, and what all of it cost."""
    plan = (await Fitted(PATH, cascade).rank(a_context(prompt, models=MODELS))).steps
    desk = Desk(scripts)
    desk.executor = replace(desk.executor, models=MODELS, fitted={PATH: cascade})
    query = routed(plan, text_query(prompt))
    query = replace(query, decision=replace(query.decision, signals=replace(query.decision.signals, text=prompt)))
    *_, last = await collect(desk.start(query, stream=stream))
    assert isinstance(last, Completed)
    return last.model, [call.upstream_model for call in desk.backend.calls], last.settlement.cost.total_nano_usd


def _recorded(dataset: Dataset, row: int) -> Iterator[tuple[str, str, int]]:
    for model in MODELS:
        column = dataset.model_index(model)
        yield model, str(dataset.answers[row, column]), int(dataset.cost_nano_usd[row, column])


def _script(answer: str, cost_nano_usd: int) -> Script:
    return [TextDelta(answer), Finished(FinishReason.STOP, Usage(7, cost_nano_usd))]
