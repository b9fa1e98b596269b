"""The dialects in which a gateway's requests may pose queries: read, and refused, as the faces do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.anthropic import errors as anthropic
from frontdesk_server.faces.anthropic.request import read_messages_request
from frontdesk_server.faces.asked import Asked
from frontdesk_server.faces.http import HttpRequest
from frontdesk_server.faces.openai import errors as openai
from frontdesk_server.faces.openai.request import read_chat_request
from frontdesk_server.faces.openai.responses_request import read_responses_request
from frontdesk_server.faces.status import error_headers, http_status
from frontdesk_server.rpc.ext_proc.dialect import Dialect, Posed, Refusal

Json = dict[str, Any]


def _reader(read: Callable[[Json, Mapping[str, str]], Asked]) -> Callable[[bytes, Mapping[str, str]], Posed]:
    def posed(body: bytes, headers: Mapping[str, str]) -> Posed:
        asked = read(HttpRequest("", headers, body).json_object(), headers)
        query, policy, labels = asked.decoded()
        return Posed(query, policy, labels, asked.stream, asked.translating)

    return posed


def _refuser(form: Callable[[FrontdeskError], Json]) -> Callable[[FrontdeskError], Refusal]:
    def refused(error: FrontdeskError) -> Refusal:
        return Refusal(http_status(error), tuple(error_headers(error)), orjson.dumps(form(error)))

    return refused


DIALECTS = (
    Dialect("openai", "/chat/completions", _reader(read_chat_request), _refuser(openai.refusal)),
    Dialect("openai_responses", "/responses", _reader(read_responses_request), _refuser(openai.refusal)),
    Dialect("anthropic", "/messages", _reader(read_messages_request), _refuser(anthropic.refusal)),
)
"""Each by the end of the paths that it takes queries at."""
