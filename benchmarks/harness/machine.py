"""The machine of a run: its cores, shared out between the server that is measured and what loads it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores run what."""

    server: frozenset[int]
    """The server that is measured: one core."""
    load: frozenset[int]
    """Load, upstream and collector: all others."""

    @property
    def all(self) -> frozenset[int]:
        """Every core of the run."""
        return self.server | self.load


def cores() -> Cores:
    """The first core for the server, the others for its load; both share one where there is but one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others or [first]))


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader of the figures wants to know."""

    processor: str
    cores: int
    python: str
    kernel: str
    load_before: float
    """Runnable processes, averaged over the minute before the run: above nought others were at work."""


def machine() -> Machine:
    """The machine as it is now."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return Machine(
        processor=names[0] if names else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        kernel=platform.release(),
        load_before=round(os.getloadavg()[0], 2),
    )
