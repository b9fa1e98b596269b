"""What evaluations measure and compare, in the words of every table, plot and page that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk_server.domain.money import PER_THOUSAND, per_thousand

__all__ = ["COMPARED", "MEASURES", "Measure", "words"]


def _number(value: float) -> str:
    return f"{value:z.3f}"


def _share(value: float) -> str:
    return f"{value:z.1%}"


def _percent(value: float) -> str:
    return f"{value:z.1f}%"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: its name, what it tells, and how it is written."""

    name: str
    about: str
    write: Callable[[float], str] = _number

    def told(self, figure: Mapping[str, Any] | None) -> str:
        """A figure of an evaluation's result, its interval in brackets; nothing where it has no value."""
        if figure is None or figure["value"] is None:
            return ""
        interval = f" [{', '.join(map(self.write, figure['ci95']))}]" if figure["ci95"] else ""
        return f"{self.write(figure['value'])}{interval}"


def _threshold(percent: int) -> Measure:
    about = f"queries that the strong model must get to close {percent} % of the gap to the weak one"
    return Measure(f"CPT({percent})", about, _percent)


MEASURES: Mapping[str, Measure] = {
    "quality": Measure("quality", "mean of the answers, in [0, 1]"),
    "cost": Measure(PER_THOUSAND, "mean cost at that quality", per_thousand),
    "quality_loss": Measure("quality loss", "against always asking the strongest model"),
    "cost_saved": Measure("cost saved", "against always asking the strongest model", _share),
    "cost_saved_at_equal_quality": Measure(
        "cost saved at equal quality", "where the curve first reaches the quality of the best model alone", _share
    ),
    "cost_saved_at_max_loss": Measure(
        "cost saved at max loss", "the most on the curve for the loss of quality that was allowed", _share
    ),
    "quality_at_equal_cost": Measure(
        "quality at equal cost", "the best on the curve for no more than the best model alone costs"
    ),
    "apgr": Measure("APGR", "part of the gap between weak and strong model that is closed, over all of the curve"),
    **{f"cpt{percent}": _threshold(percent) for percent in (20, 50, 80)},
}
"""By the key in an evaluation's result, in the order in which they are shown."""

COMPARED: Mapping[str, str] = {
    "router": "what is evaluated",
    "cascade": "the cascade under each of its settings",
    "prompt_length": "the longer a query, the dearer its model",
    "neighbours": "what similar queries came to decides",
    "agreement": "an answer on which cheap models agree is taken",
    "oracle": "knows every outcome beforehand: nothing reaches more",
    "fixed": "the best single model for the cost, whatever is asked; lines join them",
    "shuffled": "the router's own choices, dealt to other queries",
    "random": "dice choose between the models",
}
"""Routers by their key in an evaluation, each with what it goes by."""


def words(key: str) -> str:
    """The name of a router that is compared, as it is read."""
    return key.replace("_", " ")
