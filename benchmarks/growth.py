"""How costs grow with models, rules, references, messages, streams and the ledger's rows; a table and a plot.

Each quantity's sizes are measured in one interleaved row over gRPC, one core for the server, as in benchmarks/speed.py.
Writes growth.json, growth.md and growth.png into the folder of `--out`.

Usage: python -m benchmarks.growth [--curves models,ledger] [--ledger-rows 1000000] [--rounds 4] [--out .cache/bench]
"""

from __future__ import annotations

import argparse
import resource
import signal
import tempfile
from pathlib import Path

from benchmarks.curves import configuration, ledger, load
from benchmarks.harness import contenders
from benchmarks.harness.curve import Curve
from benchmarks.harness.loaded import require_generators
from benchmarks.harness.machine import cores, machine
from benchmarks.harness.pairing import Bench
from benchmarks.harness.results import save
from benchmarks.plots import draw_growth

CURVES = ("configuration", "conversation", "streams", "ledger")


def main() -> None:
    """Measure, print as it goes, save, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", default=",".join(CURVES), help=f"of {', '.join(CURVES)}")
    parser.add_argument("--ledger-rows", type=int, default=1_000_000, help="of the largest ledger; 10 million take GBs")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=1.0, help="of load, a size and round")
    parser.add_argument("--out", type=Path, default=Path(".cache/bench"))
    options = parser.parse_args()
    require_generators()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in order, as after Ctrl-C
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # a socket a stream
    described = machine()
    curves: list[Curve] = []
    with tempfile.TemporaryDirectory(prefix="frontdesk-growth-") as place:
        bench = Bench(Path(place), cores(), options.rounds, options.seconds)
        with contenders.upstream(bench.cores, bench.folder) as upstream:
            url = contenders.url(upstream)
            measures = {
                "configuration": lambda: configuration.measure(bench, url),
                "conversation": lambda: [load.conversation(bench, url)],
                "streams": lambda: [load.streams(bench.cores, url)],
                "ledger": lambda: [ledger.measure(bench, url, options.ledger_rows)],
            }
            for name in options.curves.split(","):
                for curve in measures[name]():
                    print(curve.result().text(), flush=True)
                    curves.append(curve)
                save([curve.result() for curve in curves], described, options.out, "growth")
                draw_growth(curves, options.out / "growth.png")
    print(f"\n{options.out / 'growth'}.json, .md, .png")


if __name__ == "__main__":
    main()
