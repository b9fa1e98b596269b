"""What a user waits for: a command's help, the check of a configuration, the client's import, a server that serves."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.harness import contenders, queries
from benchmarks.harness.calling import check
from benchmarks.harness.config import SHIPPED, configuration, written
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import free_port, serving
from benchmarks.harness.results import Result

_FRONTDESK = Path(sys.executable).with_name("frontdesk")
COMMANDS: dict[str, Sequence[str]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "import of the client": (sys.executable, "-c", "import frontdesk"),
    "frontdesk --help": (str(_FRONTDESK), "--help"),
    "frontdesk check": (str(_FRONTDESK), "check", str(SHIPPED)),
}

Waited = tuple[float, float]
"""Seconds on the clock, and of CPU."""


def measure(cores: Cores, upstream_url: str, rounds: int) -> Result:
    """Every command once a round, after one that fills the caches."""

    def start() -> Waited:
        return _start(cores, upstream_url)

    timed: dict[str, Callable[[], Waited]] = {
        **{name: partial(_run, command, cores) for name, command in COMMANDS.items()},
        "start to first answered Route": start,
    }
    waited: dict[str, list[Waited]] = {name: [] for name in timed}
    for number in range(rounds + 1):
        for name, wait in timed.items():
            seconds = wait()
            if number:
                waited[name].append(seconds)
    lines = tuple(
        (name, *(f"{statistics.median(one[place] for one in all_waited):.2f}" for place in (0, 1)))
        for name, all_waited in waited.items()
    )
    return Result("Start-up, seconds", ("", "wall", "CPU"), lines, data={"seconds": waited})


def _run(command: Sequence[str], cores: Cores) -> Waited:
    pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores.server))), *command]
    started = time.perf_counter()
    with subprocess.Popen(pinned, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            assert process.stderr is not None
            raise RuntimeError(f"{command} ended with {process.returncode}: {process.stderr.read()!r}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def _start(cores: Cores, upstream_url: str) -> Waited:
    with tempfile.TemporaryDirectory(prefix="frontdesk-benchmark-") as place:
        folder, port = Path(place), free_port()
        command = contenders.frontdesk_command(written(configuration(upstream_url, folder), folder), port)
        started = time.perf_counter()
        with serving("frontdesk", command, port, cores=cores.server, log=folder / "frontdesk.log") as server:
            check(server.port, queries.route())
            return time.perf_counter() - started, server.cpu_seconds()
