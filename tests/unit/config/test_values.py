"""Configuration files are bounded, and what merges say is what YAML says."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.values import DEEPEST, MOST_VALUES, Reader, compose
from frontdesk_server.domain.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st

LETTERS = "abcdefghij"


def laughs(form: str, first: str = "&a [lol]", times: int = 9) -> str:
    """Ten lines, each of nine aliases of the line before."""
    lines = [f"a: {first}"]
    for before, name in pairwise(LETTERS):
        aliases = ", ".join([f"*{before}"] * times)
        lines.append(f"{name}: &{name} {form.format(aliases)}")
    return "\n".join(lines)


HOSTILE = {
    "lists of lists": laughs("[{}]"),
    "mappings of lists": laughs("{{x: [{}]}}"),
    "merges of merges": laughs("{{<<: [{}]}}", "&a {x: lol}"),
    "keys of keys": laughs("{{? [{}] : 1}}"),
    "one alias too many": f"a: &a [{'1,' * 1_000}]\nb: [{'*a,' * 101}]",
    "many values": f"a: [{'1,' * (MOST_VALUES + 1)}]",
    "brackets": "a: " + "[" * 100_000,
    "closed brackets": "a: " + "[" * 2_000 + "]" * 2_000,
    "braces": "a: " + "{a: " * 100_000,
    "indentation": "".join(f"{' ' * depth}a:\n" for depth in range(DEEPEST + 1)),
    "dashes": "- " * 100_000,
    "a list in itself": "a: &a [*a]",
    "a mapping in itself": "a: &a {b: {c: *a}}",
    "a merge of itself": "a: &a {<<: *a}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_too_much_is_refused_quickly_and_with_its_place(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ConfigError) as refusal:
        parse_config(text, "f.yaml", {})
    assert time.process_time() - started < 5
    assert [fault.line > 0 for fault in refusal.value.faults[:1]] == [True], refusal.value.lines()[:3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b: 1\n" + laughs("[{}]"), "has more than 500,000 values"),
        ("a: [\n" * 100, "f.yaml:51:1: is nested more than 100 deep"),
        ("a: &a\n  b: [1, *a]\n", "f.yaml:2:7: a: an alias contains itself"),
        ("? [a, b]\n: 1\n", "f.yaml:1:3: has a key that is no text"),
        ("<<: 3\n", "f.yaml:1:5: << takes a mapping or a list of mappings"),
        ("a: {b: 1, b: 2}\n", "f.yaml:1:11: a.b: is given twice"),
    ],
)
def test_the_fault_says_what_and_where(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_config(text, "f.yaml", {})
    assert any(expected in line for line in refusal.value.lines()), refusal.value.lines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", {"x": 1, "y": 3}),
        ("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}", {"x": 1, "y": 3}),
        ("a: &a {x: 1}\nc: &c {x: 2, y: 2}\nb: {<<: [*a, *c]}", {"x": 1, "y": 2}),
        ("a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c, z: 3}", {"x": 1, "y": 2, "z": 3}),
        ("a: &a [1, 2]\nb: [*a, *a]", [[1, 2], [1, 2]]),
        ("b: {'<<': 1}", {"<<": 1}),
    ],
)
def test_merges_and_aliases_mean_what_yaml_says(text: str, expected: object) -> None:
    reader = Reader({})
    root = compose(text)
    assert root is not None
    assert reader.value(root, ())["b"] == expected
    assert not reader.faults


def test_an_overridden_value_stands_where_it_is_written() -> None:
    reader = Reader({})
    root = compose("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert root is not None
    reader.value(root, ())
    assert (reader.positions["b",], reader.positions["b", "x"], reader.positions["b", "y"]) == (
        (2, 4),
        (1, 11),
        (2, 16),
    )


@given(st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text("xyz"), inner)))
def test_what_is_not_too_much_is_read_as_it_is_written(value: object) -> None:
    root = compose(json.dumps({"a": value}))
    assert root is not None
    assert Reader({}).value(root, ()) == {"a": value}
