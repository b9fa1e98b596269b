"""POST /v1/messages and /v1/messages/count_tokens."""

from __future__ import annotations

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.faces import asking
from frontdesk_server.faces.anthropic.errors import broken, refusal
from frontdesk_server.faces.anthropic.request import read_messages_request
from frontdesk_server.faces.anthropic.response import message_document
from frontdesk_server.faces.anthropic.stream import EventStream
from frontdesk_server.faces.http import HttpRequest, Reply
from frontdesk_server.faces.report import decision_headers, report, settled_headers
from frontdesk_server.faces.status import error_headers, http_status


class AnthropicFace:
    """How every path of the dialect refuses."""

    async def refuse(self, error: FrontdeskError, reply: Reply) -> None:
        """Reply with the error in the dialect's words."""
        await reply.document(refusal(error), error_headers(error), http_status(error))

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""
        return broken(error)


class Messages(AnthropicFace):
    """The face of messages."""

    method = "POST /v1/messages"

    def __init__(self, desk: asking.Desk) -> None:
        self._desk = desk

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Ask the desk, and reply."""
        asked = read_messages_request(request.json_object(), request.headers)
        query, policy, labels = asked.decoded()
        with asked.translating():
            reply.deadline = self._desk.deadline(policy, call)
            if asked.stream:
                events = EventStream(reply, asked.passed, reports=asked.wants_report)
                await asking.stream(self._desk, query, policy, call, labels, events)
                return
            decision, completion = await self._desk.complete(query, policy, call, labels)
        document = message_document(decision, completion)
        if asked.wants_report:
            document["frontdesk"] = report(decision, completion.model, completion.settlement, asked.passed)
        headers = [
            *decision_headers(decision, completion.model, asked.passed),
            *settled_headers(completion.settlement),
        ]
        await reply.document(document, headers)


class CountTokens(AnthropicFace):
    """The face that counts what a message would bring in: by Frontdesk's own estimate, which no model is asked for."""

    method = "POST /v1/messages/count_tokens"

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Count."""
        asked = read_messages_request(request.json_object(), request.headers, counting=True)
        query, _, _ = asked.decoded()
        await reply.document({"input_tokens": estimate_input_tokens(query)})
