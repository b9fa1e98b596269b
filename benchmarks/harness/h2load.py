"""Load by h2load, a C client that costs a call some ten microseconds: posts one prepared body again and again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.queries import Asked

_TIMEOUT_SECONDS = 300
_MISSING = """\
h2load is missing. It is in Debian's and Ubuntu's nghttp2-client:

    sudo apt-get update && sudo apt-get install --yes nghttp2-client

Elsewhere: `brew install nghttp2`, `dnf install nghttp2`, or https://nghttp2.org."""
_REQUESTS = re.compile(r"requests: (\d+) total.* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored")
_STATUSES = re.compile(r"status codes: (\d+) 2xx")
_DATA = re.compile(r"\((\d+)\) data")


class LoadFailed(RuntimeError):
    """h2load had calls that failed, or did not end."""


def require_h2load() -> None:
    """Say how to get h2load, and end the program, where it is not installed."""
    if shutil.which("h2load") is None:
        sys.exit(_MISSING)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What h2load saw of so many calls."""

    calls: int
    seconds: float
    """From the start of the first to the end of the last."""
    data_bytes: int
    """Of all bodies: tells whether the answers were whole."""
    latencies_us: Sequence[int]
    """Of every call, in order of size."""

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds

    def latency_us(self, share: float) -> float:
        """The latency below which this share of the calls lies."""
        return float(self.latencies_us[min(len(self.latencies_us) - 1, int(share * len(self.latencies_us)))])


def load(
    port: int, asked: Asked, *, calls: int, in_flight: int, cores: frozenset[int], folder: Path, connections: int = 1
) -> Loaded:
    """Make so many calls, so many of them at once.

    gRPC's share the connections, as those of a caller do; HTTP/1.1 takes a connection for each.

    Raises:
        LoadFailed: a call failed, by its HTTP status or altogether.
    """
    if not asked.grpc:
        connections = in_flight
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)  # h2load appends
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), "h2load", "--requests", str(calls)]
    command += ["--clients", str(connections), "--max-concurrent-streams", str(max(1, in_flight // connections))]
    command += ["--data", str(asked.saved(folder)), "--log-file", str(log)]
    command += [f"--header={name}: {value}" for name, value in asked.headers.items()]
    command += ["--h1"] if not asked.grpc else []
    command.append(f"http://127.0.0.1:{port}{asked.path}")
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True).stdout
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise LoadFailed(f"{asked.path}: {error}: {error.stdout!r} {error.stderr!r}") from error
    _require_success(output, calls)
    data = _DATA.search(output)
    rows = [tuple(map(int, line.split("\t"))) for line in log.read_text().splitlines()]
    begun = min(start for start, _, _ in rows)
    ended = max(start + taken for start, _, taken in rows)
    latencies = sorted(taken for _, _, taken in rows)
    return Loaded(len(rows), (ended - begun) / 1e6, int(data[1]) if data else 0, latencies)


def _require_success(output: str, calls: int) -> None:
    requests, statuses = _REQUESTS.search(output), _STATUSES.search(output)
    good = requests is not None and statuses is not None and int(requests[3]) == int(statuses[1]) == calls
    if not good:
        raise LoadFailed(f"not all of {calls} calls succeeded:\n{output}")
