"""What docs/providers.md says of providers is what their clients do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provider_table import COLUMNS, NO, ROWS, cell, table

_PAGE = Path(__file__).parents[3] / "docs/providers.md"
_BEGIN = "<!-- python -m tests.provider_table -->\n"


def test_the_page_holds_the_table() -> None:
    """`python -m tests.provider_table` prints it anew."""
    _, begin, after = _PAGE.read_text().partition(_BEGIN)
    assert begin
    assert after.split("\n\n")[0].splitlines() == table()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_provider_streams_takes_tools_and_images_and_tells_its_errors_apart(row: object) -> None:
    for column in ("streams", "tools", "images", "documents", "usage", "sign-on"):
        assert cell(row, column) != NO  # type: ignore[arg-type]
    assert cell(row, "errors") == "all five"  # type: ignore[arg-type]


def test_every_column_is_found_out() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
