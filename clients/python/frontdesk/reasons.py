"""Why a call failed: what `FrontdeskError.reason` may be. Written by clients/reasons.py, as docs/errors.md."""

from __future__ import annotations

from typing import Final

ANSWER_SUPERSEDED: Final = "ANSWER_SUPERSEDED"
"""What a stream's `text` has given is to be discarded: another model takes over."""

BATCH_SIZE_OUT_OF_RANGE: Final = "BATCH_SIZE_OUT_OF_RANGE"
"""A batch holds no query, or more than 1,024."""

BUDGET_EXHAUSTED: Final = "BUDGET_EXHAUSTED"
"""The money of the window is spent."""

CACHE_TTL_OUT_OF_RANGE: Final = "CACHE_TTL_OUT_OF_RANGE"
"""The ttl of a cache_hint is not a positive duration."""

CAPABILITY_UNSPECIFIED: Final = "CAPABILITY_UNSPECIFIED"
"""A required capability is not named."""

CLIENT_CLOSED: Final = "CLIENT_CLOSED"
"""The client has been closed."""

DEADLINE_EXCEEDED: Final = "DEADLINE_EXCEEDED"
"""The caller's deadline is past."""

DECISION_ID_INVALID: Final = "DECISION_ID_INVALID"
"""A decision id is not a ULID of 26 characters."""

DECISION_NOT_FOUND: Final = "DECISION_NOT_FOUND"
"""The ledger holds no such decision."""

DETAIL_WITHOUT_IMAGE: Final = "DETAIL_WITHOUT_IMAGE"
"""A detail is given for media that are no image."""

DUPLICATE_TOOL: Final = "DUPLICATE_TOOL"
"""Two tools have the same name."""

DUPLICATE_TOOL_CALL: Final = "DUPLICATE_TOOL_CALL"
"""Two tool calls of one assistant turn have the same id."""

FIELD_REQUIRED: Final = "FIELD_REQUIRED"
"""A required field is not set."""

FIELD_TOO_LONG: Final = "FIELD_TOO_LONG"
"""A field holds more characters or entries than its limit."""

INTERNAL: Final = "INTERNAL"
"""A fault of Frontdesk itself; its log says more."""

INVALID_UTF8: Final = "INVALID_UTF8"
"""A string field holds bytes that are not UTF-8."""

JSON_SCHEMA_INVALID: Final = "JSON_SCHEMA_INVALID"
"""A JSON Schema is not JSON, not an object, or not a schema."""

LABELS_OVER_LIMIT: Final = "LABELS_OVER_LIMIT"
"""There are too many labels, or a key or value is empty or too long."""

LEDGER_UNAVAILABLE: Final = "LEDGER_UNAVAILABLE"
"""The ledger cannot be read or written and the call needs it."""

LIMITS_UNAVAILABLE: Final = "LIMITS_UNAVAILABLE"
"""Budgets and rate limits cannot be checked."""

MALFORMED_REQUEST: Final = "MALFORMED_REQUEST"
"""The bytes are not a message of the method's request type."""

MAX_ATTEMPTS_OUT_OF_RANGE: Final = "MAX_ATTEMPTS_OUT_OF_RANGE"
"""max_attempts is less than 1."""

MAX_COST_OUT_OF_RANGE: Final = "MAX_COST_OUT_OF_RANGE"
"""max_cost_nano_usd is negative."""

MAX_OUTPUT_TOKENS_OUT_OF_RANGE: Final = "MAX_OUTPUT_TOKENS_OUT_OF_RANGE"
"""max_output_tokens is less than 1."""

MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE: Final = "MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE"
"""max_time_to_first_token is not a positive duration."""

MEDIA_TYPE_INVALID: Final = "MEDIA_TYPE_INVALID"
"""A mime_type is not of the form type/subtype."""

MEDIA_URI_NOT_HTTPS: Final = "MEDIA_URI_NOT_HTTPS"
"""The uri of a media part is not an https URI."""

MEDIA_WITHOUT_SOURCE: Final = "MEDIA_WITHOUT_SOURCE"
"""A media part has neither data nor a uri."""

MESSAGES_EMPTY: Final = "MESSAGES_EMPTY"
"""The query holds no message."""

MESSAGE_WITHOUT_PARTS: Final = "MESSAGE_WITHOUT_PARTS"
"""A message that is not the assistant's holds no part."""

MODELS_UNAVAILABLE: Final = "MODELS_UNAVAILABLE"
"""Every model that could answer is failing at the moment; the message names each one's reason."""

NAME_INVALID: Final = "NAME_INVALID"
"""A name is not 1 to 64 characters of [a-zA-Z0-9_-]."""

NO_ELIGIBLE_MODEL: Final = "NO_ELIGIBLE_MODEL"
"""Every model is excluded; the message names each one's reason."""

OVERLOADED: Final = "OVERLOADED"
"""As many calls run and wait as are allowed."""

PARALLEL_TOOL_CALLS_WITHOUT_TOOLS: Final = "PARALLEL_TOOL_CALLS_WITHOUT_TOOLS"
"""parallel_tool_calls is given, but no tools."""

PART_NOT_ALLOWED: Final = "PART_NOT_ALLOWED"
"""A message of this role may not hold such a part."""

PENALTY_OUT_OF_RANGE: Final = "PENALTY_OUT_OF_RANGE"
"""A penalty is not in [-2, 2]."""

PERMISSION_DENIED: Final = "PERMISSION_DENIED"
"""The caller may not do that."""

PREFILL_NOT_TEXT: Final = "PREFILL_NOT_TEXT"
"""The last message is the assistant's, and is not text that an answer can continue."""

PROVIDER_JSON_INVALID: Final = "PROVIDER_JSON_INVALID"
"""What is for one provider is not a JSON object."""

PROVIDER_OPTION_RESERVED: Final = "PROVIDER_OPTION_RESERVED"
"""An option for a provider says what the contract itself expresses."""

QUALITY_FLOOR_OUT_OF_RANGE: Final = "QUALITY_FLOOR_OUT_OF_RANGE"
"""quality_floor is not in [0, 1]."""

QUALITY_OUT_OF_RANGE: Final = "QUALITY_OUT_OF_RANGE"
"""The reported quality is not in [0, 1]."""

RATE_LIMITED: Final = "RATE_LIMITED"
"""The requests or tokens of the window are used up."""

REASONING_BUDGET_OUT_OF_RANGE: Final = "REASONING_BUDGET_OUT_OF_RANGE"
"""reasoning_budget_tokens is less than 1."""

REASONING_SET_TWICE: Final = "REASONING_SET_TWICE"
"""Both reasoning_effort and reasoning_budget_tokens are given."""

REQUEST_TOO_LARGE: Final = "REQUEST_TOO_LARGE"
"""The request message is longer than the server's limit."""

ROLE_UNSPECIFIED: Final = "ROLE_UNSPECIFIED"
"""A message does not say who speaks."""

SHUTTING_DOWN: Final = "SHUTTING_DOWN"
"""The server is stopping."""

STOP_SEQUENCES_INVALID: Final = "STOP_SEQUENCES_INVALID"
"""There are more than 8 stop sequences, or one is empty."""

STREAM_CUT: Final = "STREAM_CUT"
"""A stream ended without its `completed` event: the answer is cut."""

STREAM_OUT_OF_ORDER: Final = "STREAM_OUT_OF_ORDER"
"""The events of a stream broke the documented order."""

TEMPERATURE_OUT_OF_RANGE: Final = "TEMPERATURE_OUT_OF_RANGE"
"""temperature is not in [0, 2]."""

TOOL_CHOICE_WITHOUT_TOOLS: Final = "TOOL_CHOICE_WITHOUT_TOOLS"
"""A tool choice is given, but no tools."""

TOOL_RESULT_SET_TWICE: Final = "TOOL_RESULT_SET_TWICE"
"""A tool result has both content and parts."""

TOOL_RESULT_WITHOUT_CALL: Final = "TOOL_RESULT_WITHOUT_CALL"
"""A tool result answers no tool call that precedes it."""

TOOL_SET_TWICE: Final = "TOOL_SET_TWICE"
"""A provider_tool stands beside a description, parameters or strict."""

TOP_K_OUT_OF_RANGE: Final = "TOP_K_OUT_OF_RANGE"
"""top_k is less than 1."""

TOP_LOGPROBS_OUT_OF_RANGE: Final = "TOP_LOGPROBS_OUT_OF_RANGE"
"""top_logprobs is not in [0, 20]."""

TOP_LOGPROBS_WITHOUT_LOGPROBS: Final = "TOP_LOGPROBS_WITHOUT_LOGPROBS"
"""top_logprobs is given, but logprobs is not true."""

TOP_P_OUT_OF_RANGE: Final = "TOP_P_OUT_OF_RANGE"
"""top_p is not in (0, 1]."""

UNAUTHENTICATED: Final = "UNAUTHENTICATED"
"""The credentials are missing or wrong."""

UNKNOWN_ENUM_VALUE: Final = "UNKNOWN_ENUM_VALUE"
"""An enum field holds a number this server does not know."""

UNKNOWN_MODEL: Final = "UNKNOWN_MODEL"
"""No model of the router has that name."""

UNKNOWN_ROUTER: Final = "UNKNOWN_ROUTER"
"""No router has that name."""

UNKNOWN_TOOL: Final = "UNKNOWN_TOOL"
"""The tool choice names a tool that is not among the tools."""

UPSTREAM_CONTEXT_EXCEEDED: Final = "UPSTREAM_CONTEXT_EXCEEDED"
"""The upstream says that the query is too long for the model."""

UPSTREAM_CREDENTIALS_REFUSED: Final = "UPSTREAM_CREDENTIALS_REFUSED"
"""The upstream does not accept our credentials (401, 402, 403) or says, with any status, that credit is out."""

UPSTREAM_CUT: Final = "UPSTREAM_CUT"
"""The response ended without its end."""

UPSTREAM_FAILED: Final = "UPSTREAM_FAILED"
"""The upstream reports an error of its own (5xx, or an error object)."""

UPSTREAM_OVERLOADED: Final = "UPSTREAM_OVERLOADED"
"""The upstream limits its load (429, 529)."""

UPSTREAM_PROTOCOL_ERROR: Final = "UPSTREAM_PROTOCOL_ERROR"
"""The response is not what the API promises."""

UPSTREAM_REQUEST_REFUSED: Final = "UPSTREAM_REQUEST_REFUSED"
"""The upstream does not accept the request (400, 404, 413, 422)."""

UPSTREAM_RESPONSE_TOO_LONG: Final = "UPSTREAM_RESPONSE_TOO_LONG"
"""The response is longer than Frontdesk reads."""

UPSTREAM_TIMED_OUT: Final = "UPSTREAM_TIMED_OUT"
"""One of the attempt's timers ran out; `timer` says which."""

UPSTREAM_UNREACHABLE: Final = "UPSTREAM_UNREACHABLE"
"""No connection, or it was lost before the response began."""

WEIGHT_OUT_OF_RANGE: Final = "WEIGHT_OUT_OF_RANGE"
"""A weight is negative or not finite."""
