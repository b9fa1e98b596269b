"""An observer that keeps how calls began and ended."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.observer import NULL_CALL, CallObservation


class Recorder:
    """An observer that keeps how calls began and ended."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Mapping[str, str]]] = []
        self.over: list[tuple[str, FrontdeskError | None]] = []
        self.callers: list[str] = []

    def call_started(self, method: str, metadata: Mapping[str, str]) -> CallObservation:
        self.started.append((method, metadata))
        recorder = self

        class Observation(type(NULL_CALL)):  # type: ignore[misc]
            def identified(self, caller: str) -> None:
                recorder.callers.append(caller)

            def ended(self, code: str, error: FrontdeskError | None) -> None:
                recorder.over.append((code, error))

        return Observation()
