"""POST /v1/responses: stateless, as nothing is kept between requests here."""

from __future__ import annotations

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces import asking
from frontdesk_server.faces.http import HttpRequest, Reply, event_of
from frontdesk_server.faces.openai.dialect import OpenAIFace
from frontdesk_server.faces.openai.errors import error_object
from frontdesk_server.faces.openai.responses_request import read_responses_request
from frontdesk_server.faces.openai.responses_response import output_of, response_object
from frontdesk_server.faces.openai.responses_stream import ResponseStream
from frontdesk_server.faces.report import decision_headers, report, settled_headers


class Responses(OpenAIFace):
    """The face of responses."""

    method = "POST /v1/responses"

    def __init__(self, desk: asking.Desk) -> None:
        self._desk = desk

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Ask the desk, and reply."""
        asked = read_responses_request(request.json_object(), request.headers)
        query, policy, labels = asked.decoded()
        with asked.translating():
            reply.deadline = self._desk.deadline(policy, call)
            if asked.stream:
                stream = ResponseStream(reply, asked.passed, reports=asked.wants_report)
                await asking.stream(self._desk, query, policy, call, labels, stream)
                return
            decision, completion = await self._desk.complete(query, policy, call, labels)
        answer = completion.answer
        output = output_of(answer.message, answer.logprobs, decision.decision_id)
        document = response_object(decision, completion.model, output, answer.usage, answer.finish_reason)
        if asked.wants_report:
            document["frontdesk"] = report(decision, completion.model, completion.settlement, asked.passed)
        headers = decision_headers(decision, completion.model, asked.passed)
        await reply.document(document, [*headers, *settled_headers(completion.settlement)])

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""
        told = error_object(error)  # as the event documents it, and where the clients look for what to raise
        return event_of("error", {**told, "type": "error", "sequence_number": 0, "error": told})
