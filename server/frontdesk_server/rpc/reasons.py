"""Every ErrorInfo reason a caller can meet, with its status code: the one table, which docs/errors.md prints.

The reasons of `domain.errors` come from that tree itself; the reasons of invalid requests are `InvalidReason`. Those
that only HTTP knows, `faces.reasons` adds, which prints the page.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from frontdesk_server.domain.errors import ConfigError, FrontdeskError, InvalidRequest

DOMAIN = "frontdesk"
INTERNAL = "INTERNAL"


class InvalidReason(enum.Enum):
    """Why a request is invalid: the name is the reason, the value its meaning."""

    MALFORMED_REQUEST = "The bytes are not a message of the method's request type."
    INVALID_UTF8 = "A string field holds bytes that are not UTF-8."
    FIELD_REQUIRED = "A required field is not set."
    UNKNOWN_ENUM_VALUE = "An enum field holds a number this server does not know."
    MESSAGES_EMPTY = "The query holds no message."
    ROLE_UNSPECIFIED = "A message does not say who speaks."
    MESSAGE_WITHOUT_PARTS = "A message that is not the assistant's holds no part."
    PART_NOT_ALLOWED = "A message of this role may not hold such a part."
    PREFILL_NOT_TEXT = "The last message is the assistant's, and is not text that an answer can continue."
    TOOL_RESULT_WITHOUT_CALL = "A tool result answers no tool call that precedes it."
    TOOL_RESULT_SET_TWICE = "A tool result has both content and parts."
    DUPLICATE_TOOL_CALL = "Two tool calls of one assistant turn have the same id."
    MEDIA_WITHOUT_SOURCE = "A media part has neither data nor a uri."
    MEDIA_TYPE_INVALID = "A mime_type is not of the form type/subtype."
    MEDIA_URI_NOT_HTTPS = "The uri of a media part is not an https URI."
    DETAIL_WITHOUT_IMAGE = "A detail is given for media that are no image."
    NAME_INVALID = "A name is not 1 to 64 characters of [a-zA-Z0-9_-]."
    DUPLICATE_TOOL = "Two tools have the same name."
    JSON_SCHEMA_INVALID = "A JSON Schema is not JSON, not an object, or not a schema."
    TOOL_SET_TWICE = "A provider_tool stands beside a description, parameters or strict."
    PROVIDER_JSON_INVALID = "What is for one provider is not a JSON object."
    PROVIDER_OPTION_RESERVED = "An option for a provider says what the contract itself expresses."
    CACHE_TTL_OUT_OF_RANGE = "The ttl of a cache_hint is not a positive duration."
    TOOL_CHOICE_WITHOUT_TOOLS = "A tool choice is given, but no tools."
    PARALLEL_TOOL_CALLS_WITHOUT_TOOLS = "parallel_tool_calls is given, but no tools."
    UNKNOWN_TOOL = "The tool choice names a tool that is not among the tools."
    MAX_OUTPUT_TOKENS_OUT_OF_RANGE = "max_output_tokens is less than 1."
    TEMPERATURE_OUT_OF_RANGE = "temperature is not in [0, 2]."
    TOP_P_OUT_OF_RANGE = "top_p is not in (0, 1]."
    TOP_K_OUT_OF_RANGE = "top_k is less than 1."
    PENALTY_OUT_OF_RANGE = "A penalty is not in [-2, 2]."
    TOP_LOGPROBS_OUT_OF_RANGE = "top_logprobs is not in [0, 20]."
    TOP_LOGPROBS_WITHOUT_LOGPROBS = "top_logprobs is given, but logprobs is not true."
    REASONING_BUDGET_OUT_OF_RANGE = "reasoning_budget_tokens is less than 1."
    REASONING_SET_TWICE = "Both reasoning_effort and reasoning_budget_tokens are given."
    STOP_SEQUENCES_INVALID = "There are more than 8 stop sequences, or one is empty."
    QUALITY_FLOOR_OUT_OF_RANGE = "quality_floor is not in [0, 1]."
    WEIGHT_OUT_OF_RANGE = "A weight is negative or not finite."
    MAX_COST_OUT_OF_RANGE = "max_cost_nano_usd is negative."
    MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE = "max_time_to_first_token is not a positive duration."
    MAX_ATTEMPTS_OUT_OF_RANGE = "max_attempts is less than 1."
    CAPABILITY_UNSPECIFIED = "A required capability is not named."
    FIELD_TOO_LONG = "A field holds more characters or entries than its limit."
    LABELS_OVER_LIMIT = "There are too many labels, or a key or value is empty or too long."
    BATCH_SIZE_OUT_OF_RANGE = "A batch holds no query, or more than 1,024."
    QUALITY_OUT_OF_RANGE = "The reported quality is not in [0, 1]."
    DECISION_ID_INVALID = "A decision id is not a ULID of 26 characters."


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One row of the table."""

    reason: str
    code: str
    meaning: str


def reason_rows() -> list[ReasonRow]:
    """Every reason, by code and name."""
    rows = [ReasonRow(reason.name, InvalidRequest.code, reason.value) for reason in InvalidReason]
    rows.append(ReasonRow(INTERNAL, "INTERNAL", "A fault of Frontdesk itself; its log says more."))
    leaves = {
        error.reason: row_of(error)
        for error in _descendants(FrontdeskError)  # parents come first, so that the narrower meaning stays
        if "reason" in vars(error) and error is not ConfigError
    }
    return sorted([*rows, *leaves.values()], key=lambda row: (row.code, row.reason))


def row_of(error: type[FrontdeskError]) -> ReasonRow:
    """The row of an error that has a reason."""
    return ReasonRow(error.reason, error.code, (error.__doc__ or "").splitlines()[0])


CLIENT_REASONS = (
    ReasonRow(
        "ANSWER_SUPERSEDED", "ABORTED", "What a stream's `text` has given is to be discarded: another model takes over."
    ),
    ReasonRow("CLIENT_CLOSED", "FAILED_PRECONDITION", "The client has been closed."),
    ReasonRow("STREAM_CUT", "DATA_LOSS", "A stream ended without its `completed` event: the answer is cut."),
    ReasonRow("STREAM_OUT_OF_ORDER", "INTERNAL", "The events of a stream broke the documented order."),
)
"""What the clients of every language find themselves."""


def errors_page(of_http: Iterable[ReasonRow]) -> str:
    """The text of docs/errors.md; of what only HTTP knows, the code is its status."""
    tables = {"table": reason_rows(), "of_http": of_http, "clients": CLIENT_REASONS}
    return _PAGE.format(domain=DOMAIN, **{name: _table(rows) for name, rows in tables.items()})


def _table(rows: Iterable[ReasonRow]) -> str:
    return "\n".join(f"| `{row.reason}` | `{row.code}` | {row.meaning} |" for row in rows)


def _descendants(error: type[FrontdeskError]) -> Iterator[type[FrontdeskError]]:
    for child in error.__subclasses__():
        if child.__module__ == FrontdeskError.__module__:
            yield child
            yield from _descendants(child)


_PAGE = """\
# Errors

<!-- Printed by `python -m frontdesk_server.faces.reasons`; a test compares. -->

Every error is a `google.rpc.Status` in the trailer `grpc-status-details-bin`. Its details are:

- `google.rpc.ErrorInfo`: always; domain `{domain}` and one of the reasons below. `NO_ELIGIBLE_MODEL` lists each model's
  exclusion in the metadata.
- `google.rpc.BadRequest`: the fields at fault, each with its path, such as
  `query.messages[2].parts[0].tool_result.tool_call_id`, and its own reason. All violations are reported together, up
  to 64 and as far as they fit into a trailer; the ErrorInfo's reason is that of the first.
- `google.rpc.RetryInfo`: when waiting helps, and how long.
- `frontdesk.v1.CompletionFailure`: when `Complete` or `StreamComplete` failed after routing: every attempt, the cost
  so far, and whether content had reached the caller. The trailer `grpc-retry-pushback-ms: -1` then tells gRPC's own
  retries to rest, for the other models have been tried already.

A trailer is kept under 6 KB, so that every client's default limits let it through: long texts are cut, and of very many
attempts the first are left out.

An invalid query of a `RouteBatch` does not fail the call: its result carries the code, the reason and the first field
at fault.

A call ends some milliseconds before its caller's deadline (20 and a hundredth of what is left, at most 120 and a
tenth), so that the caller hears what was done and cost.

Some statuses are made by gRPC itself, below Frontdesk, and carry no details: `DEADLINE_EXCEEDED` when not even those
milliseconds were enough, `CANCELLED`, `UNIMPLEMENTED` for an unknown method, `UNAVAILABLE` without a connection, and
`RESOURCE_EXHAUSTED` for a message of more than eight times the server's `max_message_bytes`, which is not even read.
The clients give these the code's name as their reason, and where there is no connection they say why: nobody listens,
the certificate is not trusted, the server wants TLS.

What failed after routing is found again: `StreamComplete` begins with the decision, and the initial metadata of
`Complete` hold `x-frontdesk-decision-id`, `x-frontdesk-model` and `x-frontdesk-router` once half of the caller's time
has passed (not before: a call that has begun to answer is not repeated by gRPC). The clients' errors give the id as the
completion's, and `GetDecision` tells what was done and cost, also when the caller's deadline has passed.

Every client has the reasons as constants: `frontdesk.reasons.RATE_LIMITED`, `frontdesk.ReasonRateLimited`,
`Reason.RATE_LIMITED`.

| reason | code | meaning |
|---|---|---|
{table}

[Over HTTP](http.md#errors) alone:

| reason | status | meaning |
|---|---|---|
{of_http}

The clients' own:

| reason | code | meaning |
|---|---|---|
{clients}
"""
