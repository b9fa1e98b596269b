"""The official `openai` client for Python."""

from __future__ import annotations

from typing import cast

import openai
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionContentPartParam,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
)
from pydantic import BaseModel

from tests.sdks.report import PNG, address, run

TOOL: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Sum(BaseModel):
    """What is asked for as JSON."""

    answer: int


client = openai.OpenAI(base_url=f"{address()}/v1", api_key="unused", max_retries=0, timeout=20)


def said(word: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": word}]


def chat() -> None:
    answer = client.chat.completions.create(model="default", messages=said("chat"))
    assert answer.choices[0].message.content == "The answer is four."
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 11
    assert answer.id == f"chatcmpl-{answer._request_id}"


def streams() -> None:
    stream = client.chat.completions.create(
        model="default", messages=said("chat"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "The answer is four."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


def tools() -> None:
    messages = said("tool")
    asked = client.chat.completions.create(model="default", messages=messages, tools=[TOOL])
    message = asked.choices[0].message
    assert asked.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.arguments == '{"city":"Paris"}'
    again = cast("ChatCompletionAssistantMessageParam", message.model_dump())
    messages += [again, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    done = client.chat.completions.create(model="default", messages=messages, tools=[TOOL])
    assert done.choices[0].message.content == "The answer is four."


def streamed_tools() -> None:
    with client.chat.completions.stream(model="default", messages=said("tool"), tools=[TOOL]) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.arguments == '{"city":"Paris"}'


def structured_output() -> None:
    parsed = client.chat.completions.parse(model="default", messages=said("json"), response_format=Sum)
    assert parsed.choices[0].message.parsed == Sum(answer=4)


def images() -> None:
    parts: list[ChatCompletionContentPartParam] = [
        {"type": "text", "text": "chat"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
    ]
    answer = client.chat.completions.create(model="default", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "The answer is four."


def logprobs() -> None:
    answer = client.chat.completions.create(model="default", messages=said("chat"), logprobs=True, top_logprobs=2)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert logprobs.content[0].token == "The "


def errors() -> None:
    for model, temperature, error, code in (
        ("nobody", 1.0, openai.NotFoundError, "model_not_found"),
        ("default", 2.5, openai.BadRequestError, "TEMPERATURE_OUT_OF_RANGE"),
    ):
        try:
            client.chat.completions.create(model=model, messages=said("chat"), temperature=temperature)
        except error as raised:
            assert raised.code == code
        else:
            raise AssertionError("was accepted")


def retries() -> None:
    patient = client.with_options(max_retries=4)
    for _ in range(2):
        answer = patient.chat.completions.create(model="limited", messages=said("chat"))
        assert answer.choices[0].message.content == "The answer is four."


def cancel() -> None:
    stream = client.chat.completions.create(model="default", messages=said("slow"), stream=True)
    next(iter(stream))
    stream.close()


def timeouts() -> None:
    try:
        client.with_options(timeout=0.3).chat.completions.create(model="default", messages=said("hang"))
    except openai.APITimeoutError:
        return
    raise AssertionError("did not time out")


def cut_streams() -> None:
    try:
        list(client.chat.completions.create(model="default", messages=said("cut"), stream=True))
    except openai.APIError as error:
        assert error.code == "UPSTREAM_CUT"
        return
    raise AssertionError("the cut was not seen")


def models() -> None:
    assert "default" in [model.id for model in client.models.list()]
    assert client.models.retrieve("small").id == "small"


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "streams": streams,
            "tools": tools,
            "streamed tools": streamed_tools,
            "structured output": structured_output,
            "images": images,
            "logprobs": logprobs,
            "errors": errors,
            "retries": retries,
            "cancel": cancel,
            "timeouts": timeouts,
            "cut streams": cut_streams,
            "models": models,
        }
    )
