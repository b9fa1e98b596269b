"""Values: what a frozen dataclass promises, at a third of its price."""

from __future__ import annotations

from dataclasses import field, replace
from pathlib import Path

import pytest
from frontdesk_server.domain.value import value
from mypy import api


@value
class Place:
    name: str
    visits: int = 0
    note: str = field(default="", compare=False, kw_only=True)


def test_values_are_compared_and_hashed_by_their_fields() -> None:
    assert Place("a", 1) == Place("a", 1, note="other") != Place("a", 2)
    assert len({Place("a", 1), Place("a", 1, note="other"), Place("a", 2)}) == 2
    assert replace(Place("a"), visits=3) == Place("a", 3)


def test_a_value_takes_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        Place("a").nmae = "b"  # type: ignore[attr-defined]


def test_the_type_checker_holds_values_frozen(tmp_path: Path) -> None:
    module = tmp_path / "changes.py"
    module.write_text("from frontdesk_server.domain.usage import Usage\n\nUsage(1, 2).input_tokens = 3\n")
    said, _, status = api.run([str(module), "--strict", "--cache-dir", str(tmp_path / "cache")])
    assert status == 1
    assert 'changes.py:3: error: Property "input_tokens" defined in "Usage" is read-only' in said
