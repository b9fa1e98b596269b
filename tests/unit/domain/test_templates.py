from __future__ import annotations

import pytest
from frontdesk_server.domain.templates import fence_around, filled
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{query} -> {answer}", {"query": "what is {answer}?", "answer": "4"}, "what is {answer}? -> 4"),
        ("{answer} -> {query}", {"query": "q", "answer": "{query}"}, "{query} -> q"),
        ("{query}{query}", {"query": "\\1 {x}"}, "\\1 {x}\\1 {x}"),
        ('{"json": {query}}', {"query": "1"}, '{"json": 1}'),
        ("{other}", {"query": "1"}, "{other}"),
    ],
)
def test_a_template_is_filled_once_and_by_position(template: str, values: dict[str, str], expected: str) -> None:
    assert filled(template, values) == expected


@given(st.text(alphabet="-a\n ", max_size=60))
def test_no_text_holds_the_fence_around_it(text: str) -> None:
    fence = fence_around(text)
    assert fence not in text
    assert len(fence) >= 4
