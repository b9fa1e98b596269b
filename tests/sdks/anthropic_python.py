"""The official `anthropic` client for Python."""

from __future__ import annotations

from typing import Any, TypedDict

import anthropic
from anthropic.types import ImageBlockParam, MessageParam, TextBlockParam, ToolParam, ToolResultBlockParam
from pydantic import BaseModel

from tests.sdks.report import PNG, address, run

TOOL: ToolParam = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Sum(BaseModel):
    """What is asked for as JSON."""

    answer: int


client = anthropic.Anthropic(base_url=address(), api_key="unused", max_retries=0, timeout=20)


class Asked(TypedDict):
    """What every call has."""

    model: str
    max_tokens: int
    messages: list[MessageParam]


def asking(word: str, model: str = "default", max_tokens: int = 100) -> Asked:
    return {"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": word}]}


def telling(*messages: MessageParam) -> Asked:
    return {"model": "default", "max_tokens": 100, "messages": list(messages)}


def reason_of(error: anthropic.APIError) -> object:
    body: Any = error.body
    return body["error"]["frontdesk"]["reason"]


def chat() -> None:
    system: list[TextBlockParam] = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    answer = client.messages.create(**asking("chat"), system=system)
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "The answer is four."
    assert (answer.stop_reason, answer.usage.input_tokens) == ("end_turn", 11)
    assert answer.id == f"msg_{answer._request_id}"


def streams() -> None:
    with client.messages.stream(**asking("chat")) as stream:
        assert "".join(stream.text_stream) == "The answer is four."
        assert stream.get_final_message().usage.output_tokens == 5


def tools() -> None:
    asked = client.messages.create(**asking("tool"), tools=[TOOL])
    assert asked.stop_reason == "tool_use"
    call = asked.content[-1]
    assert call.type == "tool_use"
    assert call.input == {"city": "Paris"}
    result: ToolResultBlockParam = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    told = telling(
        {"role": "user", "content": "tool"},
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]},
    )
    done = client.messages.create(**told, tools=[TOOL])
    assert done.content[0].type == "text"
    assert done.content[0].text == "The answer is four."


def streamed_tools() -> None:
    with client.messages.stream(**asking("tool"), tools=[TOOL]) as stream:
        call = stream.get_final_message().content[-1]
    assert call.type == "tool_use"
    assert call.input == {"city": "Paris"}


def thinking() -> None:
    with client.messages.stream(**asking("think")) as stream:
        first, second = stream.get_final_message().content
    assert first.type == "thinking"
    assert first.thinking == "Two and two."
    assert second.type == "text"
    assert second.text == "The answer is four."
    told = telling(
        {"role": "user", "content": "think"},
        {"role": "assistant", "content": [first, second]},
        {"role": "user", "content": "chat"},
    )
    assert client.messages.create(**told).stop_reason == "end_turn"


def structured_output() -> None:
    parsed = client.messages.parse(**asking("json"), output_format=Sum)
    assert parsed.parsed_output == Sum(answer=4)


def images() -> None:
    image: ImageBlockParam = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    told = telling({"role": "user", "content": [image, {"type": "text", "text": "chat"}]})
    assert client.messages.create(**told).stop_reason == "end_turn"


def errors() -> None:
    for asked, error in (
        (asking("chat", model="nobody"), anthropic.NotFoundError),
        (asking("chat", max_tokens=0), anthropic.BadRequestError),
    ):
        try:
            client.messages.create(**asked)
        except error as raised:
            assert reason_of(raised) in ("UNKNOWN_MODEL", "MAX_OUTPUT_TOKENS_OUT_OF_RANGE")
        else:
            raise AssertionError("was accepted")


def retries() -> None:
    patient = client.with_options(max_retries=4)
    for _ in range(2):
        assert patient.messages.create(**asking("chat", model="limited")).stop_reason == "end_turn"


def cancel() -> None:
    with client.messages.stream(**asking("slow")) as stream:
        next(iter(stream.text_stream))


def timeouts() -> None:
    try:
        client.with_options(timeout=0.3).messages.create(**asking("hang"))
    except anthropic.APITimeoutError:
        return
    raise AssertionError("did not time out")


def cut_streams() -> None:
    try:
        with client.messages.stream(**asking("cut")) as stream:
            stream.get_final_message()
    except anthropic.APIError as error:
        assert reason_of(error) == "UPSTREAM_CUT"
        return
    raise AssertionError("the cut was not seen")


def token_counts() -> None:
    counted = client.messages.count_tokens(
        model="default", messages=[{"role": "user", "content": "four words are here"}]
    )
    assert 4 <= counted.input_tokens <= 20


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "streams": streams,
            "tools": tools,
            "streamed tools": streamed_tools,
            "thinking": thinking,
            "structured output": structured_output,
            "images": images,
            "errors": errors,
            "retries": retries,
            "cancel": cancel,
            "timeouts": timeouts,
            "cut streams": cut_streams,
            "token counts": token_counts,
        }
    )
