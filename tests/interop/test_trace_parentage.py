"""The span of the real server is a child of the span of each language's standard gRPC instrumentation.

Each client's suite, which ran before, made one traced call and wrote its client span's ids.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.interop.span_collector import SpanCollector
from tests.interop.table import LANGUAGES, PARENTAGE, Cell, append_cell, read_cells

EXPORT_SECONDS = 20.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_real_servers_span_is_a_child_of_the_clients(
    language: str, environment: dict[str, str], collector: SpanCollector
) -> None:
    results, spans = (Path(environment[f"FRONTDESK_INTEROP_{name}"]) for name in ("RESULTS", "SPANS"))
    if language not in {cell.language for cell in read_cells(results)}:
        pytest.skip(f"the {language} suite did not run")
    lines = map(json.loads, spans.read_text(encoding="utf-8").splitlines())
    (client,) = (line for line in lines if line["language"] == language)
    server = collector.server_span(client["trace_id"], EXPORT_SECONDS)
    passed = server is not None and server.parent_span_id.hex() == client["span_id"]
    rpc, feature = PARENTAGE
    append_cell(results, Cell(language, rpc, feature, passed=passed))
    assert passed, f"the server's span is {server}"
