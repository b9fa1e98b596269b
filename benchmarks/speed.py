"""How fast Frontdesk is, as ratios to bare baselines in one run; with `--peers` beside LiteLLM and Portkey, too.

The server that is measured has a core for itself; the load, the upstream and all else have the others. Everything is
interleaved and paired (benchmarks/harness/pairing.py), with ledger, metrics and logs on, as shipped. Writes NAME.json,
NAME.md and NAME.png into the folder of `--out`; NAME is speed, or peers.

Usage: python -m benchmarks.speed [--peers] [--rows route,complete] [--rounds 6] [--seconds 1.5] [--out .cache/bench]
"""

from __future__ import annotations

import argparse
import resource
import signal
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.harness import contenders, queries
from benchmarks.harness.config import PACE_MS
from benchmarks.harness.loaded import require_generators
from benchmarks.harness.machine import cores, machine
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.peers import Peer, open_peers
from benchmarks.harness.queries import Asked
from benchmarks.harness.results import Result, save
from benchmarks.plots import draw_speed
from benchmarks.rows import commands, complete, route, slow_streams, streams, workers

ROWS = ("route", "parts", "complete", "streams", "first-token", "slow-streams", "commands", "workers")
PEER_ROWS = ("complete", "streams", "first-token")


class Run:
    """The servers of a run, and the rows that are measured with them."""

    def __init__(self, bench: Bench, stack: ExitStack, *, with_peers: bool) -> None:
        self._bench = bench
        self._upstream = stack.enter_context(contenders.upstream(bench.cores, bench.folder))
        self._url = contenders.url(self._upstream)
        self._bare = stack.enter_context(contenders.bare(bench.cores, bench.folder, self._url))
        self._frontdesk = stack.enter_context(contenders.frontdesk(bench.cores.server, self._url))
        self._http = stack.enter_context(
            contenders.frontdesk(bench.cores.server, self._url, name="frontdesk over HTTP", over_http=True)
        )
        peers = open_peers(bench.cores, bench.folder, self._url)
        self._peers = stack.enter_context(peers) if with_peers else []

    def rows(self) -> dict[str, Callable[[], Iterable[Result]]]:
        """Every row by its name."""
        bench, url = self._bench, self._url
        return {
            "route": lambda: [route.measure(bench, url, self._bare, self._frontdesk)],
            "parts": lambda: route.measure_parts(bench, url, self._frontdesk),
            "complete": self._complete,
            "streams": self._streams,
            "first-token": self._first_token,
            "slow-streams": lambda: [slow_streams.measure(bench.cores, url)],
            "commands": lambda: [commands.measure(bench.cores, url, bench.rounds)],
            "workers": lambda: [workers.measure(bench, url)],
        }

    def _complete(self) -> list[Result]:
        asked = self._contenders(
            queries.chat(), queries.complete(), queries.chat(model="default"), lambda peer: peer.complete
        )
        return complete.measure(self._bench, asked)

    def _streams(self) -> list[Result]:
        asked = self._contenders(
            queries.chat(stream=True),
            queries.stream(),
            queries.chat(stream=True, model="default"),
            lambda peer: peer.stream,
        )
        return streams.measure(self._bench, asked)

    def _first_token(self) -> list[Result]:
        direct = queries.chat(stream=True, path=f"/pace/{PACE_MS}/v1/chat/completions")
        asked = self._contenders(
            direct, queries.stream("paced"), queries.chat(stream=True, model="frontdesk/paced"), lambda peer: peer.paced
        )
        return [streams.measure_first_token(self._bench, asked)]

    def _contenders(
        self, direct: Asked, own: Asked, over_http: Asked, of_peer: Callable[[Peer], Asked]
    ) -> list[Contender]:
        """The upstream, asked directly; the forwarder; Frontdesk by its contract and as an OpenAI API; the peers."""
        return [
            Contender("upstream itself", self._upstream, direct),
            Contender("forwarder", self._bare, own),
            Contender("Frontdesk", self._frontdesk, own),
            Contender("Frontdesk over HTTP", self._http, over_http),
            *(Contender(peer.server.name, peer.server, of_peer(peer)) for peer in self._peers),
        ]


def main() -> None:
    """Measure, print as it goes, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="beside LiteLLM and Portkey")
    parser.add_argument(
        "--rows", default="", help=f"default: all of {', '.join(ROWS)}; of peers {', '.join(PEER_ROWS)}"
    )
    parser.add_argument("--rounds", type=int, default=6, help="interleaved rounds; even, so that orders balance")
    parser.add_argument("--seconds", type=float, default=1.5, help="of load, a contender and round")
    parser.add_argument("--out", type=Path, default=Path(".cache/bench"))
    options = parser.parse_args()
    rows = options.rows.split(",") if options.rows else PEER_ROWS if options.peers else ROWS
    require_generators()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in order, as after Ctrl-C
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # a socket a stream
    described = machine()
    print(f"{described.processor}, {described.cores} cores, Python {described.python}, load {described.load_before}")
    name = "peers" if options.peers else "speed"
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="frontdesk-speed-") as place, ExitStack() as stack:
        bench = Bench(Path(place), cores(), options.rounds, options.seconds)
        measured = Run(bench, stack, with_peers=options.peers).rows()
        for row in rows:
            for result in measured[row]():
                print(result.text(), flush=True)
                results.append(result)
            save(results, described, options.out, name)
            draw_speed(results, options.out / f"{name}.png")
    print(f"\n{options.out / name}.json, .md, .png")


if __name__ == "__main__":
    main()
