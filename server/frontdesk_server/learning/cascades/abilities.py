"""Fits how able the models are: marginal maximum likelihood by expectation and maximisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.abilities import AbilityModel

__all__ = ["fit_abilities"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_ITERATIONS = 30
_ABILITY_PENALTY, _DIFFICULTY_PENALTY = 0.1, 10.0


def fit_abilities(quality: Matrix, groups: NDArray[np.int64], difficulty: Vector) -> AbilityModel:
    """Fit on the quality of the members and, last, of the strongest model, and on which members' answers agree."""
    mean = (quality.sum(axis=0) + 1.0) / (len(quality) + 2.0)
    model = AbilityModel(np.log(mean / (1.0 - mean)), 0.0, 2.0, _coincidence(quality[:, :-1], groups))
    for _ in range(_ITERATIONS):
        ease, log_weight = model.ease(difficulty)
        logits = model.abilities[:, None] + ease[:, None, :]
        log_joint = (quality[:, :, None] * logits - np.logaddexp(0.0, logits)).sum(axis=1) + log_weight
        posterior = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        expected = (posterior * ease).sum(axis=1)
        weight = -(difficulty @ expected) / (difficulty @ difficulty + _DIFFICULTY_PENALTY)
        spread = np.sqrt((posterior * (ease + weight * difficulty[:, None]) ** 2).sum(axis=1).mean())
        chance = 1.0 / (1.0 + np.exp(-logits))
        slope = (posterior[:, None, :] * chance).sum(axis=(0, 2)) - quality.sum(axis=0)
        curvature = (posterior[:, None, :] * chance * (1.0 - chance)).sum(axis=(0, 2))
        step = (slope + _ABILITY_PENALTY * model.abilities) / (curvature + _ABILITY_PENALTY)
        model = AbilityModel(
            model.abilities - np.clip(step, -1.0, 1.0), float(weight), float(spread), model.coincidence
        )
    return model


def _coincidence(quality: Matrix, groups: NDArray[np.int64]) -> float:
    """Return the share of pairs of wrong answers that are the same, drawn a little towards a quarter."""
    wrong = (quality < 0.5) & (groups >= 0)
    pairs = np.triu(wrong[:, :, None] & wrong[:, None, :], 1)
    same = pairs & (groups[:, :, None] == groups[:, None, :])
    return float((same.sum() + 1.0) / (pairs.sum() + 4.0))
