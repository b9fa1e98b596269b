"""What this process holds: memory, tasks, file descriptors, threads."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SLACK_MIB = 8.0


@dataclass(frozen=True, slots=True)
class Resources:
    """A reading. Sockets are among the file descriptors."""

    rss_mib: float
    tasks: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Resources:
        """Read /proc; inside a running event loop."""
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            resident * _PAGE_BYTES / 2**20,
            len(asyncio.all_tasks()),
            len(os.listdir("/proc/self/fd")),
            len(os.listdir("/proc/self/task")),
        )

    def leaks(self, before: Resources, slack: int = 3) -> list[str]:
        """What has grown beyond what allocators and pools do."""
        grown = {
            "memory": self.rss_mib > before.rss_mib + _SLACK_MIB,
            "tasks": self.tasks > before.tasks + slack,
            "descriptors": self.descriptors > before.descriptors + slack,
            "threads": self.threads > before.threads + slack,
        }
        return [name for name, leaked in grown.items() if leaked]

    def __str__(self) -> str:
        return (
            f"{self.rss_mib:.1f} MiB, {self.tasks} tasks, {self.descriptors} file descriptors, {self.threads} threads"
        )
