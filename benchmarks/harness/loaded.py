"""What a load generator saw of its calls, and whether the generators are there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_MISSING = """\
{program} is missing. It is in Debian's and Ubuntu's package {package}:

    sudo apt-get update && sudo apt-get install --yes {package}

Elsewhere: `brew install {elsewhere}`, `dnf install {elsewhere}`."""


class LoadFailed(RuntimeError):
    """Calls failed, or did not end."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was seen of so many calls."""

    calls: int
    seconds: float
    """From the start of the first to the end of the last."""
    data_bytes: int
    """Of all bodies: tells whether the answers were whole."""
    p50_us: float
    p99_us: float

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


def share_of(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies, which are in order of size."""
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def require_generators() -> None:
    """Say how to get h2load and wrk, and end the program, where one of them is not installed."""
    for program, package, elsewhere in (("h2load", "nghttp2-client", "nghttp2"), ("wrk", "wrk", "wrk")):
        if shutil.which(program) is None:
            sys.exit(_MISSING.format(program=program, package=package, elsewhere=elsewhere))
