"""What all paths of OpenAI's API have in common: how they refuse."""

from __future__ import annotations

from typing import Any

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.openai.errors import broken, refusal


class OpenAIFace:
    """How every path of the dialect refuses."""

    def refusal(self, error: FrontdeskError) -> dict[str, Any]:
        """The error in the dialect's words."""
        return refusal(error)

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""
        return broken(error)
