"""gRPC load by h2load, a C client that costs a call some ten microseconds: posts one prepared body again and again."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from benchmarks.harness.loaded import Loaded, LoadFailed, share_of
from benchmarks.harness.queries import Asked

_TIMEOUT_SECONDS = 300
_REQUESTS = re.compile(r"requests: (\d+) total.* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored")
_STATUSES = re.compile(r"status codes: (\d+) 2xx")
_DATA = re.compile(r"\((\d+)\) data")


def load(
    port: int, asked: Asked, *, calls: int, in_flight: int, cores: frozenset[int], folder: Path, connections: int = 1
) -> Loaded:
    """Make so many calls, so many of them at once; they share the connections, as those of a caller do.

    Raises:
        LoadFailed: a call failed, by its HTTP status or altogether.
    """
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)  # h2load appends
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), "h2load", "--requests", str(calls)]
    command += ["--clients", str(connections), "--max-concurrent-streams", str(max(1, in_flight // connections))]
    command += ["--data", str(asked.saved(folder)), "--log-file", str(log)]
    command += [f"--header={name}: {value}" for name, value in asked.headers.items()]
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
    p50, p99 = share_of(latencies, 0.5), share_of(latencies, 0.99)
    return Loaded(len(rows), (ended - begun) / 1e6, int(data[1]) if data else 0, p50, p99)


def _require_success(output: str, calls: int) -> None:
    requests, statuses = _REQUESTS.search(output), _STATUSES.search(output)
    good = requests is not None and statuses is not None and int(requests[3]) == int(statuses[1]) == calls
    if not good:
        raise LoadFailed(f"not all of {calls} calls succeeded:\n{output}")
