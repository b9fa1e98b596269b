"""What becomes of one request on its way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frontdesk_server.domain.backend import Dispatch


@dataclass(slots=True)
class Passage:
    """One sending of a request.

    `fresh` asks for a connection that has not been idle. `connected` says whether a connection was begun for it,
    be it made or not. `dispatch` is told when the request may have left; None: nobody asks.
    """

    dispatch: Dispatch | None
    fresh: bool = False
    connected: bool = False

    def leaves(self) -> None:
        """From now on the request may have left Frontdesk."""
        if self.dispatch is not None:
            self.dispatch.left = True

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """What httpcore calls, as the request's extension `trace`."""
        if event == "connection.connect_tcp.started":
            self.connected = True
        elif event.endswith(".send_request_headers.started"):
            self.leaves()
