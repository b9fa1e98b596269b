"""POST /v1/chat/completions."""

from __future__ import annotations

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.faces import asking
from frontdesk_server.faces.http import HttpRequest, Reply
from frontdesk_server.faces.openai.dialect import OpenAIFace
from frontdesk_server.faces.openai.request import read_chat_request, wants_usage
from frontdesk_server.faces.openai.response import chat_completion
from frontdesk_server.faces.openai.stream import ChunkStream
from frontdesk_server.faces.report import decision_headers, report, settled_headers


class ChatCompletions(OpenAIFace):
    """The face of chat completions."""

    method = "POST /v1/chat/completions"

    def __init__(self, desk: asking.Desk) -> None:
        self._desk = desk

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Ask the desk, and reply."""
        body = request.json_object()
        asked = read_chat_request(body, request.headers)
        query, policy, labels = asked.decoded()
        with asked.translating():
            reply.deadline = self._desk.deadline(policy, call)
            if asked.stream:
                chunks = ChunkStream(reply, asked.passed, usage=wants_usage(body), reports=asked.wants_report)
                await asking.stream(self._desk, query, policy, call, labels, chunks)
                return
            decision, completion = await self._desk.complete(query, policy, call, labels)
        document = chat_completion(decision, completion)
        if asked.wants_report:
            document["frontdesk"] = report(decision, completion.model, completion.settlement, asked.passed)
        headers = [
            *decision_headers(decision, completion.model, asked.passed),
            *settled_headers(completion.settlement),
        ]
        await reply.document(document, headers)
