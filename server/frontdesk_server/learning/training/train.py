"""Training the quality predictor from recorded outcomes.

Outcomes become factors (:mod:`.factors`); blocks learn the factors from the text (:mod:`.blocks`); cross-validation
chooses each block's regularisation and its weight, zero included (:mod:`.stack`); the sum is written as one artefact
that numpy alone can run (:mod:`.export`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality.artefact import Artefact
from frontdesk_server.artefacts.quality.drift import profile_scores
from frontdesk_server.artefacts.quality.features import FeatureSpec
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.folds import folds_by_group, numbered
from frontdesk_server.learning.evaluation.added import added_by_predictions
from frontdesk_server.learning.evaluation.comparable import lack_of_alternatives
from frontdesk_server.learning.evaluation.neighbours import Remembered, ask_other_folds
from frontdesk_server.learning.training.blocks import BLOCKS, Targets
from frontdesk_server.learning.training.export import Parts, export_arrays
from frontdesk_server.learning.training.factors import Factors, fit_factors
from frontdesk_server.learning.training.heads import LabelledTexts, fit_heads
from frontdesk_server.learning.training.matrix import FeatureMatrix, fit_scaling, read_texts
from frontdesk_server.learning.training.posterior import fit_posterior
from frontdesk_server.learning.training.reliability import measure_reliability
from frontdesk_server.learning.training.settings import FEATURES, TrainingSettings
from frontdesk_server.learning.training.stack import Stack, fit_stack
from frontdesk_server.learning.training.topics import fit_topics, number_domains, with_topics_out_of_fold

__all__ = ["TrainingError", "progress_steps", "train"]

MIN_QUERIES, MIN_FOLDS = 20, 3


class TrainingError(FrontdeskError):
    """The data or the settings cannot be trained on; the message says why."""


def progress_steps(dataset: Dataset, settings: TrainingSettings) -> int:
    """Return how many steps `train` will report for this data."""
    groups = 1 if len(dataset.models) < 2 else 2
    return len(dataset) + groups * sum(len(BLOCKS[name][1]) for name in settings.blocks)


def train(
    dataset: Dataset,
    embedder: Embedder,
    settings: TrainingSettings | None = None,
    *,
    labelled: LabelledTexts | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Artefact:
    """Train on every query with at least one outcome. `labelled` adds the heads for task and difficulty.

    Raises TrainingError where the data is too small or a feature is unknown.
    """
    settings = settings or TrainingSettings()
    usable = _usable(dataset, settings)
    raw = read_texts(usable.prompts, embedder, settings.lexical_bits, advance)
    raw_labelled = read_texts(labelled.texts, embedder, settings.lexical_bits) if labelled else None
    scaling = fit_scaling(raw if raw_labelled is None else raw.joined(raw_labelled))
    features = raw.scaled(scaling)
    domains = number_domains(usable.domains)
    factors = fit_factors(usable.quality, domains, settings.max_factors)
    groups = usable.domains if settings.unseen_domains else usable.prompts
    folds = folds_by_group(groups, settings.folds, settings.seed)
    topics = None
    if "topics" in settings.blocks:
        features = with_topics_out_of_fold(features, domains, folds)
        topics = fit_topics(features, domains, features.topics.shape[1])
    stacks = _fit_stacks(features, factors, domains, folds, len(set(groups)), settings, advance)
    held_out = np.clip(factors.expected([stack.out_of_fold for stack in stacks]), 0.0, 1.0)
    added, unknown = {}, lack_of_alternatives(usable)
    if len(usable.models) == 1:
        unknown = f"all outcomes are of {usable.models[0]}, which leaves nothing to choose"
    if not unknown:
        asked = Remembered(usable.models, usable.quality, features.dense, numbered(groups))
        neighbours = ask_other_folds(asked, folds, "the other folds", settings.seed)
        unseen = factors.expected([stack.unseen for stack in stacks])
        added = dict(added_by_predictions(unseen, usable.quality, usable.cost_nano_usd, neighbours, folds))
    heads = fit_heads(raw_labelled.scaled(scaling), labelled, settings.seed) if labelled and raw_labelled else None
    posterior = fit_posterior(features.linear, factors, held_out, usable.quality)
    parts = Parts(scaling, factors, topics, stacks, posterior, heads)
    return Artefact(
        models=usable.models,
        embedder_id=embedder.id,
        embedder_dimension=embedder.dimension,
        features=FeatureSpec(settings.lexical_bits),
        arrays=export_arrays(parts),
        has_tasks=heads is not None,
        data_sha256=usable.sha256,
        metrics=_metrics(
            usable,
            held_out,
            stacks,
            settings,
            {"routing_adds": added, "routing_adds_unknown": unknown, **(heads.metrics if heads else {})},
        ),
        score_profiles=profile_scores(usable.models, held_out),
    )


def _usable(dataset: Dataset, settings: TrainingSettings) -> Dataset:
    if unknown := sorted(set(settings.features) - set(FEATURES)):
        raise TrainingError(f"unknown feature {', '.join(unknown)}; known: {', '.join(FEATURES)}")
    known = ~np.isnan(dataset.quality)
    if silent := [model for j, model in enumerate(dataset.models) if not known[:, j].any()]:
        raise TrainingError(f"no outcome at all for model {', '.join(silent)}")
    usable = dataset if known.any(axis=1).all() else dataset.take(np.flatnonzero(known.any(axis=1)))
    if len(usable) < MIN_QUERIES:
        raise TrainingError(f"{len(usable)} queries with an outcome; training needs at least {MIN_QUERIES}")
    if settings.folds < MIN_FOLDS:
        raise TrainingError(f"training needs at least {MIN_FOLDS} folds")
    if settings.unseen_domains and len(set(usable.domains)) < settings.folds:
        raise TrainingError(f"unseen domains need at least {settings.folds} domains, the data has fewer")
    if len(set(usable.prompts)) < settings.folds:
        raise TrainingError(f"{settings.folds} folds need as many prompts that differ, the data has fewer")
    return usable


def _fit_stacks(
    features: FeatureMatrix,
    factors: Factors,
    domains: NDArray[np.int64],
    folds: NDArray[np.int64],
    groups: int,
    settings: TrainingSettings,
    advance: Callable[[int], None],
) -> list[Stack]:
    """Fit one stack for the ease of a query and one for what sets models apart: they need different smoothness.

    The second knows the ease that the first expects, of each row by blocks that had not seen it.
    """
    fit = partial(fit_stack, folds=folds, names=settings.blocks, groups=groups, seed=settings.seed, advance=advance)
    ease = fit(features, Targets(factors.z[:, :1], domains))
    if factors.z.shape[1] == 1:
        return [ease]
    return [ease, fit(replace(features, ease=ease.out_of_fold), Targets(factors.z[:, 1:], domains))]


def _metrics(
    dataset: Dataset,
    held_out: NDArray[np.float64],
    stacks: Sequence[Stack],
    settings: TrainingSettings,
    further: dict[str, Any],
) -> dict[str, Any]:
    measured = measure_reliability(dataset.models, held_out, dataset.quality)
    rows = np.array([model.rows for model in measured], dtype=float)
    weights = rows / rows.sum()
    return {
        "queries": len(dataset),
        "outcomes": int(rows.sum()),
        "held_out_by": "domain" if settings.unseen_domains else "query",
        "folds": settings.folds,
        "seed": settings.seed,
        "brier": round(float(weights @ [model.brier for model in measured]), 5),
        "brier_of_mean": round(float(weights @ [model.brier_of_mean for model in measured]), 5),
        "ece": round(float(weights @ [model.ece for model in measured]), 5),
        "models": [model.as_dict() for model in measured],
        "blocks": [
            {
                name: {"weight": round(stack.weights[name], 4), "strength": stack.strengths[name]}
                for name in settings.blocks
            }
            for stack in stacks
        ],
        **further,
    }
