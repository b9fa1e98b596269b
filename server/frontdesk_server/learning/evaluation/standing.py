"""Whether a difference is more than its error explains."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

__all__ = ["JUDGED", "TESTED", "Standing", "standing", "told_points"]

_ERRORS_APART = 1.96
TESTED = f"± is one standard error, and {_ERRORS_APART:g} of them are asked for"
"""What a standing goes by."""


class Standing(Enum):
    """How what is compared stands to a rival."""

    BETTER = "better"
    UNSHOWN = "unshown"
    """Too close to tell."""
    WORSE = "worse"


JUDGED: Mapping[str, Mapping[Standing, str]] = {
    "shuffled": {
        Standing.BETTER: "beats dice at the same cost",
        Standing.UNSHOWN: "is not shown to beat dice at the same cost",
        Standing.WORSE: "does worse than dice at the same cost",
    },
    "neighbours": {
        Standing.BETTER: "beats plain neighbours",
        Standing.UNSHOWN: "is not shown to beat plain neighbours",
        Standing.WORSE: "does worse than plain neighbours",
    },
    "fixed": {
        Standing.BETTER: "beats that model alone",
        Standing.UNSHOWN: "is not shown to beat that model alone",
        Standing.WORSE: "does worse than that model alone, which was picked in hindsight",
    },
}
"""By rival what is said of a router, to be read after "it"."""


def standing(ahead: float, error: float) -> Standing:
    """How one stands who is ahead by so much, with this standard error."""
    if abs(ahead) <= _ERRORS_APART * error:
        return Standing.UNSHOWN
    return Standing.BETTER if ahead > 0.0 else Standing.WORSE


def told_points(ahead: float, error: float) -> str:
    """A difference in parts of quality, as points with their standard error."""
    return f"{100 * ahead:z.1f} ± {100 * error:z.1f}"
