package dev.frontdesk;

/** Why a call failed: what {@link FrontdeskException#reason} may be. Written by clients/reasons.py, as docs/errors.md. */
public final class Reason {
  /** What a stream's text has given is to be discarded: another model takes over. */
  public static final String ANSWER_SUPERSEDED = "ANSWER_SUPERSEDED";

  /** A batch holds no query, or more than 1,024. */
  public static final String BATCH_SIZE_OUT_OF_RANGE = "BATCH_SIZE_OUT_OF_RANGE";

  /** The money of the window is spent. */
  public static final String BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED";

  /** The ttl of a cache_hint is not a positive duration. */
  public static final String CACHE_TTL_OUT_OF_RANGE = "CACHE_TTL_OUT_OF_RANGE";

  /** A required capability is not named. */
  public static final String CAPABILITY_UNSPECIFIED = "CAPABILITY_UNSPECIFIED";

  /** The client has been closed. */
  public static final String CLIENT_CLOSED = "CLIENT_CLOSED";

  /** The caller's deadline is past. */
  public static final String DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED";

  /** A decision id is not a ULID of 26 characters. */
  public static final String DECISION_ID_INVALID = "DECISION_ID_INVALID";

  /** The ledger holds no such decision. */
  public static final String DECISION_NOT_FOUND = "DECISION_NOT_FOUND";

  /** A detail is given for media that are no image. */
  public static final String DETAIL_WITHOUT_IMAGE = "DETAIL_WITHOUT_IMAGE";

  /** Two tools have the same name. */
  public static final String DUPLICATE_TOOL = "DUPLICATE_TOOL";

  /** Two tool calls of one assistant turn have the same id. */
  public static final String DUPLICATE_TOOL_CALL = "DUPLICATE_TOOL_CALL";

  /** A required field is not set. */
  public static final String FIELD_REQUIRED = "FIELD_REQUIRED";

  /** A field holds more characters or entries than its limit. */
  public static final String FIELD_TOO_LONG = "FIELD_TOO_LONG";

  /** A fault of Frontdesk itself; its log says more. */
  public static final String INTERNAL = "INTERNAL";

  /** A string field holds bytes that are not UTF-8. */
  public static final String INVALID_UTF8 = "INVALID_UTF8";

  /** A JSON Schema is not JSON, not an object, or not a schema. */
  public static final String JSON_SCHEMA_INVALID = "JSON_SCHEMA_INVALID";

  /** There are too many labels, or a key or value is empty or too long. */
  public static final String LABELS_OVER_LIMIT = "LABELS_OVER_LIMIT";

  /** The ledger cannot be read or written and the call needs it. */
  public static final String LEDGER_UNAVAILABLE = "LEDGER_UNAVAILABLE";

  /** Budgets and rate limits cannot be checked. */
  public static final String LIMITS_UNAVAILABLE = "LIMITS_UNAVAILABLE";

  /** The bytes are not a message of the method's request type. */
  public static final String MALFORMED_REQUEST = "MALFORMED_REQUEST";

  /** max_attempts is less than 1. */
  public static final String MAX_ATTEMPTS_OUT_OF_RANGE = "MAX_ATTEMPTS_OUT_OF_RANGE";

  /** max_cost_nano_usd is negative. */
  public static final String MAX_COST_OUT_OF_RANGE = "MAX_COST_OUT_OF_RANGE";

  /** max_output_tokens is less than 1. */
  public static final String MAX_OUTPUT_TOKENS_OUT_OF_RANGE = "MAX_OUTPUT_TOKENS_OUT_OF_RANGE";

  /** max_time_to_first_token is not a positive duration. */
  public static final String MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE = "MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE";

  /** A mime_type is not of the form type/subtype. */
  public static final String MEDIA_TYPE_INVALID = "MEDIA_TYPE_INVALID";

  /** The uri of a media part is not an https URI. */
  public static final String MEDIA_URI_NOT_HTTPS = "MEDIA_URI_NOT_HTTPS";

  /** A media part has neither data nor a uri. */
  public static final String MEDIA_WITHOUT_SOURCE = "MEDIA_WITHOUT_SOURCE";

  /** The query holds no message. */
  public static final String MESSAGES_EMPTY = "MESSAGES_EMPTY";

  /** A message that is not the assistant's holds no part. */
  public static final String MESSAGE_WITHOUT_PARTS = "MESSAGE_WITHOUT_PARTS";

  /** Every model that could answer is failing at the moment; the message names each one's reason. */
  public static final String MODELS_UNAVAILABLE = "MODELS_UNAVAILABLE";

  /** A name is not 1 to 64 characters of [a-zA-Z0-9_-]. */
  public static final String NAME_INVALID = "NAME_INVALID";

  /** Every model is excluded; the message names each one's reason. */
  public static final String NO_ELIGIBLE_MODEL = "NO_ELIGIBLE_MODEL";

  /** As many calls run and wait as are allowed. */
  public static final String OVERLOADED = "OVERLOADED";

  /** parallel_tool_calls is given, but no tools. */
  public static final String PARALLEL_TOOL_CALLS_WITHOUT_TOOLS = "PARALLEL_TOOL_CALLS_WITHOUT_TOOLS";

  /** A message of this role may not hold such a part. */
  public static final String PART_NOT_ALLOWED = "PART_NOT_ALLOWED";

  /** A penalty is not in [-2, 2]. */
  public static final String PENALTY_OUT_OF_RANGE = "PENALTY_OUT_OF_RANGE";

  /** The caller may not do that. */
  public static final String PERMISSION_DENIED = "PERMISSION_DENIED";

  /** The last message is the assistant's, and is not text that an answer can continue. */
  public static final String PREFILL_NOT_TEXT = "PREFILL_NOT_TEXT";

  /** What is for one provider is not a JSON object. */
  public static final String PROVIDER_JSON_INVALID = "PROVIDER_JSON_INVALID";

  /** An option for a provider says what the contract itself expresses. */
  public static final String PROVIDER_OPTION_RESERVED = "PROVIDER_OPTION_RESERVED";

  /** quality_floor is not in [0, 1]. */
  public static final String QUALITY_FLOOR_OUT_OF_RANGE = "QUALITY_FLOOR_OUT_OF_RANGE";

  /** The reported quality is not in [0, 1]. */
  public static final String QUALITY_OUT_OF_RANGE = "QUALITY_OUT_OF_RANGE";

  /** The requests or tokens of the window are used up. */
  public static final String RATE_LIMITED = "RATE_LIMITED";

  /** reasoning_budget_tokens is less than 1. */
  public static final String REASONING_BUDGET_OUT_OF_RANGE = "REASONING_BUDGET_OUT_OF_RANGE";

  /** Both reasoning_effort and reasoning_budget_tokens are given. */
  public static final String REASONING_SET_TWICE = "REASONING_SET_TWICE";

  /** The request message is longer than the server's limit. */
  public static final String REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE";

  /** A message does not say who speaks. */
  public static final String ROLE_UNSPECIFIED = "ROLE_UNSPECIFIED";

  /** The server is stopping. */
  public static final String SHUTTING_DOWN = "SHUTTING_DOWN";

  /** There are more than 8 stop sequences, or one is empty. */
  public static final String STOP_SEQUENCES_INVALID = "STOP_SEQUENCES_INVALID";

  /** A stream ended without its completed event: the answer is cut. */
  public static final String STREAM_CUT = "STREAM_CUT";

  /** The events of a stream broke the documented order. */
  public static final String STREAM_OUT_OF_ORDER = "STREAM_OUT_OF_ORDER";

  /** temperature is not in [0, 2]. */
  public static final String TEMPERATURE_OUT_OF_RANGE = "TEMPERATURE_OUT_OF_RANGE";

  /** A tool choice is given, but no tools. */
  public static final String TOOL_CHOICE_WITHOUT_TOOLS = "TOOL_CHOICE_WITHOUT_TOOLS";

  /** A tool result has both content and parts. */
  public static final String TOOL_RESULT_SET_TWICE = "TOOL_RESULT_SET_TWICE";

  /** A tool result answers no tool call that precedes it. */
  public static final String TOOL_RESULT_WITHOUT_CALL = "TOOL_RESULT_WITHOUT_CALL";

  /** A provider_tool stands beside a description, parameters or strict. */
  public static final String TOOL_SET_TWICE = "TOOL_SET_TWICE";

  /** top_k is less than 1. */
  public static final String TOP_K_OUT_OF_RANGE = "TOP_K_OUT_OF_RANGE";

  /** top_logprobs is not in [0, 20]. */
  public static final String TOP_LOGPROBS_OUT_OF_RANGE = "TOP_LOGPROBS_OUT_OF_RANGE";

  /** top_logprobs is given, but logprobs is not true. */
  public static final String TOP_LOGPROBS_WITHOUT_LOGPROBS = "TOP_LOGPROBS_WITHOUT_LOGPROBS";

  /** top_p is not in (0, 1]. */
  public static final String TOP_P_OUT_OF_RANGE = "TOP_P_OUT_OF_RANGE";

  /** The credentials are missing or wrong. */
  public static final String UNAUTHENTICATED = "UNAUTHENTICATED";

  /** An enum field holds a number this server does not know. */
  public static final String UNKNOWN_ENUM_VALUE = "UNKNOWN_ENUM_VALUE";

  /** No model of the router has that name. */
  public static final String UNKNOWN_MODEL = "UNKNOWN_MODEL";

  /** No router has that name. */
  public static final String UNKNOWN_ROUTER = "UNKNOWN_ROUTER";

  /** The tool choice names a tool that is not among the tools. */
  public static final String UNKNOWN_TOOL = "UNKNOWN_TOOL";

  /** The upstream says that the query is too long for the model. */
  public static final String UPSTREAM_CONTEXT_EXCEEDED = "UPSTREAM_CONTEXT_EXCEEDED";

  /** The upstream does not accept our credentials (401, 402, 403) or says, with any status, that credit is out. */
  public static final String UPSTREAM_CREDENTIALS_REFUSED = "UPSTREAM_CREDENTIALS_REFUSED";

  /** The response ended without its end. */
  public static final String UPSTREAM_CUT = "UPSTREAM_CUT";

  /** The upstream reports an error of its own (5xx, or an error object). */
  public static final String UPSTREAM_FAILED = "UPSTREAM_FAILED";

  /** The upstream limits its load (429, 529). */
  public static final String UPSTREAM_OVERLOADED = "UPSTREAM_OVERLOADED";

  /** The response is not what the API promises. */
  public static final String UPSTREAM_PROTOCOL_ERROR = "UPSTREAM_PROTOCOL_ERROR";

  /** The upstream does not accept the request (400, 404, 413, 422). */
  public static final String UPSTREAM_REQUEST_REFUSED = "UPSTREAM_REQUEST_REFUSED";

  /** The response is longer than Frontdesk reads. */
  public static final String UPSTREAM_RESPONSE_TOO_LONG = "UPSTREAM_RESPONSE_TOO_LONG";

  /** One of the attempt's timers ran out; timer says which. */
  public static final String UPSTREAM_TIMED_OUT = "UPSTREAM_TIMED_OUT";

  /** No connection, or it was lost before the response began. */
  public static final String UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE";

  /** A weight is negative or not finite. */
  public static final String WEIGHT_OUT_OF_RANGE = "WEIGHT_OUT_OF_RANGE";

  private Reason() {}
}
