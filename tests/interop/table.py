"""The interop table: which features each client must show for each RPC, and how they are printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

LANGUAGES = ("Go", "Java", "TypeScript", "Python")

SCRIPTED_FEATURES: dict[str, tuple[str, ...]] = {
    "Route": (
        "call",
        "utf-8",
        "typed error",
        "newer server",
        "retry",
        "retry forbidden",
        "metadata",
        "TLS",
        "round robin",
        "trace",
        "environment",
        "token source",
        "token refused",
        "untrusted certificate",
        "plaintext against TLS",
        "nobody listens",
        "closed client",
        "JSON",
    ),
    "RouteBatch": ("call", "typed error"),
    "Complete": (
        "call",
        "utf-8",
        "large message",
        "typed error",
        "newer server",
        "account of a failure",
        "deadline exceeded",
        "cancel",
        "conversation and settings",
        "fake",
    ),
    "StreamComplete": (
        "call",
        "fold",
        "utf-8",
        "large message",
        "typed error",
        "newer server",
        "partial answer",
        "end without completed",
        "events out of order",
        "superseded text",
        "fake",
        "deadline exceeded",
        "cancel",
        "trace",
    ),
    "ReportOutcome": ("call", "typed error"),
    "GetDecision": ("call", "typed error"),
    "ListModels": ("call", "typed error", "newer server"),
}
"""Against the scripted server."""

REAL_FEATURES: dict[str, tuple[str, ...]] = {
    "Route": ("real server", "real server: typed error"),
    "RouteBatch": ("real server",),
    "Complete": ("real server",),
    "StreamComplete": ("real server", "real server: cancel"),
    "ReportOutcome": ("real server",),
    "GetDecision": ("real server",),
    "ListModels": ("real server",),
}
"""Against `frontdesk serve`."""

PARENTAGE = ("Route", "real server: trace")
"""Filled for every language by test_trace_parentage.py, from what the real server exported."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One RPC and feature of one language, and whether it passed."""

    language: str
    rpc: str
    feature: str
    passed: bool


def read_cells(path: Path) -> list[Cell]:
    """What the suites have written, one JSON object a line."""
    if not path.exists():
        return []
    return [Cell(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def append_cell(path: Path, cell: Cell) -> None:
    """Write as the suites of the other languages do."""
    append_line(path, asdict(cell))


def append_line(path: Path, value: Mapping[str, object]) -> None:
    """Append one JSON object."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(value) + "\n")


def required() -> Iterator[tuple[str, str]]:
    """RPC and feature of every row that each language must fill."""
    for features in (SCRIPTED_FEATURES, REAL_FEATURES):
        for rpc, names in features.items():
            for name in names:
                yield rpc, name


def render(cells: Iterable[Cell]) -> list[str]:
    """The table as lines; rows that only some languages have, come last."""
    states = {(cell.rpc, cell.feature, cell.language): "yes" if cell.passed else "FAILED" for cell in cells}
    extra = {(rpc, feature): None for rpc, feature, _ in states}
    common = [*required(), PARENTAGE]
    rows = [row for row in extra if row not in set(common)]
    lines = [f"{'RPC':<16}{'feature':<28}" + "".join(f"{language:<12}" for language in LANGUAGES)]
    for rpc, feature in [*common, *rows]:
        marks = (states.get((rpc, feature, language), "-") for language in LANGUAGES)
        lines.append(f"{rpc:<16}{feature:<28}" + "".join(f"{mark:<12}" for mark in marks).rstrip())
    return [line.rstrip() for line in lines]
