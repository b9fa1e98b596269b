"""What upstreams say of tokens: every spelling, place and contradiction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.usage import MAX_COUNT, read_usage, token_count
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import Usage
from hypothesis import given
from hypothesis import strategies as st

PRICES = Prices(3_000_000_000, 15_000_000_000, 300_000_000, 3_750_000_000, 20_000_000_000)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}, Usage(3, 5)),
        ({"prompt_tokens": 3, "completion_tokens": 0}, Usage(3, 0)),
        ({"prompt_tokens": 3}, Usage(3, None)),
        ({"input_tokens": 3, "output_tokens": 5}, Usage(3, 5)),
        (  # a total that neither side explains holds reasoning (Gemini)
            {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 15},
            Usage(3, 12, reasoning_tokens=7),
        ),
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 5,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(3, 12, reasoning_tokens=7),
        ),
        (  # smaller than the completion, and beside it all the same
            {
                "prompt_tokens": 3,
                "completion_tokens": 9,
                "total_tokens": 19,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(3, 16, reasoning_tokens=7),
        ),
        (  # greater than the completion: beside it, whatever the total says
            {
                "prompt_tokens": 20,
                "completion_tokens": 4,
                "total_tokens": 24,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(20, 34, reasoning_tokens=30),
        ),
        (
            {"prompt_tokens": 20, "total_tokens": 50},
            Usage(20, 30),
        ),
        ({"completion_tokens": 20, "total_tokens": 50}, Usage(30, 20)),
        ({"prompt_tokens": 50, "total_tokens": 20}, Usage(50, None)),
        ({"total_tokens": 50}, Usage(total_tokens=50)),
        (
            {"total_tokens": 50, "prompt_tokens_details": {"cached_tokens": 8}},
            Usage(cache_read_tokens=8, total_tokens=50),
        ),
        (  # cached tokens beside the prompt
            {
                "prompt_tokens": 100,
                "completion_tokens": 7,
                "total_tokens": 3107,
                "cache_read_input_tokens": 3000,
                "cache_creation_input_tokens": 0,
            },
            Usage(3100, 7, cache_read_tokens=3000, cache_write_tokens=0),
        ),
        (  # read beside, written inside
            {
                "prompt_tokens": 100,
                "completion_tokens": 7,
                "total_tokens": 187,
                "prompt_tokens_details": {"cached_tokens": 80, "cache_creation_tokens": 60},
            },
            Usage(180, 7, cache_read_tokens=80, cache_write_tokens=60),
        ),
        (  # cached inside, reasoning beside
            {
                "prompt_tokens": 100,
                "completion_tokens": 7,
                "total_tokens": 137,
                "prompt_tokens_details": {"cached_tokens": 80},
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(100, 37, cache_read_tokens=80, reasoning_tokens=30),
        ),
        (  # more cached than asked
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 80},
            },
            Usage(85, 7, cache_read_tokens=80),
        ),
        (  # audio beside the prompt
            {
                "prompt_tokens": 12,
                "completion_tokens": 40,
                "total_tokens": 252,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 200},
            },
            Usage(212, 40, cache_read_tokens=0, input_audio_tokens=200),
        ),
        (  # audio inside
            {
                "prompt_tokens": 64,
                "completion_tokens": 9,
                "total_tokens": 73,
                "prompt_tokens_details": {"audio_tokens": 44, "text_tokens": 20},
            },
            Usage(64, 9, input_audio_tokens=44),
        ),
        ({"prompt_tokens": 12.0, "completion_tokens": 5.0}, Usage(12, 5)),
        ({"prompt_tokens": 12.5, "completion_tokens": "5"}, Usage()),
        ({"prompt_tokens": -1, "completion_tokens": 2**62, "total_tokens": 10**30}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": 2**62, "total_tokens": 9}, Usage(3, 6)),
        ({"prompt_tokens": [3], "completion_tokens": {}, "prompt_tokens_details": 4}, Usage()),
        ({"prompt_tokens": True, "completion_tokens": None}, Usage()),
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 50,
                "total_tokens": 1350,
                "prompt_tokens_details": {"cached_tokens": 300},
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            Usage(1000, 350, cache_read_tokens=300, reasoning_tokens=300),
        ),
        (
            {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "input_tokens": 1000, "output_tokens": 50},
            Usage(1000, 50),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
    ],
)
def test_usage(usage: dict[str, Any], expected: Usage) -> None:
    assert read_usage(usage) == expected


@pytest.mark.parametrize(
    "spelt",
    [
        {"prompt_tokens_details": {"cached_tokens": 40}},
        {"prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": None}, "cached_tokens": 0},
        {"input_tokens_details": {"cached_tokens": 40}},
        {"cache_read_input_tokens": 40},
        {"num_cached_tokens": 40},
        {"cached_tokens": 40},
        {"prompt_cache_hit_tokens": 40, "prompt_cache_miss_tokens": 60},
        {"cache_read_tokens": 40},
    ],
)
def test_tokens_read_from_the_cache_in_each_spelling(spelt: dict[str, Any]) -> None:
    usage = read_usage({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, **spelt})
    assert usage == Usage(100, 5, cache_read_tokens=40)


@pytest.mark.parametrize(
    "spelt",
    [
        {"prompt_tokens_details": {"cache_creation_tokens": 40}},
        {"prompt_tokens_details": {"cache_write_tokens": 40}},
        {"cache_creation_input_tokens": 40},
        {"cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30}},
        {"cache_creation_input_tokens": 40, "cache_creation": {"ephemeral_5m_input_tokens": 40}},
    ],
)
def test_tokens_written_to_the_cache_in_each_spelling(spelt: dict[str, Any]) -> None:
    usage = read_usage({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, **spelt})
    long = spelt.get("cache_creation", {}).get("ephemeral_1h_input_tokens")
    assert usage == Usage(100, 5, cache_write_tokens=40, cache_write_long_tokens=long)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"completion_tokens_details": {"audio_tokens": 7, "text_tokens": 3, "image_tokens": 0}},
            Usage(90, 10, output_audio_tokens=7),
        ),
        (
            {"prompt_tokens_details": {"image_tokens": 80}, "completion_tokens_details": {"image_tokens": 10}},
            Usage(90, 10, input_image_tokens=80, output_image_tokens=10),
        ),
        ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}}, Usage(90, 10, web_searches=2)),
        ({"service_tier": "batch"}, Usage(90, 10, service_tier="batch")),
        ({"service_tier": "standard", "speed": "fast"}, Usage(90, 10, service_tier="fast")),
        ({"service_tier": "default"}, Usage(90, 10)),
        ({"service_tier": {}, "speed": 4}, Usage(90, 10)),
        ({"extra_properties": {"google": {"traffic_type": "ON_DEMAND"}}}, Usage(90, 10)),
        ({"extra_properties": {"google": {"traffic_type": "ON_DEMAND_FLEX"}}}, Usage(90, 10, service_tier="flex")),
        (
            {"extra_properties": {"google": {"traffic_type": "ON_DEMAND_PRIORITY"}}},
            Usage(90, 10, service_tier="priority"),
        ),
        ({"extra_properties": {"google": {"traffic_type": 1}}}, Usage(90, 10)),
    ],
)
def test_what_is_priced_apart(usage: dict[str, Any], expected: Usage) -> None:
    assert read_usage({"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100, **usage}) == expected


@pytest.mark.parametrize("tier", ["priority", "flex"])
def test_the_service_tier_beside_the_usage(tier: str) -> None:
    chunk = {"choices": [], "service_tier": tier}
    chunks = [chunk, *openai_finish({"prompt_tokens": 3, "completion_tokens": 5}, "later")]
    assert read_stream(chunks) == Usage(3, 5, service_tier=tier)


def test_anthropic_counts_cached_tokens_beside_its_input_unless_a_total_says_otherwise() -> None:
    usage = {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 4}
    assert read_usage(usage, cache_beside=True) == Usage(14, 2, cache_read_tokens=4)
    assert read_usage({**usage, "total_tokens": 16}, cache_beside=True) == Usage(14, 2, cache_read_tokens=4)
    assert read_usage({**usage, "total_tokens": 12}, cache_beside=True) == Usage(10, 2, cache_read_tokens=4)


def openai_finish(usage: Any, holder: str) -> list[dict[str, Any]]:
    """The end of a stream whose usage stands at `holder`."""
    choice: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": "stop"}
    end: dict[str, Any] = {"choices": [choice]}
    match holder:
        case "root":
            end["usage"] = usage
        case "x_groq":
            end["x_groq"] = {"id": "1", "usage": usage}
        case "choice":
            choice["usage"] = usage
        case "delta":
            choice["delta"] = {"usage": usage}
        case "later":
            return [end, {"choices": [], "usage": usage}]
    return [end]


def read_stream(documents: list[dict[str, Any]]) -> Usage:
    translator = OpenAITranslator()
    list(translator.read_events(SseEvent("", json.dumps(document)) for document in documents))
    return translator.finished().usage


HOLDERS = ("root", "x_groq", "choice", "delta", "later")


@pytest.mark.parametrize("holder", HOLDERS)
def test_usage_in_each_place_of_a_chunk(holder: str) -> None:
    assert read_stream(openai_finish({"prompt_tokens": 3, "completion_tokens": 5}, holder)) == Usage(3, 5)


FULL = {
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "total_tokens": 1050,
    "prompt_tokens_details": {"cached_tokens": 800},
}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"prompt_tokens": 0, "completion_tokens": None}, Usage(1000, 50, cache_read_tokens=800)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage(1000, 50, cache_read_tokens=800)),
        ({"completion_tokens": 60}, Usage(1000, 60, cache_read_tokens=800)),
        ({"completion_tokens": 40}, Usage(1000, 40, cache_read_tokens=800)),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(1000, 50, cache_read_tokens=800)),
        ({"prompt_tokens_details": None}, Usage(1000, 50, cache_read_tokens=800)),
        (
            {"completion_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 20}},
            Usage(1000, 60, cache_read_tokens=800, reasoning_tokens=20),
        ),
        ({"prompt_tokens": "many"}, Usage(1000, 50, cache_read_tokens=800)),
        ({"cost": 0.001}, Usage(1000, 50, cache_read_tokens=800)),
    ],
)
def test_a_later_report_replaces_what_it_counts(later: dict[str, Any], expected: Usage) -> None:
    said = {"choices": [], "usage": FULL}
    assert read_stream([said, *openai_finish(later, "later")]) == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"output_tokens": 50}, Usage(1000, 50, cache_read_tokens=300, cache_write_tokens=500)),
        (
            {
                "input_tokens": 0,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "output_tokens": 50,
            },
            Usage(1000, 50, cache_read_tokens=300, cache_write_tokens=500),
        ),
        ({"input_tokens": 210, "output_tokens": 0}, Usage(1010, 0, cache_read_tokens=300, cache_write_tokens=500)),
    ],
)
def test_what_an_anthropic_message_ends_with_replaces_what_it_counts(later: Any, expected: Usage) -> None:
    begun = {
        "input_tokens": 200,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 500,
        "output_tokens": 1,
    }
    start = {"type": "message_start", "message": {"usage": begun}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": later}
    translator = AnthropicTranslator()
    list(translator.read_events(SseEvent("", json.dumps(document)) for document in (start, end)))
    assert translator.finished().usage == expected


@dataclass(frozen=True)
class Truth:
    """What a call consumed, and how an API tells it."""

    uncached: int
    read: int
    written: int
    audio: int
    text: int
    reasoning: int
    cache_inside: bool
    audio_inside: bool
    reasoning_inside: bool
    read_spelling: str
    written_spelling: str

    @property
    def usage(self) -> Usage:
        return Usage(
            self.uncached + self.read + self.written + self.audio,
            self.text + self.reasoning,
            cache_read_tokens=self.read,
            cache_write_tokens=self.written,
            reasoning_tokens=self.reasoning,
            input_audio_tokens=self.audio or None,
        )

    def told(self) -> dict[str, Any]:
        cached = self.read + self.written
        prompt = self.uncached + (cached if self.cache_inside else 0) + (self.audio if self.audio_inside else 0)
        completion = self.text + (self.reasoning if self.reasoning_inside else 0)
        told: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": self.uncached + cached + self.audio + self.text + self.reasoning,
            "prompt_tokens_details": {"audio_tokens": self.audio},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }
        for spelling, count in ((self.read_spelling, self.read), (self.written_spelling, self.written)):
            holder, _, name = spelling.rpartition(".")
            (told.setdefault(holder, {}) if holder else told)[name] = count
        return told


# Sums of distinct powers are told apart, so that only one reading adds up.
TRUTHS = st.builds(
    Truth,
    uncached=st.sampled_from((1, 2)),
    read=st.sampled_from((0, 10, 20)),
    written=st.sampled_from((0, 100, 200)),
    audio=st.sampled_from((0, 1_000)),
    text=st.sampled_from((3, 10_000_000)),
    reasoning=st.sampled_from((0, 1_000_000)),
    cache_inside=st.booleans(),
    audio_inside=st.booleans(),
    reasoning_inside=st.booleans(),
    read_spelling=st.sampled_from(
        (
            "prompt_tokens_details.cached_tokens",
            "cache_read_input_tokens",
            "num_cached_tokens",
            "cached_tokens",
            "prompt_cache_hit_tokens",
        )
    ),
    written_spelling=st.sampled_from(
        (
            "prompt_tokens_details.cache_creation_tokens",
            "prompt_tokens_details.cache_write_tokens",
            "cache_creation_input_tokens",
            "cache_creation.ephemeral_5m_input_tokens",
        )
    ),
)


@given(TRUTHS, st.sampled_from(HOLDERS))
def test_what_adds_up_is_read_as_it_was_meant_streamed_and_unary(truth: Truth, holder: str) -> None:
    streamed = read_stream(openai_finish(truth.told(), holder))
    translator = OpenAITranslator()
    choice = {"message": {"content": "a"}, "finish_reason": "stop"}
    list(translator.read_document({"choices": [choice], "usage": truth.told()}))
    assert streamed == truth.usage
    assert PRICES.cost_nano_usd(translator.finished().usage) == PRICES.cost_nano_usd(streamed)


COUNT_NAMES = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "prompt_cache_hit_tokens",
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 500)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(COUNT_NAMES), inner, max_size=3),
    max_leaves=4,
)
DETAILS = st.dictionaries(
    st.sampled_from(("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "reasoning_tokens")),
    ANYTHING,
)
USAGES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(COUNT_NAMES, ANYTHING)
    | dict.fromkeys(("prompt_tokens_details", "completion_tokens_details", "cache_creation"), DETAILS),
)


@given(USAGES, st.booleans())
def test_whatever_is_said_a_whole_holds_its_parts(usage: dict[str, Any], cache_beside: bool) -> None:
    seen = read_usage(usage, cache_beside=cache_beside)
    if seen.input_tokens is not None:
        assert seen.input_tokens >= (seen.cache_read_tokens or 0) + (seen.cache_write_tokens or 0)
    if seen.output_tokens is not None:
        assert seen.output_tokens >= (seen.reasoning_tokens or 0)
    total = token_count(usage.get("total_tokens"))
    if total is not None and seen.input_tokens is not None and seen.output_tokens is not None:
        assert seen.input_tokens + seen.output_tokens >= min(total, MAX_COUNT)
    cost = PRICES.cost_nano_usd(seen)
    assert cost is None or cost >= 0


@given(USAGES, st.integers(0, 500))
def test_an_anthropic_answer_costs_the_same_streamed_and_unary(said: dict[str, Any], output_tokens: int) -> None:
    usage = {**said, "output_tokens": output_tokens}
    unary = AnthropicTranslator()
    list(unary.read_document({"content": [], "stop_reason": "end_turn", "usage": usage}))
    streamed = AnthropicTranslator()
    start = {"type": "message_start", "message": {"usage": {**usage, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    list(streamed.read_events(SseEvent("", json.dumps(document)) for document in (start, end)))
    assert streamed.finished().usage == unary.finished().usage


def test_an_anthropic_answer_may_count_by_other_names() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4}
    unary, streamed = AnthropicTranslator(), AnthropicTranslator()
    list(unary.read_document({"content": [], "stop_reason": "end_turn", "usage": usage}))
    start = {"type": "message_start", "message": {"usage": {"prompt_tokens": 9, "completion_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    list(streamed.read_events(SseEvent("", json.dumps(document)) for document in (start, end)))
    assert unary.finished().usage == streamed.finished().usage == Usage(9, 4)
