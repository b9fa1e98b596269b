"""What routing itself added on logged decisions: their outcomes beside what they must beat.

Nobody knows what another model would have come to on a decision, so the same choices dealt at random, nearest
neighbours and each model alone are estimated by the propensities, as any policy that :mod:`.replay` replays:
self-normalised, from the decisions whose outcome was reported and which gave another model a chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.learning.evaluation.standing import JUDGED, TESTED, Standing, standing, told_points
from frontdesk_server.learning.replay.logged import LoggedDecision, is_cascade
from frontdesk_server.learning.replay.neighbours import CannotAsk, ask_neighbours_in_log
from frontdesk_server.learning.replay.replay import ReplayPolicy, replay
from frontdesk_server.learning.replay.selection_policy import SelectionPolicy

__all__ = ["Rival", "added_in_log"]


@dataclass(frozen=True, slots=True)
class Rival:
    """What logged decisions must beat; `quality`, `added` and `error` are None where `refusal` says why."""

    name: str
    about: str
    """What it is, to be read after "Routing adds ... points to"."""
    outcomes: int
    reached: float | None
    """Mean quality of the decisions that are compared."""
    quality: float | None = None
    added: float | None = None
    error: float | None = None
    """Standard error of `added`."""
    refusal: str | None = None

    @property
    def beaten(self) -> bool:
        """Whether it is shown that something is added."""
        return self.added is not None and self.error is not None and standing(self.added, self.error) is Standing.BETTER

    @property
    def gain(self) -> str:
        """What routing adds, in points of quality."""
        if self.added is None or self.error is None:
            return "unknown"
        return told_points(self.added, self.error)

    @property
    def verdict(self) -> str:
        """What routing adds, and whether that is shown; or why nobody knows."""
        if self.added is None or self.error is None:
            return f"What routing adds to {self.about}, the log cannot tell: {self.refusal}."
        told = f"Routing adds {self.gain} points to {self.about}, by {self.outcomes:,} outcomes"
        return f"{told}. It {JUDGED[self.name][standing(self.added, self.error)]} ({TESTED})."

    def as_json(self) -> dict[str, object]:
        """What `--json` prints of it."""
        told = {name: getattr(self, name) for name in ("outcomes", "reached", "quality", "added", "error", "refusal")}
        return {**told, "beaten": self.beaten, "verdict": self.verdict}


def added_in_log(decisions: Sequence[LoggedDecision], embedder: Embedder) -> tuple[Rival, ...]:
    """Compare with each; with nothing where no outcome was reported."""
    rated = [decision for decision in decisions if decision.quality is not None]
    open_ = [decision for decision in rated if decision.propensity < 1.0 and not decision.in_tool_loop]
    return (_shuffled(open_), _neighbours(rated, open_, embedder), _fixed(open_)) if rated else ()


def _shuffled(decisions: Sequence[LoggedDecision]) -> Rival:
    rival = _rival("shuffled", "the same choices shuffled", decisions)
    shares = {model: count / len(decisions) for model, count in Counter(d.model for d in decisions).items()}
    return _against(_Shuffle(shares), rival, decisions)


def _neighbours(rated: Sequence[LoggedDecision], open_: Sequence[LoggedDecision], embedder: Embedder) -> Rival:
    about = "what nearest neighbours would have chosen"
    if not any(decision.text for decision in rated):
        return replace(_rival("neighbours", about, ()), refusal="prompts were not kept (ledger.store_prompts)")
    known = [decision for decision in open_ if decision.text]
    rival = _rival("neighbours", about, known)
    if rival.refusal is not None:
        return rival
    try:
        asked = ask_neighbours_in_log(known, embedder)
    except CannotAsk as error:
        return replace(rival, refusal=str(error))
    about = f"what the {asked.number} nearest neighbours among the other decisions would have chosen {asked.limit}"
    asked_of = [decision for decision in known if decision.decision_id in asked.chosen]
    return _against(asked, _rival("neighbours", about, asked_of), asked_of, asked.doubt)


def _fixed(decisions: Sequence[LoggedDecision]) -> Rival:
    """The best model of those that always asked are estimated to cost no more, in hindsight."""
    rival = _rival("fixed", "the best single model at no more than its cost", decisions)
    if rival.refusal is not None:
        return rival
    within = []
    for model in sorted({d.model for d in decisions if not is_cascade(d.model)}):
        found = replay(decisions, SelectionPolicy(model=model))
        if found.cost and found.logged_cost and found.cost["snips"].value <= found.logged_cost.value:
            within.append((found.quality["snips"].value, model))
    if not within:
        return replace(rival, refusal="of no model is it known what it comes to, and that it costs no more")
    _, best = max(within)
    about = f"{best} alone, the best single model at no more than its cost"
    return _against(SelectionPolicy(model=best), replace(rival, about=about), decisions)


def _rival(name: str, about: str, decisions: Sequence[LoggedDecision]) -> Rival:
    none = "no outcome is of a decision that gave another model a chance; let a share of traffic explore"
    refusal = None if decisions else none
    reached = float(np.mean([d.quality for d in decisions])) if decisions else None
    return Rival(name, about, len(decisions), reached, refusal=refusal)


def _against(policy: ReplayPolicy, rival: Rival, decisions: Sequence[LoggedDecision], doubt: float = 1.0) -> Rival:
    """The rival with what its policy is estimated to come to on the decisions, each of which has an outcome.

    The error is multiplied by `doubt`.
    """
    if rival.refusal is not None:
        return rival
    found = replay(decisions, policy)
    if found.refusal is not None:
        return replace(rival, refusal=found.refusal)
    value = found.quality["snips"].value
    quality = np.array([d.quality for d in decisions], dtype=np.float64)
    weights = np.array([policy.route_logged(d).get(d.model, 0.0) / d.propensity for d in decisions])
    influence = quality - quality.mean() - weights * (quality - value) / weights.mean()
    error = doubt * float(influence.std(ddof=1) / np.sqrt(len(decisions)))
    return replace(rival, quality=value, added=float(quality.mean()) - value, error=error)


@dataclass(frozen=True, slots=True)
class _Shuffle:
    """Takes each model as often as the log did, whatever the query; implements `replay.ReplayPolicy`."""

    shares: Mapping[str, float]

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return each candidate's share among those that could be chosen."""
        names = dict.fromkeys((decision.model, *(candidate.model for candidate in decision.candidates)))
        shares = {name: self.shares[name] for name in names if name in self.shares}
        return {name: share / sum(shares.values()) for name, share in shares.items()}

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return the model that was taken: dealt anew, not moved."""
        return (decision.model,)
