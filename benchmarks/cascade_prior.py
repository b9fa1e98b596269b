"""Learns what `ScorePrior` ships, from pools that are drawn from public outcomes: cascade_prior.py DATA_DIR.

DATA_DIR holds zeroeval_{gsm,crux,math-l5}/dev.parquet. From each set pools are drawn: five cheap members and a model
at least about as good that costs at least five times as much. One logistic model of "the strongest model would do
better" is fitted to all states of all pools of a set, with an intercept a pool. Printed are each set's weights in
log-odds a unit, the prior from all three, and for each set the prior from the two others, by which it may be judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from cascade_quality import SETS
from frontdesk_server.artefacts.cascade.state import FEATURES
from frontdesk_server.learning.cascades.difficulty import Rows, TextFeatures
from frontdesk_server.learning.cascades.scorer import ScorePrior, score_states
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.data.recorded import RecordedAnswers, record_answers
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

_POOLS, _MEMBERS, _STEPS, _SEED = 30, 5, 4, 77
_STRONGEST, _DEAREST_MEMBER, _LEAST_QUALITY = 25, 0.2, 0.3
"""How many of the best models may be the strongest; cost and quality that members may at most and must at least have,
of the strongest model's."""
_COLUMNS = [FEATURES.index(name) for name in ScorePrior.__slots__]

Matrix = NDArray[np.float64]


def draw_pools(dataset: Dataset, rng: np.random.Generator) -> list[RecordedAnswers]:
    """Draw pools among the models that answered every question."""
    complete = ~np.isnan(dataset.quality).any(axis=0)
    dataset = dataset.select_models([model for model, full in zip(dataset.models, complete, strict=True) if full])
    quality, cost = dataset.quality.mean(axis=0), dataset.cost_nano_usd.mean(axis=0)
    best = np.argsort(-quality)[:_STRONGEST]
    pools = []
    while len(pools) < _POOLS:
        strongest = rng.choice(best)
        cheap = (cost <= _DEAREST_MEMBER * cost[strongest]) & (quality <= quality[strongest] + 0.01)
        members = np.flatnonzero(cheap & (quality >= _LEAST_QUALITY * quality[strongest]))
        if len(members) > _MEMBERS:
            chosen = rng.choice(members, _MEMBERS, replace=False)
            pools.append(record_answers(dataset, [dataset.models[j] for j in chosen], dataset.models[strongest]))
    return pools


def shared_weights(pools: list[RecordedAnswers]) -> Matrix:
    """Return the weights of the shared features [len(FEATURES)], in log-odds a unit."""
    features, better, pool = [], [], []
    text = TextFeatures.of(pools[0].prompts)
    for number, data in enumerate(pools):
        rows = np.arange(len(data))
        scored = score_states(data, text, rows, _folds, _STEPS, ScorePrior(0.0, 0.0))
        for state in scored.states.values():
            features.append(state.features[:, : len(FEATURES)])
            better.append(data.quality[:, -1] > data.quality[rows, state.lead])
            pool.append(np.full(len(data), number))
    shared = np.vstack(features)
    scale = shared.std(axis=0) + 1e-6
    intercepts = np.concatenate(pool)[:, None] == np.arange(len(pools))
    model = LogisticRegression(C=30.0, fit_intercept=False, max_iter=1000)
    model.fit(np.hstack([shared / scale, intercepts]), np.concatenate(better))
    return np.asarray(model.coef_[0, : len(FEATURES)] / scale)


def _folds(rows: Rows) -> list[tuple[Rows, Rows]]:
    return [(rows[rest], rows[part]) for rest, part in KFold(5, shuffle=True, random_state=_SEED).split(rows)]


def main(data_dir: Path) -> None:
    """Print the weights."""
    weights = {}
    for which in SETS:
        dataset = read_dataset(data_dir / which.folder / "dev.parquet")
        weights[which.name] = shared_weights(draw_pools(dataset, np.random.default_rng(_SEED)))
        print(f"{which.name}: " + ", ".join(f"{f} {w:.2f}" for f, w in zip(FEATURES, weights[which.name], strict=True)))
    print(_prior("all sets", list(weights.values())))
    for name in weights:
        print(_prior(f"without {name}", [weights[other] for other in weights if other != name]))


def _prior(name: str, weights: list[Matrix]) -> str:
    return f"{name}: {ScorePrior(*(round(float(weight), 2) for weight in np.mean(weights, axis=0)[_COLUMNS]))}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
