"""JSON as upstreams write it."""

from __future__ import annotations

import math

import pytest
from frontdesk_server.backends.json_reading import given_value, json_bytes, json_text, json_value


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1e400}', {"a": math.inf}),
        (f'{{"a": [{2**64 - 1}, {2**64}, -{2**63 + 1}, 1.5]}}', {"a": [2**64 - 1, 2**64, -(2**63) - 1, 1.5]}),
        ('"\\ud83d"', "\ud83d"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_what_json_allows_is_read_from_text_and_bytes(before: str, text: str, value: object) -> None:
    assert json_value(before + text) == value
    assert json_value((before + text).encode()) == value


def test_long_numbers_are_written_as_they_were_read() -> None:
    text = f'{{"a":[{2**64},-{10**40}],"b":"ü"}}'
    assert json_text(json_value(text)) == text
    assert json_bytes(given_value(text)) == text.encode()


@pytest.mark.parametrize("text", ["1e400", '"\\ud83d"', "\ufeff1", "{"])
def test_what_callers_and_llms_write_is_read_strictly(text: str) -> None:
    with pytest.raises(ValueError):
        given_value(text)


@pytest.mark.parametrize("text", ["", "\ufeff", "{", '{"a": NaN}', "[1] 2", "[" * 100_000, "\ufeff\ufeff1"])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        json_value(text)
    with pytest.raises(ValueError):
        json_value(text.encode())
