"""Azure OpenAI and Vertex AI on loopback: they refuse what the real ones refuse, in their words' shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.upstream.dialects import AnthropicDialect, OpenAIDialect
from tests.upstream.loopback import RawAnswer, RawRequest, json_answer
from tests.upstream.script import Script

Json = dict[str, Any]

FILTERED = "forbidden"
"""A word that the filter of prompts stops."""

_CHAT_FIELDS = frozenset(
    (
        *("messages", "model", "stream", "stream_options", "user", "seed", "stop", "response_format"),
        *("tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "max_completion_tokens"),
        *("temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"),
    )
)
_VERDICT = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def _stream(frames: Iterable[bytes]) -> RawAnswer:
    return RawAnswer(200, content_type="text/event-stream", chunks=tuple(frames))


def _sse(document: Json) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


@dataclass
class AzureOpenAI:
    """One resource with its deployments. `keys` are sent as `api-key`, `tokens` as bearer tokens."""

    deployments: tuple[str, ...] = ("small-deployment",)
    keys: tuple[str, ...] = ("azure-key-123",)
    tokens: tuple[str, ...] = ()
    script: Script = field(default_factory=Script)

    def __call__(self, request: RawRequest) -> RawAnswer:
        return self._address(request) or self._credentials(request) or self._body(request) or self._answer(request)

    def _address(self, request: RawRequest) -> RawAnswer | None:
        not_found = json_answer({"error": {"code": "404", "message": "Resource not found"}}, 404)
        if request.path == "/openai/v1/chat/completions":
            named = request.json.get("model")
            if "api-version" in request.query:
                told = "api-version query parameter is not allowed when using /v1 path"
                return json_answer({"error": {"code": "BadRequest", "message": told}}, 400)
        else:
            match = re.fullmatch(r"/openai/deployments/([^/]+)/chat/completions", request.path)
            if match is None or not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", request.query.get("api-version", "")):
                return not_found
            named = match.group(1)
        if named in self.deployments:
            return None
        told = "The API deployment for this resource does not exist."
        return json_answer({"error": {"code": "DeploymentNotFound", "message": told}}, 404)

    def _credentials(self, request: RawRequest) -> RawAnswer | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers.get("api-key") in self.keys or bearer in self.tokens:
            return None
        told = "Access denied due to invalid subscription key or wrong API endpoint."
        return json_answer({"error": {"code": "401", "message": told}}, 401)

    def _body(self, request: RawRequest) -> RawAnswer | None:
        body = request.json
        if unknown := sorted(body.keys() - _CHAT_FIELDS):
            error = {"message": f"Unsupported parameter: '{unknown[0]}'", "type": "invalid_request_error"}
            return json_answer({"error": {**error, "param": unknown[0], "code": "unsupported_parameter"}}, 400)
        if FILTERED in orjson.dumps(body["messages"]).decode():
            verdict = {**_VERDICT, "violence": {"filtered": True, "severity": "high"}}
            inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": verdict}
            told = "The response was filtered due to the prompt triggering the content management policy."
            stopped = {"message": told, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
            return json_answer({"error": {**stopped, "innererror": inner}}, 400)
        return None

    def _answer(self, request: RawRequest) -> RawAnswer:
        body = request.json
        prompt = [{"prompt_index": 0, "content_filter_results": _VERDICT}]
        if not body.get("stream"):
            document = OpenAIDialect().document(self.script, body)
            document["choices"][0]["content_filter_results"] = _VERDICT
            return json_answer({**document, "prompt_filter_results": prompt})
        frames = OpenAIDialect().frames(self.script, body)
        of_prompt = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": prompt}
        offsets = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
        beside = {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": _VERDICT,
            "content_filter_offsets": offsets,
        }
        of_answer = {"id": "", "object": "", "created": 0, "model": "", "choices": [beside]}
        return _stream((_sse(of_prompt), *frames.opening, *frames.tokens, _sse(of_answer), *frames.closing))


@dataclass
class VertexAI:
    """One project at one location."""

    project: str = "project"
    location: str = "europe-west1"
    tokens: tuple[str, ...] = ("token",)
    gemini: tuple[str, ...] = ("google/gemini-2.5-flash",)
    claude: tuple[str, ...] = ("claude-sonnet-4-5@20250929",)
    script: Script = field(default_factory=Script)

    def __call__(self, request: RawRequest) -> RawAnswer:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return self._error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        place, separator, rest = request.path.partition(f"/v1/projects/{self.project}/locations/{self.location}")
        if place or not separator:
            return self._error(403, "PERMISSION_DENIED", "Permission denied on resource, or it may not exist.")
        if rest == "/endpoints/openapi/chat/completions":
            return self._gemini(request)
        match = re.fullmatch(r"/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)", rest)
        if match is None or match.group(1) not in self.claude:
            return self._error(404, "NOT_FOUND", "Publisher Model was not found or your project does not have access.")
        return self._claude(request, streams=match.group(2) == "streamRawPredict")

    def _error(self, code: int, status: str, message: str) -> RawAnswer:
        return json_answer([{"error": {"code": code, "message": message, "status": status}}], code)

    def _gemini(self, request: RawRequest) -> RawAnswer:
        body = request.json
        if body.get("model") not in self.gemini:
            return self._error(400, "INVALID_ARGUMENT", f"Malformed publisher model: {body.get('model')}")
        if not body.get("stream"):
            return json_answer(OpenAIDialect().document(self.script, body))
        frames = OpenAIDialect().frames(self.script, body)
        return _stream((*frames.opening, *frames.tokens, *frames.closing))

    def _claude(self, request: RawRequest, *, streams: bool) -> RawAnswer:
        body = request.json
        for name in ("model", "output_config"):
            if name in body:
                return self._invalid(f"{name}: Extra inputs are not permitted")
        if body.get("anthropic_version") != "vertex-2023-10-16":
            return self._invalid("anthropic_version: Input should be 'vertex-2023-10-16'")
        if '"type":"url"' in orjson.dumps(body["messages"]).decode():
            return self._invalid("messages.0.content.0.image.source: URL sources are not supported")
        if bool(body.get("stream")) != streams:
            return self._invalid("stream: does not fit the method")
        dialect = AnthropicDialect()
        if not streams:
            return json_answer(dialect.document(self.script, body))
        frames = dialect.frames(self.script, body)
        return _stream((*frames.opening, *frames.tokens, *frames.closing))

    def _invalid(self, message: str) -> RawAnswer:
        error = {"type": "invalid_request_error", "message": message}
        return json_answer({"type": "error", "error": error, "request_id": "req_vrtx_1"}, 400)
