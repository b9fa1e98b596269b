"""What a gateway's request becomes: the same body, with another model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from frontdesk_server.rpc.ext_proc.body import with_model
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("model"), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text() | st.just("model"), VALUES, max_size=6)


@given(BODIES, st.text(), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_all_but_the_model_stays_as_it_was(body: dict[str, Any], model: str, indent: Any, escaped: bool) -> None:
    raw = json.dumps(body, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return
    changed = with_model(raw, model)
    assert json.loads(changed) == {**body, "model": model}
    if "model" in body:
        assert list(json.loads(changed)) == list(body)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ('{"model":"a"}', '{"model":"b"}'),
        (' {\n"model" : "a" , "x" : 1e400}\n', ' {\n"model" : "b" , "x" : 1e400}\n'),
        ("{}", '{"model":"b"}'),
        ('{"seed":123456789012345678901234567890}', '{"model":"b","seed":123456789012345678901234567890}'),
        ('{"tools":{"model":"a"},"model":"a"}', '{"tools":{"model":"a"},"model":"b"}'),
        ('{"x":"\\"model\\":\\"a\\"","model":{"id":"a"}}', '{"x":"\\"model\\":\\"a\\"","model":"b"}'),
    ],
)
def test_it_stays_to_the_byte(body: str, changed: str) -> None:
    assert with_model(body.encode(), "b").decode() == changed


def test_a_model_that_is_named_twice_is_replaced_twice_so_that_no_reader_sees_another() -> None:
    assert with_model(b'{"model":"a","mod\\u0065l":"c"}', "b") == b'{"model":"b","mod\\u0065l":"b"}'


@pytest.mark.parametrize("body", [b"", b"[]", b'"model"', b'{"model":', b'{"model" "a"', b"{" * 5, b'{"a":' * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        with_model(body, "b")
