"""`python -m tests.replicas` plays every scenario, prints the table and writes it into docs/replicas.md."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tests.postgres import find_postgres, postgres_server
from tests.redis_server import find_redis, running_redis
from tests.replicas.scenarios import ROOT, SCENARIOS, play
from tests.replicas.tally import WORST_CALL_NANO_USD, Tally
from tests.replicas.world import build_caller

PAGE = ROOT / "docs" / "replicas.md"
MARKED = re.compile(r"(<!-- replicas: written by make replicas -->\n).*(<!-- end of replicas -->)", re.DOTALL)
HEADER = (
    "| what happens | calls | answered | refused by the budget | failed in flight | lost | duplicated | unrecorded"
    " | mis-billed | over budget, in calls | counted short |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)


def row(name: str, found: Tally) -> str:
    """One line of the table."""
    over = f"{found.over_budget_nano_usd / WORST_CALL_NANO_USD:.1f}" if found.over_budget_nano_usd else "0"
    cells = (
        name,
        found.calls,
        found.answered,
        found.refused,
        found.in_flight,
        found.lost,
        found.duplicated,
        found.unrecorded,
        found.mis_billed,
        over,
        found.counter_short_nano_usd,
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


async def _play_all(names: list[str], rate: float) -> tuple[str, bool]:
    binaries, program = find_postgres(), find_redis()
    if binaries is None or program is None:
        raise SystemExit("needs PostgreSQL and redis-server")
    table, well = HEADER, True
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as name,
        running_redis(program) as redis_url,
        postgres_server(binaries) as postgres,
    ):
        caller = build_caller(Path(name))
        if caller is None:
            raise SystemExit("needs Go")
        for index, scenario in enumerate(names):
            folder = Path(name) / str(index)
            folder.mkdir()
            try:
                found, calls = await play(scenario, postgres, redis_url, caller, folder, rate=rate)
            except LookupError as error:
                print(f"{scenario}: not played, {error}", flush=True)
                continue
            print(row(scenario, found), end="", flush=True)
            for call in calls:
                if call.reason and call.reason not in ("BUDGET_EXHAUSTED", "RATE_LIMITED") and found.lost:
                    print(f"  {call}", flush=True)
            if found.faults:
                well = False
                print(f"  {found.faults}", flush=True)
            table += row(scenario, found)
    return table, well


def main() -> int:
    """Play, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=12, help="calls a second")
    parser.add_argument("--only", help="scenarios whose name holds this; the page is not written then")
    arguments = parser.parse_args()
    names = [name for name in SCENARIOS if arguments.only is None or arguments.only in name]
    table, well = asyncio.run(_play_all(names, arguments.rate))
    if arguments.only is None:
        PAGE.write_text(MARKED.sub(lambda found: found[1] + table + found[2], PAGE.read_text()))
    return not well


if __name__ == "__main__":
    sys.exit(main())
