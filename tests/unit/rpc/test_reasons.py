"""The reasons of errors are the same in the documentation and in every client."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from frontdesk import reasons
from frontdesk_server.rpc.reasons import CLIENT_REASONS, reason_rows

ROOT = Path(__file__).parents[3]


def test_the_constants_of_every_client_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("written_reasons", ROOT / "clients" / "reasons.py")
    assert spec is not None
    assert spec.loader is not None
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    stale = [str(path) for path, text in written.sources().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run make gen-reasons"


def test_python_has_every_reason_by_its_name() -> None:
    names = {row.reason for row in (*reason_rows(), *CLIENT_REASONS)}
    assert {name: value for name, value in vars(reasons).items() if name.isupper()} == {name: name for name in names}
