"""LangChain's clients of both APIs: `langchain-openai` and `langchain-anthropic`."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from tests.sdks.report import PNG, address, run


@tool  # type: ignore[untyped-decorator,unused-ignore]  # LangChain is installed apart
def get_weather(city: str) -> str:
    """The weather of a city."""
    return "sunny"


class Sum(BaseModel):
    """What is asked for as JSON."""

    answer: int


def models(**members: Any) -> tuple[Any, Any]:
    members = {"model": "default", "max_retries": 0, "timeout": 20, **members}
    return (
        ChatOpenAI(base_url=f"{address()}/v1", api_key="unused", **members),
        ChatAnthropic(base_url=address(), api_key="unused", max_tokens=100, **members),
    )


def chat() -> None:
    for model in models():
        answer = model.invoke("chat")
        assert answer.text == "The answer is four."
        assert answer.usage_metadata["input_tokens"] == 11


def streams() -> None:
    for model in models():
        assert "".join(chunk.text for chunk in model.stream("chat")) == "The answer is four."


def tools() -> None:
    for model in models():
        bound = model.bind_tools([get_weather])
        question = HumanMessage("tool")
        asked = bound.invoke([question])
        (call,) = asked.tool_calls
        assert call["args"] == {"city": "Paris"}
        done = bound.invoke([question, asked, ToolMessage("sunny", tool_call_id=call["id"])])
        assert done.text == "The answer is four."


def streamed_tools() -> None:
    for model in models():
        whole = None
        for chunk in model.bind_tools([get_weather]).stream("tool"):
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        assert whole.tool_calls[0]["args"] == {"city": "Paris"}


def structured_output() -> None:
    for model in models():
        assert model.with_structured_output(Sum, method="json_schema").invoke("json") == Sum(answer=4)


def images() -> None:
    image = {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"}
    for model in models():
        assert model.invoke([HumanMessage([{"type": "text", "text": "chat"}, image])]).text == "The answer is four."


def errors() -> None:
    for model, error in zip(models(model="nobody"), (openai.NotFoundError, anthropic.NotFoundError), strict=True):
        try:
            model.invoke("chat")
        except error:
            continue
        raise AssertionError("was accepted")


def retries() -> None:
    for model in models(model="limited", max_retries=4):
        for _ in range(2):
            assert model.invoke("chat").text == "The answer is four."


def cancel() -> None:
    for model in models():
        stream = model.stream("slow")
        next(stream)
        stream.close()


def timeouts() -> None:
    for model, error in zip(models(timeout=0.3), (openai.APITimeoutError, anthropic.APITimeoutError), strict=True):
        try:
            model.invoke("hang")
        except error:
            continue
        raise AssertionError("did not time out")


def cut_streams() -> None:
    for model, error in zip(models(), (openai.APIError, anthropic.APIError), strict=True):
        try:
            list(model.stream("cut"))
        except error:
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
