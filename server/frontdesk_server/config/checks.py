"""Checks: whether an answer is good enough, or another model is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frontdesk_server.config.base import Count, Fraction, Section, Weight
from frontdesk_server.judging.answers import Compare


class LogprobCheck(Section):
    """Probability of the answer's tokens."""

    kind: Literal["logprob"]
    statistic: Literal["mean", "min", "first"] = "mean"
    """Geometric mean of all, the least, or the mean of the first tokens."""
    first_tokens: Count = 10
    """Tokens of `first`."""
    threshold: Fraction
    """Least probability."""


class SelfRatingCheck(Section):
    """The model itself says how sure it is."""

    kind: Literal["self_rating"]
    threshold: Fraction = 0.7
    prompt: str | None = None
    """Template with {query}, {answer} and around both {fence}, a line they cannot hold. Default: the one that ships."""


class VerifierCheck(Section):
    """Another model judges the answer."""

    kind: Literal["verifier"]
    model: str
    threshold: Fraction = 0.7
    prompt: str | None = None
    """Template with {query}, {answer} and around both {fence}, a line they cannot hold. Default: the one that ships."""


class AgreementCheck(Section):
    """A second model, or more samples of the same, must say the same."""

    kind: Literal["agreement"]
    model: str | None = None
    """The second model. Default: the step's own (self-consistency)."""
    samples: Count = 1
    """Answers asked beside the first."""
    compare: Compare = "auto"
    """What is compared."""
    threshold: Fraction = 0.5


class HeuristicCheck(Section):
    """Refusals, "I do not know", emptiness, repetition, invalid JSON."""

    kind: Literal["heuristic"]
    min_characters: Annotated[int, Field(ge=0)] = 1
    threshold: Fraction = 0.5


class CombinedCheck(Section):
    """Several checks as one."""

    kind: Literal["all", "any", "weighted"]
    checks: Annotated[tuple[CheckConfig, ...], Field(min_length=1)]
    weights: tuple[Weight, ...] = ()
    """Of `weighted`, one a check. Default: equal."""
    threshold: Fraction = 0.5
    """Of `weighted`."""

    @model_validator(mode="after")
    def _weights_fit(self) -> CombinedCheck:
        if self.weights and len(self.weights) != len(self.checks):
            raise ValueError("give one weight a check")
        if self.weights and not sum(self.weights):
            raise ValueError("one of the weights must be above 0")
        return self


CheckConfig = Annotated[
    LogprobCheck | SelfRatingCheck | VerifierCheck | AgreementCheck | HeuristicCheck | CombinedCheck,
    Field(discriminator="kind"),
]

CombinedCheck.model_rebuild()
