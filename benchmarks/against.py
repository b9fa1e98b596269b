"""This checkout's Frontdesk beside another's, such as of main, in one interleaved run: did a change make it faster?

The other checkout serves by its own code with this one's environment and configuration; both must understand it. The
other is the baseline of the ratios.

Usage: python -m benchmarks.against FOLDER [--methods Route,Complete] [--rounds 6] [--seconds 1.5]

On a busy machine many short rounds tell more than a few long ones: --rounds 24 --seconds 0.4.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path

from benchmarks.harness import contenders, queries
from benchmarks.harness.loaded import require_generators
from benchmarks.harness.machine import cores
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.processes import ROOT
from benchmarks.harness.results import compared

METHODS = {
    "Route": (queries.route(), 64),
    "Route by classifier": (queries.route("classifier"), 64),
    "Complete": (queries.complete(), 16),
    "StreamComplete": (queries.stream(), 16),
}


def main() -> None:
    """Measure every method on both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the other checkout")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.5)
    options = parser.parse_args()
    require_generators()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in order, as after Ctrl-C
    with tempfile.TemporaryDirectory(prefix="frontdesk-against-") as place:
        bench = Bench(Path(place), cores(), options.rounds, options.seconds)
        with contenders.upstream(bench.cores, bench.folder) as upstream:
            url = contenders.url(upstream)
            here, there = contenders.code_of(ROOT), contenders.code_of(options.folder.resolve())
            with (
                contenders.frontdesk(bench.cores.server, url, name="other", environment=there) as other,
                contenders.frontdesk(bench.cores.server, url, name="this", environment=here) as this,
            ):
                for method in options.methods.split(","):
                    asked, in_flight = METHODS[method]
                    servers = [Contender(server.name, server, asked) for server in (other, this)]
                    row = bench.compare(method, servers, in_flight)
                    print(compared(f"{method}, {in_flight} at once", row).text(), flush=True)


if __name__ == "__main__":
    main()
