"""Load over HTTP/1.1 by wrk, a C client that writes a request at once: posts one prepared body again and again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks.harness.loaded import Loaded, LoadFailed
from benchmarks.harness.queries import Asked

_TIMEOUT_SECONDS = 60
_SCRIPT = """\
local asked = {asked}
wrk.method, wrk.headers = "POST", {{{headers}}}
wrk.body = io.open(asked, "rb"):read("*a")
function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format('\\n{{"calls": %d, "us": %d, "bytes": %d, "p50": %d, "p99": %d, "failed": %d}}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""


def load(port: int, asked: Asked, *, seconds: int, in_flight: int, cores: frozenset[int], folder: Path) -> Loaded:
    """Make calls for so many seconds, so many of them at once, each on a connection of its own.

    Headers count among the bytes. Calls that are in flight at the end do not count.

    Raises:
        LoadFailed: a call failed, by its HTTP status or altogether.
    """
    script = folder / "wrk.lua"
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in asked.headers.items())
    script.write_text(_SCRIPT.format(asked=json.dumps(str(asked.saved(folder))), headers=headers))
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), "wrk", "--threads", "1"]
    command += ["--connections", str(in_flight), "--duration", f"{seconds}s", "--timeout", "30s"]
    command += ["--script", str(script), f"http://127.0.0.1:{port}{asked.path}"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True).stdout
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise LoadFailed(f"{asked.path}: {error}: {error.stdout!r} {error.stderr!r}") from error
    seen = json.loads(output.splitlines()[-1])
    if seen["failed"]:
        raise LoadFailed(f"{asked.path}: not all calls succeeded:\n{output}")
    return Loaded(seen["calls"], seen["us"] / 1e6, seen["bytes"], seen["p50"], seen["p99"])
