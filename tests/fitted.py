"""A small fitted cascade for tests: agreement of two is trusted, and a query that says "hard" looks hard."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from frontdesk_server.artefacts.cascade.difficulty import BUCKETS, STRUCTURE_NAMES, DifficultyModel
from frontdesk_server.artefacts.cascade.policy import CascadePolicy, CascadeStep, FittedCascade, LossScorer, Members
from frontdesk_server.artefacts.cascade.state import FEATURES, feature_count

ALONE_LOSES, AGREED_LOSES, NOTHING_LOSES = 0.88, 0.12, 1.0
"""Loss predicted, to the hundredth, of accepting an answer that stands alone, one that two gave, and none."""
NEVER = 2.0
"""A threshold that no predicted loss is above."""


def a_fitted_cascade(
    *steps: CascadeStep, strongest: str = "frontier", pool: Sequence[str] = (), hard_word: str = "hard"
) -> FittedCascade:
    """A cascade of these steps, its members in the order of `pool`; queries look 0 hard, with the word more than 1."""
    names = tuple(pool or (step.model for step in steps))
    ones, structure = np.ones(len(names)), np.zeros(len(STRUCTURE_NAMES))
    words = np.zeros(BUCKETS)
    words[zlib.crc32(hard_word.encode()) % BUCKETS] = 20.0
    features = feature_count(len(names))
    better, worse = np.zeros(features + 1), np.zeros(features + 1)
    better[FEATURES.index("two_agree")], better[-1], worse[-1] = -4.0, 2.0, -30.0
    return FittedCascade(
        strongest,
        Members(names, ones, ones * 0.0, ones, 0.0, 1.0),
        "auto",
        DifficultyModel(structure, structure + 1.0, structure, np.ones(BUCKETS), words, 0.0, 1.0),
        LossScorer(np.zeros(features), np.ones(features), better, worse),
        (CascadePolicy(steps, 1.0),),
        chosen=0,
        max_loss=0.02,
    )


def asks(model: str, *, accept_at_most: float = 0.5, escalate_above: float = NEVER) -> CascadeStep:
    """A step that accepts what two agree on, and otherwise asks the next member."""
    return CascadeStep(model, accept_at_most, escalate_above)
