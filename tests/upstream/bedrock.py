"""Amazon Bedrock's Converse on loopback: refuses by AWS's own service model, and by what the service says beyond it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import orjson
from botocore.model import Shape
from botocore.session import Session
from botocore.validate import ParamValidator

from tests.upstream.loopback import RawAnswer, RawRequest, json_answer
from tests.upstream.script import Script
from tests.upstream.sigv4 import verify

Json = dict[str, Any]
EVENT_STREAM = "application/vnd.amazon.eventstream"


@cache
def _input_shape() -> Shape:
    shape: Shape = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    return shape


def frame(headers: dict[str, str], payload: Json) -> bytes:
    """A message of an event stream, as the documentation describes it."""
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    body = orjson.dumps(payload)
    prelude = struct.pack("!II", 16 + len(encoded) + len(body), len(encoded))
    message = prelude + struct.pack("!I", crc32(prelude)) + encoded + body
    return message + struct.pack("!I", crc32(message))


def event(kind: str, payload: Json) -> bytes:
    """An event; the service pads payloads."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, {**payload, "p": "abcdefgh"})


def exception(kind: str, payload: Json) -> bytes:
    """An exception within a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, payload)


class Refused(Exception):
    """What the service refuses, as its exception says it."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.answer = json_answer({"message": message}, status, x_amzn_errortype=f"{kind}:http://internal.amazon.com/")
        super().__init__(message)


@dataclass
class Bedrock:
    """The runtime of one region."""

    region: str = "eu-west-1"
    secrets: dict[str, str] = field(default_factory=lambda: {"AKIAOWN": "own-secret-key-1"})
    bearer: tuple[str, ...] = ()
    models: tuple[str, ...] = ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0")
    script: Script = field(default_factory=Script)
    fail: Callable[[], bytes] | None = None
    """What stands in a stream after the first token."""

    def __call__(self, request: RawRequest) -> RawAnswer:
        try:
            self._check_credentials(request)
            match = re.fullmatch(r"/model/([^/]+)/(converse|converse-stream)", request.path)
            if match is None:
                raise Refused(404, "UnknownOperationException", "")
            if unquote(match.group(1)) not in self.models:
                raise Refused(400, "ValidationException", "The provided model identifier is invalid.")
            check(request.json, claude="claude" in match.group(1))
        except Refused as refused:
            return refused.answer
        if match.group(2) == "converse":
            return json_answer(self._document(), x_amzn_requestid="bedrock-1")
        return RawAnswer(200, content_type=EVENT_STREAM, chunks=tuple(self._frames()))

    def _check_credentials(self, request: RawRequest) -> None:
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.bearer:
            return
        try:
            verify(request, self.secrets, self.region, "bedrock")
        except (AssertionError, KeyError, ValueError) as error:
            told = "The request signature we calculated does not match the signature you provided."
            raise Refused(403, "InvalidSignatureException", told) from error

    def _stop_reason(self) -> str:
        return self.script.finish_reason or ("tool_use" if self.script.tool_name else "end_turn")

    def _usage(self) -> Json:
        script, output = self.script, len(self.script.tokens)
        return {
            "inputTokens": script.input_tokens - script.cached_tokens,
            "outputTokens": output,
            "totalTokens": script.input_tokens + output,
            "cacheReadInputTokens": script.cached_tokens,
            "cacheWriteInputTokens": 0,
        }

    def _document(self) -> Json:
        script = self.script
        content: list[Json] = []
        if script.reasoning:
            content.append({"reasoningContent": {"reasoningText": {"text": script.reasoning, "signature": "signed"}}})
            content.append({"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}})
        if script.tool_name:
            called = {"toolUseId": "tooluse_1", "name": script.tool_name, "input": orjson.loads(script.text)}
            content.append({"toolUse": called})
        else:
            content.append({"text": script.text})
        message: Json = {"role": "assistant", "content": content}
        answer: Json = {"output": {"message": message}, "stopReason": self._stop_reason(), "usage": self._usage()}
        return {**answer, "metrics": {"latencyMs": 12}}

    def _frames(self) -> Iterator[bytes]:
        script, index = self.script, 0
        yield event("messageStart", {"role": "assistant"})
        if script.reasoning:
            for said in ({"text": script.reasoning}, {"signature": "signed"}):
                yield event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": said}})
            yield event("contentBlockStop", {"contentBlockIndex": 0})
            redacted = {"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}}
            yield event("contentBlockDelta", {"contentBlockIndex": 1, "delta": redacted})
            yield event("contentBlockStop", {"contentBlockIndex": 1})
            index = 2
        if script.tool_name:
            start = {"toolUse": {"toolUseId": "tooluse_1", "name": script.tool_name}}
            yield event("contentBlockStart", {"contentBlockIndex": index, "start": start})
        for token in script.tokens:
            delta: Json = {"toolUse": {"input": token}} if script.tool_name else {"text": token}
            yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
            if self.fail is not None:
                yield self.fail()
                return
        yield event("contentBlockStop", {"contentBlockIndex": index})
        yield event("messageStop", {"stopReason": self._stop_reason()})
        yield event("metadata", {"usage": self._usage(), "metrics": {"latencyMs": 12}})


def check(body: Json, *, claude: bool = True) -> None:
    """Refuse what the service refuses.

    Raises:
        Refused: with its exception.

    """
    report = ParamValidator().validate({**body, "modelId": "m"}, _input_shape())
    if report.has_errors():
        raise Refused(400, "ValidationException", report.generate_report())
    for fault in _faults(body, claude):
        raise Refused(400, "ValidationException", fault)


def _faults(body: Json, claude: bool) -> Iterator[str]:
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    if not messages or roles[0] != "user":
        yield "A conversation must start with a user message."
    if any(one == other for one, other in pairwise(roles)):
        yield "A conversation must alternate between user and assistant roles."
    for message in messages:
        if not message["content"]:
            yield "The content field in the Message object is empty."
        yield from _content_faults(message["content"])
    yield from _tool_faults(body)
    inference, further = body.get("inferenceConfig", {}), body.get("additionalModelRequestFields", {})
    if not 0 <= inference.get("temperature", 0) <= 1:
        yield "Member must have value less than or equal to 1"
    thinking = further.get("thinking", {})
    if thinking and not claude:
        yield "Malformed input request: extraneous key [thinking] is not permitted"
    if thinking.get("type") == "enabled" and inference.get("maxTokens", 0) <= thinking["budget_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    form = body.get("outputConfig", {}).get("textFormat")
    if form is not None and not isinstance(orjson.loads(form["structure"]["jsonSchema"]["schema"]), dict):
        yield "The schema is no JSON object."


def _content_faults(content: Iterable[Json]) -> Iterator[str]:
    blocks = list(content)
    names = [block["document"]["name"] for block in blocks if "document" in block]
    for block in blocks:
        if len(block) != 1:
            yield "A content block holds exactly one member."
        if "text" in block and not block["text"].strip():
            yield "The text field in the ContentBlock object is blank."
        if "toolResult" in block:
            if not block["toolResult"]["content"]:
                yield "The content of a toolResult is empty."
            yield from _content_faults(block["toolResult"]["content"])
    if names and not any("text" in block for block in blocks):
        yield "A text block must be included with a document."
    if any(re.fullmatch(r"[A-Za-z0-9\-()\[\]]+( [A-Za-z0-9\-()\[\]]+)*", name) is None for name in names):
        yield "The document file name can only contain alphanumeric characters, hyphens, parentheses and brackets."
    if len(set(names)) != len(names):
        yield "The document names are not unique."


def _tool_faults(body: Json) -> Iterator[str]:
    called: list[str] = []
    for message in body["messages"]:
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if (called or results) and sorted(results) != sorted(called):
            yield "Expected toolResult blocks for the toolUse blocks of the turn before."
        called = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        if any(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) is None for one in called):
            yield "toolUseId does not match its pattern."
        if (results or called) and "toolConfig" not in body:
            yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]
    if any(spec["inputSchema"]["json"].get("type") != "object" for spec in specs):
        yield "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object."
