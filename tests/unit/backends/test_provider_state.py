"""What a provider wants back of an answer: kept whole, and given back to it alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.provider_state import accumulate
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.left_out import left_out
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.provider import Citation, ProviderState
from frontdesk_server.domain.query import Message, Query, Role, TextPart, ToolCall, ToolResult, text_query
from frontdesk_server.domain.usage import FinishReason

from tests.profiles import ANTHROPIC, COMPATIBLE, profile_at
from tests.unit.backends.test_blocks import answered

Json = dict[str, Any]

THINKING: Json = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}


def sse(*documents: Json) -> list[SseEvent]:
    return [SseEvent("", orjson.dumps(document).decode()) for document in documents]


def after(answer: Message) -> Query:
    """The next turn: results of the answer's calls, else a further question."""
    results = tuple(ToolResult(part.id, "1") for part in answer.parts if isinstance(part, ToolCall))
    next_one = Message(Role.TOOL, results) if results else Message(Role.USER, (TextPart("And?"),))
    return Query((*text_query("Weather?").messages, answer, next_one))


def to_anthropic(query: Query, provider: str = "anthropic") -> Json:
    names = frozenset({"anthropic", provider})
    return messages_body(BackendCall("m", query, False, dialects=names, provider=provider, profile=ANTHROPIC), 4096)


def to_openai(query: Query, provider: str = "openai", profile: Profile = COMPATIBLE) -> Json:
    names = frozenset({"openai", provider})
    call = BackendCall("m", query, False, dialects=names, provider=provider, profile=profile)
    return chat_completion_body(call)


CITED: Json = {"type": "web_search_result_location", "url": "https://e.org/a", "title": "A", "cited_text": "rain"}
BLOCKS: list[Json] = [
    {"type": "thinking", "thinking": "Search.", "signature": "c2ln"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Köln", "n": 1}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "eA=="}]},
    {"type": "text", "text": "It rains", "citations": [CITED, {**CITED, "url": "https://e.org/b"}]},
    {"type": "text", "text": " in Köln."},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
    {"type": "some_block_of_next_year", "content": "sealed"},
]
CONTAINER = {"id": "container_1", "expires_at": "2026-12-01T00:00:00Z"}


def anthropic_stream() -> list[Json]:
    """The same blocks as a stream: inputs, citations and the content of what is new come in pieces."""
    events: list[Json] = [{"type": "message_start", "message": {"model": "m"}}]
    for index, block in enumerate(BLOCKS):
        begun, deltas = dict(block), []
        if block["type"] == "thinking":
            begun |= {"thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": "Search."},
                {"type": "signature_delta", "signature": "c2ln"},
            ]
        if block["type"] == "text":
            begun |= {"text": "", "citations": []} if "citations" in block else {"text": ""}
            deltas = [{"type": "citations_delta", "citation": cited} for cited in block.get("citations", ())]
            deltas += [{"type": "text_delta", "text": character} for character in block["text"]]
        if "input" in block:
            begun |= {"input": {}}
            text = orjson.dumps(block["input"]).decode()
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", text[:5], text[5:])]
        if block["type"] == "some_block_of_next_year":
            begun |= {"content": "sea"}
            deltas = [{"type": "some_delta_of_next_year", "content": "led"}]
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": "tool_use", "container": CONTAINER}
    return [*events, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}, {"type": "message_stop"}]


def anthropic_answers() -> list[Message]:
    document = {"content": BLOCKS, "stop_reason": "tool_use", "container": CONTAINER}
    streamed = AnthropicTranslator()
    one_by_one = [event for one in anthropic_stream() for event in streamed.read_events(sse(one))]
    at_once = list(AnthropicTranslator().read_events(sse(*anthropic_stream())))
    return [answered(list(AnthropicTranslator().read_document(document))), answered(one_by_one), answered(at_once)]


def test_every_block_of_anthropic_goes_back_as_it_came_however_it_was_read() -> None:
    unary, *streamed = anthropic_answers()
    assert streamed == [unary, unary]
    body = to_anthropic(after(unary))
    assert body["messages"][1] == {"role": "assistant", "content": BLOCKS}
    assert body["container"] == "container_1"


def test_citations_of_anthropic_can_be_read() -> None:
    (cited,) = (part for part in anthropic_answers()[0].parts if isinstance(part, TextPart) and part.citations)
    assert cited.text == "It rains"
    assert cited.citations == (
        Citation("https://e.org/a", "A", "rain"),
        Citation("https://e.org/b", "A", "rain"),
    )


@pytest.mark.parametrize("provider", ["openai", "gateway"])
def test_nothing_of_it_goes_to_another_provider_and_that_is_told(provider: str) -> None:
    query = after(anthropic_answers()[0])
    other = orjson.dumps(to_openai(query, provider))
    for secret in (b"c2ln", b"eA==", b"srvtoolu_1", b"e.org", b"sealed", b"container_1", b"direct"):
        assert secret not in other
    alike = orjson.dumps(to_anthropic(query, "another_of_the_dialect"))
    for secret in (b"c2ln", b"eA==", b"srvtoolu_1", b"e.org", b"sealed", b"container_1", b"direct"):
        assert secret not in alike
    told = list(left_out(query, Deployment("b", "m", dialects=frozenset({provider}), provider=provider)))
    assert [made.field for made in told] == [
        "query.messages[1].parts[1]",
        "query.messages[1].parts[2]",
        "query.messages[1].parts[6]",
        "query.messages[1]",
    ]
    own = Deployment("b", "m", dialects=frozenset({"anthropic"}), provider="anthropic")
    assert list(left_out(query, own)) == []


def test_an_answer_in_which_anthropic_paused_is_gone_on_with() -> None:
    paused = answered(list(AnthropicTranslator().read_document({"content": BLOCKS[:3], "stop_reason": "pause_turn"})))
    query = Query((*text_query("Weather?").messages, paused))
    assert to_anthropic(query)["messages"][-1] == {"role": "assistant", "content": BLOCKS[:3]}
    assert (query.is_prefilled, query.demanded_dialects()) == (False, frozenset({"anthropic"}))


DETAILS: list[Json] = [
    {"type": "reasoning.text", "text": "Two cities.", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"},
    {"type": "reasoning.encrypted", "data": "eA==", "format": "openai-responses-v1", "index": 1, "id": "rs_1"},
    {"type": "reasoning.encrypted", "data": "eQ==", "format": "openai-responses-v1", "index": 1, "id": "rs_2"},
    {"type": "reasoning.summary", "summary": "Both.", "index": 2},
]
PIECES: list[list[Json]] = [
    [{"type": "reasoning.text", "text": "Two ", "format": "anthropic-claude-v1", "index": 0}],
    [{"type": "reasoning.text", "text": "cities.", "format": None, "index": 0, "signature": None}],
    [{"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"}],
    DETAILS[1:3],
    [
        {"type": "reasoning.summary", "summary": "Bo", "index": 2},
        {"type": "reasoning.summary", "summary": "th.", "index": 2},
    ],
]
SIGNED = {"google": {"thought_signature": "c2ln"}}
CALL: Json = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": SIGNED}
SOURCE = {
    "type": "url_citation",
    "url_citation": {"url": "https://e.org/a", "title": "A", "start_index": 0, "end_index": 2},
}


def openai_unary() -> Json:
    message = {
        "role": "assistant",
        "content": "Hm.",
        "tool_calls": [CALL],
        "reasoning_details": DETAILS,
        "annotations": [SOURCE],
        "audio": None,
        "token_id": 7,
    }
    return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}


def openai_stream() -> list[Json]:
    deltas: list[Json] = [
        *({"reasoning_details": piece} for piece in PIECES),
        {"content": "Hm.", "token_id": 7},
        {"tool_calls": [{"index": 0, **CALL}]},
        {"annotations": [SOURCE]},
    ]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return [*({"choices": [{"index": 0, "delta": delta}]} for delta in deltas), last]


def openai_answers() -> list[Message]:
    streamed = OpenAITranslator("openrouter")
    events = [event for one in openai_stream() for event in streamed.read_events(sse(one))]
    return [answered(list(OpenAITranslator("openrouter").read_document(openai_unary()))), answered(events)]


def test_what_an_openai_compatible_provider_wants_back_it_gets_back() -> None:
    unary, streamed = openai_answers()
    assert streamed == unary
    assistant = to_openai(after(unary), "openrouter")["messages"][1]
    assert assistant == {
        "role": "assistant",
        "content": "Hm.",
        "tool_calls": [CALL],
        "reasoning_details": DETAILS,
        "annotations": [SOURCE],
    }
    assert [p.citations for p in unary.parts if isinstance(p, TextPart)] == [
        (Citation("https://e.org/a", "A", "", 0, 2),)
    ]


def test_state_of_an_openai_compatible_provider_is_for_no_other_and_not_for_those_that_refuse_it() -> None:
    query = after(openai_answers()[0])
    bare = {"role": "assistant", "content": "Hm.", "tool_calls": [{k: CALL[k] for k in ("id", "type", "function")}]}
    assert to_openai(query, "groq")["messages"][1] == bare
    assert "reasoning_details" not in to_openai(query, "openrouter", Profile(state=False))["messages"][1]
    assert b"c2ln" not in orjson.dumps(to_anthropic(query))


def test_sources_beside_an_answer_are_citations() -> None:
    document = {
        "choices": [{"message": {"content": "Rain."}, "finish_reason": "stop"}],
        "citations": ["https://e.org/a"],
        "search_results": [{"title": "A", "url": "https://e.org/a", "snippet": "rain"}, "odd"],
    }
    (part,) = answered(list(OpenAITranslator().read_document(document))).parts
    assert part == TextPart("Rain.", citations=(Citation("https://e.org/a", "A", "rain"),))


def test_messages_that_are_joined_keep_what_belongs_to_them() -> None:
    state = (ProviderState("openrouter", '{"reasoning_details": [1]}'),)
    said = Message(Role.ASSISTANT, (TextPart("Hm."), ToolCall("a", "f")), provider_state=state)
    body = to_openai(after(said), "openrouter")
    assert body["messages"][1]["reasoning_details"] == [1]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([{"a": {"b": 1}}, {"a": {"c": 2}}], {"a": {"b": 1, "c": 2}}),
        ([{"a": [1]}, {"a": [2]}], {"a": [1, 2]}),
        ([{"a": [{"text": "x"}]}, {"a": [{"text": "y"}]}], {"a": [{"text": "x"}, {"text": "y"}]}),
        ([{"a": [{"index": 0, "text": "x"}]}, {"a": [{"index": 0, "text": "y"}]}], {"a": [{"index": 0, "text": "xy"}]}),
        ([{"a": [1]}, {"a": {"b": 2}}], {"a": {"b": 2}}),
        ([{"a": {"b": {"c": 1}}}, {"a": {"b": {"d": False}}}], {"a": {"b": {"c": 1, "d": False}}}),
        ([{"a": {"b": {"c": 1}}}, {"a": {"b": {"c": None}}}, {"a": {"b": None}}], {"a": {"b": {"c": 1}}}),
        ([{"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}], {"a": {"b": {"c": "y"}}}),
        ([{"a": {"b": [1]}}, {"a": {"b": [1, 2]}}], {"a": {"b": [1, 2]}}),
        ([{"a": {"data": "x", "id": "1"}}, {"a": {"data": "y", "id": "1"}}], {"a": {"data": "xy", "id": "1"}}),
    ],
)
def test_pieces_of_state_are_joined_where_nothing_contradicts(pieces: list[Json], expected: Json) -> None:
    whole: Json = {}
    for piece in pieces:
        accumulate(whole, piece)
    assert whole == expected


SOUND: list[Json] = [
    {"id": "audio_1", "transcript": "he"},
    {"data": "QUJD"},
    {"data": "REVG"},
    {"transcript": "llo"},
    {"expires_at": 5},
]


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
@pytest.mark.parametrize("ends", [["stop"], ["stop", "usage"], ["usage"], []])
def test_a_sound_that_came_in_pieces_is_whole_however_its_stream_ends(provider: str, ends: list[str]) -> None:
    translator = OpenAITranslator(provider)
    documents: list[Json] = [{"choices": [{"index": 0, "delta": {"audio": piece}}]} for piece in SOUND]
    if "stop" in ends:
        documents.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if "usage" in ends:
        documents.append({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    events = [event for one in documents for event in translator.read_events(sse(one))]
    events += translator.read_events([SseEvent("", "[DONE]")])
    (state,) = answered(events).provider_state
    sound = {"id": "audio_1", "transcript": "hello", "data": "QUJDREVG", "expires_at": 5}
    assert (state.dialect, orjson.loads(state.json)) == (provider, {"audio": sound})
    assert translator.finished().finish_reason is (FinishReason.STOP if "stop" in ends else FinishReason.OTHER)


def test_a_signature_beside_other_members_that_come_later_goes_back() -> None:
    translator = OpenAITranslator("vertex_gemini")
    members = ({"thought_signature": "c2ln"}, {"thought": False})
    deltas = [{"content": "a", "extra_content": {"google": member}} for member in members]
    choices: list[Json] = [{"index": 0, "delta": delta} for delta in deltas]
    documents = [{"choices": [one]} for one in (*choices, {"index": 0, "delta": {}, "finish_reason": "stop"})]
    answer = answered([event for one in documents for event in translator.read_events(sse(one))])
    sent = to_openai(after(answer), "vertex_gemini")["messages"][1]
    assert sent["extra_content"] == {"google": {"thought_signature": "c2ln", "thought": False}}


REASONED: list[tuple[str, Json]] = [
    ("ollama", {"role": "assistant", "reasoning": "Hm.", "content": "Four."}),
    ("ollama", {"role": "assistant", "reasoning_content": "Hm.", "content": "Four."}),
    ("mistral", {"role": "assistant", "content": [THINKING, {"type": "text", "text": "Four."}]}),
    ("ollama", {"role": "assistant", "reasoning": "Hm.", "content": ""}),
]


@pytest.mark.parametrize(("provider", "message"), REASONED)
@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_goes_back_where_it_stood(provider: str, message: Json, *, streamed: bool) -> None:
    translator = OpenAITranslator(provider)
    choice = {"delta" if streamed else "message": message, "finish_reason": "stop"}
    read = translator.read_events(sse({"choices": [choice]})) if streamed else None
    answer = answered(list(read if read is not None else translator.read_document({"choices": [choice]})))
    profile = profile_at("openai", f"{provider}.example", "m")
    assert to_openai(after(answer), provider, profile)["messages"][1] == message


def test_reasoning_of_another_provider_is_told_in_tool_loops_only() -> None:
    choice = {"message": {"role": "assistant", "reasoning": "Hm.", "content": "Four."}, "finish_reason": "stop"}
    answer = answered(list(OpenAITranslator("ollama").read_document({"choices": [choice]})))
    assert to_openai(after(answer), "zai")["messages"][1] == {"role": "assistant", "content": "Four."}
    calling = replace(answer, parts=(*answer.parts, ToolCall("1", "f")))
    assert to_openai(after(calling), "zai")["messages"][1]["reasoning_content"] == "Hm."
    assert "Hm." not in str(to_openai(after(calling), "openai", profile_at("openai", "api.openai.com", "m")))
    assert "Hm." not in str(to_openai(after(calling), "mistral", profile_at("openai", "api.mistral.ai", "m")))


def test_reasoning_that_the_caller_took_out_leaves_no_trace() -> None:
    choice = {"message": {"role": "assistant", "reasoning": "Hm.", "content": "Four."}, "finish_reason": "stop"}
    answer = answered(list(OpenAITranslator().read_document({"choices": [choice]})))
    without = replace(answer, parts=answer.parts[1:])
    assert to_openai(after(without))["messages"][1] == {"role": "assistant", "content": "Four."}


def test_a_sound_goes_back_by_its_id() -> None:
    message = {"role": "assistant", "content": None, "audio": {"id": "audio_1", "data": "QUJD", "expires_at": 5}}
    choice = {"message": message, "finish_reason": "stop"}
    answer = answered(list(OpenAITranslator().read_document({"choices": [choice]})))
    assert to_openai(after(answer))["messages"][1]["audio"] == {"id": "audio_1"}


def test_an_answer_without_content_that_an_api_refuses_is_left_out_and_that_is_said() -> None:
    query = Query((*text_query("Hi").messages, Message(Role.ASSISTANT, (TextPart(""),)), *text_query("Next").messages))
    for build, profile in (
        (lambda call: messages_body(call, 4096), ANTHROPIC),
        (chat_completion_body, profile_at("openai", "openrouter.ai", "m")),
    ):
        call = BackendCall("m", query, stream=False, profile=profile)
        assert all(item["role"] == "user" for item in build(call)["messages"])
        assert ["without content" in one.detail for one in call.dispatch.adjustments] == [True]
