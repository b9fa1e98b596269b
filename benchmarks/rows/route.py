"""`Route` beside an echo of the same message: by rules, classifier and embedding, traced, and what each part costs."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.harness import contenders, queries
from benchmarks.harness.config import Yaml
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.processes import Server
from benchmarks.harness.results import Result, compared

IN_FLIGHT = 64


def measure(bench: Bench, upstream_url: str, bare: Server, frontdesk: Server) -> Result:
    """Everything on, as shipped; the echo twice, to show how far equal things differ in this run."""
    with (
        contenders.span_sink(bench.cores, bench.folder) as exporting,
        contenders.frontdesk(bench.cores.server, upstream_url, name="traced", environment=exporting) as traced,
    ):
        row = bench.compare(
            "route",
            [
                Contender("echo", bare, queries.route()),
                Contender("echo again (control)", bare, queries.route()),
                Contender("rules", frontdesk, queries.route()),
                Contender("classifier", frontdesk, queries.route("classifier")),
                Contender("embedding", frontdesk, queries.route("embedding")),
                Contender("rules, every span exported", traced, queries.route()),
            ],
            IN_FLIGHT,
        )
    return compared("Route, 64 at once", row, note="Beside grpc.aio that gives the request back.")


def _without_ledger(config: Yaml) -> None:
    config["ledger"] = {"url": ""}


def _without_logs(config: Yaml) -> None:
    config["telemetry"]["log_level"] = "error"


def _without_metrics(config: Yaml) -> None:
    config["telemetry"].pop("prometheus_address")


def _without_all(config: Yaml) -> None:
    _without_ledger(config)
    _without_logs(config)
    _without_metrics(config)


PARTS = {
    "without ledger": _without_ledger,
    "without log lines": _without_logs,
    "without metrics page": _without_metrics,
    "without all three": _without_all,
}


def measure_parts(bench: Bench, upstream_url: str, frontdesk: Server) -> list[Result]:
    """The same server with one part switched off: what the part costs where it is."""
    with ExitStack() as stack:
        servers = {"as shipped": frontdesk}
        for name, change in PARTS.items():
            one = contenders.frontdesk(bench.cores.server, upstream_url, name=name, change=change)
            servers[name] = stack.enter_context(one)
        return [
            compared(
                f"Parts of {method}, {in_flight} at once",
                bench.compare(
                    f"parts of {method}",
                    [Contender(name, server, asked) for name, server in servers.items()],
                    in_flight,
                ),
            )
            for method, asked, in_flight in (
                ("Route", queries.route(), IN_FLIGHT),
                ("Complete", queries.complete(), 16),
            )
        ]
