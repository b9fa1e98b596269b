"""What a caller may choose of a training, readable without the libraries that training needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FEATURES", "STRUCTURE_FEATURES", "TrainingSettings"]

FEATURES: tuple[str, ...] = ("words", "topics", "embedding", "landmarks", "ferns")
"""Every kind of feature that training can use; each has its block in :mod:`.blocks`."""

STRUCTURE_FEATURES: tuple[str, ...] = ("landmarks", "ferns")
"""The features that carry over to domains never seen: how a query is built, not what it is about."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a caller may choose; the defaults suit a thousand queries as well as a hundred thousand."""

    features: Sequence[str] = ()
    """Which blocks cross-validation may use; none named means all, or STRUCTURE_FEATURES for unseen domains."""
    folds: int = 5
    unseen_domains: bool = False
    """Train for domains that the data lacks: whole domains are held out, and vocabulary is not trusted by default."""
    max_factors: int = 16
    """At most this many factors describe how models differ; a pool of fewer models is described fully."""
    lexical_bits: int = 16
    """Words and pairs are hashed into 2 ** lexical_bits buckets."""
    seed: int = 0

    @property
    def blocks(self) -> Sequence[str]:
        """The blocks to fit."""
        return self.features or (STRUCTURE_FEATURES if self.unseen_domains else FEATURES)
