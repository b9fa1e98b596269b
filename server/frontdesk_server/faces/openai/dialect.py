"""What all paths of OpenAI's API have in common: how they refuse."""

from __future__ import annotations

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.http import Reply
from frontdesk_server.faces.openai.errors import broken, refusal
from frontdesk_server.faces.status import error_headers, http_status


class OpenAIFace:
    """How every path of the dialect refuses."""

    async def refuse(self, error: FrontdeskError, reply: Reply) -> None:
        """Reply with the error in the dialect's words."""
        await reply.document(refusal(error), error_headers(error), http_status(error))

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""
        return broken(error)
