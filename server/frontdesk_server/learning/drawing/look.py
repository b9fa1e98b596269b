"""The colours and strokes of every drawing: the report's page, files of curves, the console.

A line keeps its look wherever it is drawn: the router in the accent, what it must beat in the second and third colour,
what is no router dashed and grey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "Stroke", "stroke_of"]

LIGHT: Mapping[str, str] = {
    "ink": "#1b2330",
    "soft": "#5d6b7e",
    "page": "#f5f6f8",
    "card": "#ffffff",
    "rule": "#e3e7ed",
    "accent": "#1f6feb",
    "second": "#0f9d7a",
    "third": "#b7791f",
    "mark": "#8a97a8",
}
DARK: Mapping[str, str] = {
    "ink": "#e7ecf3",
    "soft": "#9aa7b8",
    "page": "#0f141b",
    "card": "#171e28",
    "rule": "#2a3441",
    "accent": "#5b9dff",
    "second": "#38c79f",
    "third": "#e0a64a",
    "mark": "#77859a",
}


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a line is drawn. `colour` names one of the palette's; `dash` is in pixels, empty for a solid line."""

    colour: str
    width: float
    dash: tuple[float, ...] = ()


_STROKES: Mapping[str, Stroke] = {
    "prompt length": Stroke("third", 1.6),
    "neighbours": Stroke("second", 1.6, (2.0, 3.0)),
    "agreement": Stroke("third", 1.6, (2.0, 3.0)),
    "shuffled": Stroke("accent", 1.6, (2.0, 3.0)),
    "oracle": Stroke("second", 1.6),
    "random": Stroke("mark", 1.6, (5.0, 5.0)),
    "fixed": Stroke("mark", 1.6, (5.0, 5.0)),
    "best models for their price": Stroke("mark", 1.6, (5.0, 5.0)),
    "strongest model": Stroke("mark", 1.6, (5.0, 5.0)),
}
_OWN = Stroke("accent", 2.4)


def stroke_of(name: str) -> Stroke:
    """How the line of this name is drawn; what is not known is the router's own."""
    return _STROKES.get(name, _OWN)
