"""The seam to telemetry: what routing and execution tell of their progress.

Observations form a tree as spans do: call → route → attempt (router LLM), call → attempt → check → attempt (verifier).
Each is ended exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from frontdesk_server.domain.attempt import Attempt, CheckResult, Settlement
    from frontdesk_server.domain.decision import RoutedQuery
    from frontdesk_server.domain.errors import FrontdeskError, UpstreamError
    from frontdesk_server.domain.lessons import Refusal
    from frontdesk_server.domain.model import Deployment, Model
    from frontdesk_server.domain.query import Query

_NO_HEADERS: Mapping[str, str] = {}


class AttemptObservation(Protocol):
    """One call of one model."""

    @property
    def headers(self) -> Mapping[str, str]:
        """W3C trace context for the upstream request."""

    def first_token(self) -> None:
        """The first content has come."""

    def repeated(self, deployment: Deployment, error: UpstreamError) -> None:
        """The call failed before any content, and is made once more on this deployment, which may be another one."""

    def learned(self, deployment: Deployment, refusal: Refusal) -> None:
        """The deployment's upstream refused something by name that was not known of it."""

    def answered(self) -> None:
        """The whole answer has come. What becomes of it may take longer to decide."""

    def check_started(self, kind: str) -> CheckObservation:
        """A check is about to ask a model about the attempt's answer."""

    def ended(self, attempt: Attempt) -> None:
        """The attempt is settled."""


class AttemptParent(Protocol):
    """What attempts hang on."""

    def attempt_started(
        self, model: Model, deployment: Deployment, query: Query, *, purpose: str
    ) -> AttemptObservation:
        """A model is about to be called; purpose is "answer", "route" or "check"."""

    def defect(self, part: str, error_type: str) -> None:
        """An exception that nobody foresaw was caught, and has been logged, in a part such as "strategy"."""


class CheckObservation(AttemptParent, Protocol):
    """The questions of one check."""

    def ended(self, result: CheckResult | None) -> None:
        """The check has its verdict; None where it came to none."""


class RouteObservation(AttemptParent, Protocol):
    """Routing of one query."""

    def ended(self, routed: RoutedQuery | None, error: BaseException | None = None) -> None:
        """Routing has decided, or failed."""


class CallObservation(AttemptParent, Protocol):
    """One call of one caller."""

    @property
    def trace_id(self) -> str:
        """In hexadecimal; empty where it has none."""

    def route_started(self) -> RouteObservation:
        """Routing begins."""

    def settled(self, routed: RoutedQuery, settlement: Settlement, error: BaseException | None) -> None:
        """A completion has ended, well or not."""

    def identified(self, caller: str) -> None:
        """It is known who calls."""

    def ended(self, code: str, error: FrontdeskError | None) -> None:
        """The call is over with this gRPC status code name."""


class Observer(Protocol):
    """Telemetry as the fronts see it."""

    def call_started(self, method: str, metadata: Mapping[str, str]) -> CallObservation:
        """A call has arrived; method is its full name without a leading slash."""


class _NullAttempt:
    headers = _NO_HEADERS

    def first_token(self) -> None:
        pass

    def repeated(self, deployment: Deployment, error: UpstreamError) -> None:
        pass

    def learned(self, deployment: Deployment, refusal: Refusal) -> None:
        pass

    def answered(self) -> None:
        pass

    def check_started(self, kind: str) -> CheckObservation:
        return _NULL_CHECK

    def ended(self, attempt: Attempt) -> None:
        pass


class _NullParent:
    def attempt_started(
        self, model: Model, deployment: Deployment, query: Query, *, purpose: str
    ) -> AttemptObservation:
        return _NULL_ATTEMPT

    def defect(self, part: str, error_type: str) -> None:
        pass


class _NullCheck(_NullParent):
    def ended(self, result: CheckResult | None) -> None:
        pass


class _NullRoute(_NullParent):
    def ended(self, routed: RoutedQuery | None, error: BaseException | None = None) -> None:
        pass


class _NullCall(_NullParent):
    trace_id = ""

    def route_started(self) -> RouteObservation:
        return _NULL_ROUTE

    def settled(self, routed: RoutedQuery, settlement: Settlement, error: BaseException | None) -> None:
        pass

    def identified(self, caller: str) -> None:
        pass

    def ended(self, code: str, error: FrontdeskError | None) -> None:
        pass


_NULL_ATTEMPT = _NullAttempt()
NULL_ATTEMPT: AttemptObservation = _NULL_ATTEMPT
_NULL_CHECK = _NullCheck()
_NULL_ROUTE = _NullRoute()
NULL_CALL: CallObservation = _NullCall()
"""Observes nothing."""


class NullObserver:
    """Observes nothing."""

    def call_started(self, method: str, metadata: Mapping[str, str]) -> CallObservation:
        """The observation that keeps nothing."""
        return NULL_CALL
