"""The rooms of the server and the arrows between them, as its imports say. Draws them into docs/architecture.md.

Usage: python .ci/rooms.py        (writes the picture anew; a test fails while it is not what the imports say)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "server/frontdesk_server"
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- rooms: drawn by .ci/rooms.py -->\n", "<!-- end of rooms -->"

FLOORS = (
    ("cli",),
    ("learning",),
    ("assembly",),
    ("faces",),  # which fill the contract's messages, so that one validation holds for every way in
    ("rpc",),
    ("desk",),
    ("routing", "execution", "backends", "ledger", "telemetry", "security"),
    ("state", "artefacts"),
    ("config",),
    ("judging",),
    ("domain",),
)
"""From the roof down. A room imports rooms of floors below its own, and none beside it."""

FOREIGN = {
    "grpc": ("rpc", "security", "cli"),
    "google.protobuf": ("rpc", "cli"),
    "frontdesk.v1": ("rpc", "faces", "cli"),
    "httpx": ("backends",),
    "sqlalchemy": ("ledger",),
    "sqlite3": ("state", "ledger"),
    "redis": ("state",),
    "opentelemetry": ("telemetry",),
    "prometheus_client": ("telemetry",),
    "sklearn": ("learning",),
    "matplotlib": ("learning", "cli"),
    "typer": ("cli",),
}
"""What comes from elsewhere, and the rooms that know of it."""


def modules_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def imported() -> Sequence[tuple[str, Path, str]]:
    """Every import of the server: the room that it stands in, the file, the module."""
    inner = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE]
    return [(path.relative_to(PACKAGE).parts[0], path, module) for path in inner for module in modules_of(path)]


def arrows() -> dict[str, set[str]]:
    """The rooms that each room imports."""
    found: dict[str, set[str]] = {}
    for room, _, module in imported():
        first, _, rest = module.partition(".")
        target = rest.partition(".")[0]
        below = found.setdefault(room, set())
        if first == PACKAGE.name and target and target != room:
            below.add(target)
    return found


def drawn(found: Mapping[str, set[str]]) -> str:
    """A picture of the rooms. Arrows are left out that follow from others, which leaves few enough to follow."""
    lines = ["```mermaid", "flowchart TD"]
    for room in (room for floor in FLOORS for room in floor if room in found):
        below = found[room]
        further = {each for between in below for each in _reached(between, found)}
        lines += [f"    {room} --> {each}" for each in sorted(below - further)]
    return "\n".join([*lines, "```", ""])


def _reached(room: str, found: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(found.get(room, ()))
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting += found.get(each, ())
    return reached


def page() -> str:
    """The page with the picture that the imports say."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{drawn(arrows())}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
