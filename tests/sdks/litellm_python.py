"""LiteLLM's client, which calls both APIs."""

from __future__ import annotations

import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it asks the network for prices otherwise

import litellm
from pydantic import BaseModel

from tests.sdks.report import PNG, address, run

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
litellm.telemetry = False
litellm.suppress_debug_info = True


class Sum(BaseModel):
    """What is asked for as JSON."""

    answer: int


def ask(api: str, content: Any, model: str = "default", **members: Any) -> Any:
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    base = f"{address()}/v1" if api == "openai" else address()
    members = {"num_retries": 0, "max_retries": 0, "timeout": 20, "max_tokens": 100, **members}
    return litellm.completion(model=f"{api}/{model}", messages=messages, api_base=base, api_key="unused", **members)


BOTH = ("openai", "anthropic")


def chat() -> None:
    for api in BOTH:
        answer = ask(api, "chat")
        assert answer.choices[0].message.content == "The answer is four."
        assert answer.usage.prompt_tokens == 11


def streams() -> None:
    for api in BOTH:
        pieces = [chunk.choices[0].delta.content or "" for chunk in ask(api, "chat", stream=True) if chunk.choices]
        assert "".join(pieces) == "The answer is four."


def tools() -> None:
    for api in BOTH:
        asked = ask(api, "tool", tools=[TOOL]).choices[0].message
        (call,) = asked.tool_calls
        assert call.function.name == "get_weather"
        messages = [
            {"role": "user", "content": "tool"},
            asked.model_dump(),
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        assert ask(api, messages, tools=[TOOL]).choices[0].message.content == "The answer is four."


def streamed_tools() -> None:
    for api in BOTH:
        chunks = list(ask(api, "tool", tools=[TOOL], stream=True))
        calls = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls
        assert calls[0].function.name == "get_weather"
        assert "Paris" in calls[0].function.arguments


def structured_output() -> None:
    answer = ask("openai", "json", response_format=Sum)
    assert Sum.model_validate_json(answer.choices[0].message.content) == Sum(answer=4)


def images() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    for api in BOTH:
        messages = [{"role": "user", "content": [{"type": "text", "text": "chat"}, image]}]
        assert ask(api, messages).choices[0].message.content == "The answer is four."


def errors() -> None:
    for api in BOTH:
        try:
            ask(api, "chat", model="nobody")
        except litellm.NotFoundError:
            continue
        raise AssertionError("was accepted")


def retries() -> None:
    for _ in range(2):
        answer = ask("openai", "chat", model="limited", num_retries=6)
        assert answer.choices[0].message.content == "The answer is four."


def cancel() -> None:
    stream = ask("openai", "slow", stream=True)
    next(iter(stream))
    stream.completion_stream.close()


def timeouts() -> None:
    for api in BOTH:
        try:
            ask(api, "hang", timeout=0.3)
        except litellm.Timeout:
            continue
        raise AssertionError("did not time out")


def cut_streams() -> None:
    for api in BOTH:
        try:
            list(ask(api, "cut", stream=True))
        except Exception as error:
            assert "ended in its middle" in str(error)
            continue
        raise AssertionError("the cut was not seen")


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "streams": streams,
            "tools": tools,
            "streamed tools": streamed_tools,
            "structured output": structured_output,
            "images": images,
            "errors": errors,
            "retries": retries,
            "cancel": cancel,
            "timeouts": timeouts,
            "cut streams": cut_streams,
        }
    )
