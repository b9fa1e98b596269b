"""JSON as upstreams write it."""

from __future__ import annotations

import math

import pytest
from frontdesk_server.backends.json_reading import json_value


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1e400}', {"a": math.inf}),
        ('"\\ud83d"', "\ud83d"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_what_json_allows_is_read_from_text_and_bytes(before: str, text: str, value: object) -> None:
    assert json_value(before + text) == value
    assert json_value((before + text).encode()) == value


@pytest.mark.parametrize("text", ["", "\ufeff", "{", '{"a": NaN}', "[1] 2", "[" * 100_000, "\ufeff\ufeff1"])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        json_value(text)
    with pytest.raises(ValueError):
        json_value(text.encode())
