"""A policy for replay that selects by the predictions in the log: one model, a quality floor, or a weight on cost.

A YAML file names exactly one of them, and optionally a share that explores all candidates alike:

    quality_floor: 0.8      # the cheapest candidate predicted to reach it, else the best
    exploration: 0.05
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from frontdesk_server.config.known_keys import unknown
from frontdesk_server.config.loading import read_text
from frontdesk_server.config.naming import no_such
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.learning.replay.logged import LoggedCandidate, LoggedDecision

__all__ = ["SelectionPolicy", "read_policy_yaml", "read_selection_policy", "refuse_unknown_model"]

_RULES = ("model", "quality_floor", "cost_weight")
_KEYS = {*_RULES, "exploration"}


@dataclass(frozen=True, slots=True)
class SelectionPolicy:
    """Implements `replay.ReplayPolicy`; candidates of unknown quality count as 0, of unknown cost as free."""

    model: str | None = None
    quality_floor: float | None = None
    cost_weight: float | None = None
    """Quality that one USD is worth."""
    exploration: float = 0.0

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return the probability of each candidate."""
        names = [candidate.model for candidate in decision.candidates] or [decision.model]
        chances = dict.fromkeys(names, self.exploration / len(names))
        (chosen,) = self.choices(decision)
        chances[chosen] = chances.get(chosen, 0.0) + 1.0 - self.exploration
        return chances

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return what is taken without exploring."""
        return (self._choose(decision),)

    def _choose(self, decision: LoggedDecision) -> str:
        candidates = decision.candidates
        if self.model is not None and decision.candidate(self.model) is not None:
            return self.model
        if not candidates or self.model is not None:
            return decision.model
        if self.quality_floor is not None:
            good = [c for c in candidates if _quality(c) >= self.quality_floor]
            return min(good, key=_cost).model if good else max(candidates, key=_quality).model
        weight = (self.cost_weight or 0.0) / 1e9
        return max(candidates, key=lambda c: _quality(c) - weight * _cost(c)).model


def read_policy_yaml(path: Path) -> Any:
    """Read what a policy file says, of whatever kind it is. Raises ConfigError."""
    text = read_text(path)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _fault(path, f"is no YAML: {' '.join(str(error).split())}") from error


def read_selection_policy(path: Path) -> SelectionPolicy:
    """Read a policy file. Raises ConfigError that names what is wrong."""
    values = read_policy_yaml(path)
    if not isinstance(values, dict) or sum(rule in values for rule in _RULES) != 1:
        raise _fault(path, f"needs exactly one of {', '.join(_RULES)}")
    if strange := sorted(set(map(str, values)) - _KEYS):
        raise _fault(path, unknown(strange[0], _KEYS, "key here"), strange[0])
    if not isinstance(values.get("model", ""), str):
        raise _fault(path, "is no text", "model")
    for name in ("quality_floor", "exploration"):
        if name in values and not (isinstance(values[name], int | float) and 0.0 <= values[name] <= 1.0):
            raise _fault(path, "must lie in [0, 1]", name)
    if "cost_weight" in values and not (isinstance(values["cost_weight"], int | float) and values["cost_weight"] >= 0):
        raise _fault(path, "must be at least 0", "cost_weight")
    return SelectionPolicy(**values)


def refuse_unknown_model(policy: SelectionPolicy, path: Path, known: Collection[str]) -> None:
    """Raises ConfigError where the policy names a model that is not among the known ones."""
    if policy.model is not None and policy.model not in known:
        raise _fault(path, no_such("model", policy.model, known), "model")


def _fault(path: Path, message: str, key: str = "") -> ConfigError:
    return ConfigError(str(path), [ConfigFault(message, key)])


def _quality(candidate: LoggedCandidate) -> float:
    return candidate.predicted_quality or 0.0


def _cost(candidate: LoggedCandidate) -> float:
    return candidate.predicted_cost_nano_usd or 0.0
