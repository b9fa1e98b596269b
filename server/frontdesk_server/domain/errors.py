"""Every error Frontdesk raises on purpose.

FrontdeskError
├── ConfigError                     the configuration cannot be used (never reaches a caller)
├── RequestError                    the caller must change the request
│   ├── InvalidRequest              INVALID_ARGUMENT, one violation per field at fault
│   ├── RequestTooLarge             RESOURCE_EXHAUSTED
│   ├── UnknownRouter               NOT_FOUND
│   ├── UnknownModel                NOT_FOUND
│   ├── DecisionNotFound            NOT_FOUND
│   ├── NoEligibleModel             FAILED_PRECONDITION
│   ├── Unauthenticated             UNAUTHENTICATED
│   └── PermissionDenied            PERMISSION_DENIED
├── CapacityError                   the caller may repeat the request later
│   ├── Overloaded                  RESOURCE_EXHAUSTED
│   ├── BudgetExhausted             RESOURCE_EXHAUSTED
│   ├── RateLimited                 RESOURCE_EXHAUSTED
│   ├── LimitsUnavailable           UNAVAILABLE
│   ├── ModelsUnavailable           UNAVAILABLE
│   ├── ShuttingDown                UNAVAILABLE
│   └── LedgerUnavailable           UNAVAILABLE
├── DeadlineExceeded                DEADLINE_EXCEEDED
├── UpstreamError                   one call of one model failed
│   ├── UpstreamUnreachable         no connection, or lost before the response began
│   ├── UpstreamOverloaded          429, 529
│   ├── UpstreamFailed              5xx, or an error object
│   ├── UpstreamTimedOut            one of the attempt's timers ran out
│   ├── UpstreamCredentialsRefused  401, 402, 403, no credit
│   ├── UpstreamRequestRefused      400, 404, 413, 422
│   │   └── UpstreamContextExceeded the upstream says that the query is too long
│   ├── UpstreamProtocolError       the response is not what the API promises
│   ├── UpstreamResponseTooLong     the response is longer than Frontdesk reads
│   └── UpstreamCut                 the response ended without its end
└── CompletionFailed                no model answered, or the stream broke; carries the settlement
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from frontdesk_server.domain.attempt import Settlement
    from frontdesk_server.domain.lessons import Refusal


class FrontdeskError(Exception):
    """Root of the tree. `code` is the name of a gRPC status code, `reason` the ErrorInfo reason."""

    code: ClassVar[str] = "INTERNAL"
    reason: str = "INTERNAL"

    @property
    def retry_after_seconds(self) -> float | None:
        """How long a caller should wait before the next try; None when waiting does not help."""
        return None

    @property
    def metadata(self) -> dict[str, str]:
        """Particulars for ErrorInfo.metadata."""
        return {}


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One fault of a configuration and where it stands; line and column count from 1, 0 when unknown."""

    message: str
    path: str = ""
    line: int = 0
    column: int = 0

    def line_in(self, source: str) -> str:
        """In the form `file:line:column: path: message`, and that is one line whatever it names."""
        place = f"{source}:{self.line}:{self.column}" if self.line else source
        line = f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class ConfigError(FrontdeskError):
    """The configuration cannot be used; all its faults are reported together."""

    code = "FAILED_PRECONDITION"
    reason = "CONFIG_INVALID"

    def __init__(self, source: str, faults: Sequence[ConfigFault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line a fault, in the form `file:line:column: path: message`."""
        return [fault.line_in(self.source) for fault in self.faults]


@contextmanager
def collecting(faults: list[ConfigFault]) -> Iterator[None]:
    """Note what is wrong with one part of a configuration, and go on to the next."""
    try:
        yield
    except ConfigError as error:
        faults += error.faults


class RequestError(FrontdeskError):
    """The caller must change the request."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field at fault: its path in the request, what is wrong, and the ErrorInfo reason."""

    field: str
    description: str
    reason: str


class InvalidRequest(RequestError):
    """The request breaks the contract; `reason` is that of the first violation."""

    code = "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        self.violations = tuple(violations)
        self.reason = self.violations[0].reason
        super().__init__(
            "; ".join(f"{v.field}: {v.description}" if v.field else v.description for v in self.violations)
        )


class RequestTooLarge(RequestError):
    """The request message is longer than the server's limit."""

    code = "RESOURCE_EXHAUSTED"
    reason = "REQUEST_TOO_LARGE"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"the request has {size_bytes:,} bytes; the limit is {limit_bytes:,}")


class UnknownRouter(RequestError):
    """No router has that name."""

    code = "NOT_FOUND"
    reason = "UNKNOWN_ROUTER"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.field = "policy.router"
        super().__init__(f"no router is named {name!r}; there are {', '.join(sorted(known)) or 'none'}")


class UnknownModel(RequestError):
    """No model of the router has that name."""

    code = "NOT_FOUND"
    reason = "UNKNOWN_MODEL"

    def __init__(self, field: str, name: str, known: Sequence[str]) -> None:
        self.field = field
        super().__init__(f"no model is named {name!r}; there are {', '.join(sorted(known))}")


class DecisionNotFound(RequestError):
    """The ledger holds no such decision."""

    code = "NOT_FOUND"
    reason = "DECISION_NOT_FOUND"

    def __init__(self, decision_id: str) -> None:
        self.field = "decision_id"
        super().__init__(f"no decision {decision_id!r} is recorded")


class NoEligibleModel(RequestError):
    """Every model is excluded; the message names each one's reason."""

    code = "FAILED_PRECONDITION"
    reason = "NO_ELIGIBLE_MODEL"

    def __init__(self, exclusions: dict[str, str], over_limit: frozenset[str] = frozenset()) -> None:
        """`over_limit` are the models that could answer but for a budget or rate limit."""
        self.exclusions = exclusions
        self.over_limit = over_limit
        super().__init__("no model may answer: " + "; ".join(f"{m}: {why}" for m, why in exclusions.items()))

    @property
    def metadata(self) -> dict[str, str]:
        """The reason of every model."""
        return self.exclusions


class Unauthenticated(RequestError):
    """The credentials are missing or wrong."""

    code = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"


class PermissionDenied(RequestError):
    """The caller may not do that."""

    code = "PERMISSION_DENIED"
    reason = "PERMISSION_DENIED"


class CapacityError(FrontdeskError):
    """The caller may repeat the request later."""

    code = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        self._retry_after_seconds = retry_after_seconds
        super().__init__(message)

    @property
    def retry_after_seconds(self) -> float | None:
        """How long to wait."""
        return self._retry_after_seconds


class Overloaded(CapacityError):
    """As many calls run and wait as are allowed."""

    reason = "OVERLOADED"


class BudgetExhausted(CapacityError):
    """The money of the window is spent."""

    reason = "BUDGET_EXHAUSTED"


class RateLimited(CapacityError):
    """The requests or tokens of the window are used up."""

    reason = "RATE_LIMITED"


class LimitsUnavailable(CapacityError):
    """Budgets and rate limits cannot be checked."""

    code = "UNAVAILABLE"
    reason = "LIMITS_UNAVAILABLE"


class ModelsUnavailable(CapacityError):
    """Every model that could answer is failing at the moment; the message names each one's reason."""

    code = "UNAVAILABLE"
    reason = "MODELS_UNAVAILABLE"

    def __init__(self, exclusions: dict[str, str], retry_after_seconds: float) -> None:
        self.exclusions = exclusions
        reasons = "; ".join(f"{model}: {why}" for model, why in exclusions.items())
        super().__init__(f"no model can answer at the moment: {reasons}", retry_after_seconds)

    @property
    def metadata(self) -> dict[str, str]:
        """The reason of every model."""
        return self.exclusions


class ShuttingDown(CapacityError):
    """The server is stopping."""

    code = "UNAVAILABLE"
    reason = "SHUTTING_DOWN"


class LedgerUnavailable(CapacityError):
    """The ledger cannot be read or written and the call needs it."""

    code = "UNAVAILABLE"
    reason = "LEDGER_UNAVAILABLE"


class DeadlineExceeded(FrontdeskError):
    """The caller's deadline is past."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class UpstreamError(FrontdeskError):
    """One call of one model failed. `retryable`: the same call may succeed soon, by its kind or as the upstream says.

    The message is in our own words. `quoted` are the upstream's: they may quote the query, so they go to the caller and
    nowhere else. `own_key`: it was called with the caller's own key.
    """

    code = "UNAVAILABLE"
    reason = "UPSTREAM_FAILED"
    retryable: bool = False

    def __init__(
        self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None, quoted: str = ""
    ) -> None:
        self.status = status
        self.quoted = quoted
        self.own_key = False
        self._retry_after_seconds = retry_after_seconds
        super().__init__(message)

    @property
    def retry_after_seconds(self) -> float | None:
        """What the upstream asked for."""
        return self._retry_after_seconds


class UpstreamUnreachable(UpstreamError):
    """No connection, or it was lost before the response began."""

    reason = "UPSTREAM_UNREACHABLE"
    retryable = True


class UpstreamOverloaded(UpstreamError):
    """The upstream limits its load (429, 529)."""

    reason = "UPSTREAM_OVERLOADED"
    retryable = True


class UpstreamFailed(UpstreamError):
    """The upstream reports an error of its own (5xx, or an error object)."""

    reason = "UPSTREAM_FAILED"
    retryable = True


class UpstreamTimedOut(UpstreamError):
    """One of the attempt's timers ran out; `timer` says which.

    `cut_by` says what else than the upstream made it run out, mostly by cutting it shorter than the model's own. Only
    where there is none does it tell of the upstream.
    """

    reason = "UPSTREAM_TIMED_OUT"

    def __init__(self, timer: str, set_seconds: float, *, seconds: float | None = None, cut_by: str = "") -> None:
        """A timer of `set_seconds` ran out after `seconds`, by default what it was set to."""
        self.timer = timer
        self.cut_by = cut_by
        cut = f", cut to {_rounded(seconds)} s by {cut_by}," if cut_by and seconds is not None else ""
        why = f": {cut_by}" if cut_by and seconds is None else ""
        super().__init__(f"{timer} timer of {set_seconds:g} s{cut} ran out{why}")


class UpstreamCredentialsRefused(UpstreamError):
    """The upstream does not accept our credentials (401, 402, 403) or says, with any status, that credit is out."""

    reason = "UPSTREAM_CREDENTIALS_REFUSED"


class UpstreamRequestRefused(UpstreamError):
    """The upstream does not accept the request (400, 404, 413, 422)."""

    code = "FAILED_PRECONDITION"
    reason = "UPSTREAM_REQUEST_REFUSED"
    refusal: Refusal | None = None
    """What of the request, where the upstream names it."""


class UpstreamContextExceeded(UpstreamRequestRefused):
    """The upstream says that the query is too long for the model."""

    reason = "UPSTREAM_CONTEXT_EXCEEDED"


class UpstreamProtocolError(UpstreamError):
    """The response is not what the API promises."""

    reason = "UPSTREAM_PROTOCOL_ERROR"


class UpstreamResponseTooLong(UpstreamError):
    """The response is longer than Frontdesk reads."""

    code = "RESOURCE_EXHAUSTED"
    reason = "UPSTREAM_RESPONSE_TOO_LONG"

    def __init__(self, what: str, limit_bytes: int) -> None:
        """`what` is longer than the limit: the response, or an event of it."""
        super().__init__(f"{what} is longer than {limit_bytes:,} bytes")


class UpstreamCut(UpstreamError):
    """The response ended without its end."""

    reason = "UPSTREAM_CUT"
    retryable = True


class CompletionFailed(FrontdeskError):
    """No model answered, or the stream broke after commit. `cause` says why; `settlement` what was done and cost."""

    def __init__(self, cause: FrontdeskError, settlement: Settlement, completion_id: str = "") -> None:
        self.completion_id = completion_id
        self.cause = cause
        self.settlement = settlement
        self.reason = cause.reason
        super().__init__(str(cause))


def _rounded(seconds: float) -> str:
    return f"{round(max(seconds, 0.001), 3):g}"
