"""The answer to a query that a gateway has forwarded, read as it passes by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from frontdesk_server.backends.passing import PassingResponse
from frontdesk_server.desk.forwarding import Forwarding
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import BackendEvent


class Following:
    """Tells the desk what the response says. Whatever is wrong with it, it passes on as it came."""

    def __init__(self, forwarding: Forwarding, dialect: str, headers: Mapping[str, str]) -> None:
        status = headers.get(":status", "")
        self._forwarding = forwarding
        self._response = PassingResponse(dialect, int(status) if status.isdecimal() else 0, headers)

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the body."""
        self._hear(self._response.feed, chunk)

    def end(self) -> None:
        """The response has ended."""
        self._hear(self._response.end)
        self._forwarding.ended(unread=self._response.unread)

    def _hear(self, read: Callable[..., Iterable[BackendEvent]], *chunk: bytes) -> None:
        if self._forwarding.error is not None:
            return
        try:
            for event in read(*chunk):
                self._forwarding.hear(event)
        except UpstreamError as error:
            self._forwarding.failed(error)
        except Exception as defect:
            report_defect("ext_proc", defect)
            self._response.unread = True
