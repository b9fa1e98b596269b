package frontdesk

// Why a call failed: what [Error.Reason] may be. Written by clients/reasons.py, as docs/errors.md.
const (
	// ReasonAnswerSuperseded: What a stream's text has given is to be discarded: another model takes over.
	ReasonAnswerSuperseded = "ANSWER_SUPERSEDED"
	// ReasonBatchSizeOutOfRange: A batch holds no query, or more than 1,024.
	ReasonBatchSizeOutOfRange = "BATCH_SIZE_OUT_OF_RANGE"
	// ReasonBudgetExhausted: The money of the window is spent.
	ReasonBudgetExhausted = "BUDGET_EXHAUSTED"
	// ReasonCacheTTLOutOfRange: The ttl of a cache_hint is not a positive duration.
	ReasonCacheTTLOutOfRange = "CACHE_TTL_OUT_OF_RANGE"
	// ReasonCapabilityUnspecified: A required capability is not named.
	ReasonCapabilityUnspecified = "CAPABILITY_UNSPECIFIED"
	// ReasonClientClosed: The client has been closed.
	ReasonClientClosed = "CLIENT_CLOSED"
	// ReasonDeadlineExceeded: The caller's deadline is past.
	ReasonDeadlineExceeded = "DEADLINE_EXCEEDED"
	// ReasonDecisionIDInvalid: A decision id is not a ULID of 26 characters.
	ReasonDecisionIDInvalid = "DECISION_ID_INVALID"
	// ReasonDecisionNotFound: The ledger holds no such decision.
	ReasonDecisionNotFound = "DECISION_NOT_FOUND"
	// ReasonDetailWithoutImage: A detail is given for media that are no image.
	ReasonDetailWithoutImage = "DETAIL_WITHOUT_IMAGE"
	// ReasonDuplicateTool: Two tools have the same name.
	ReasonDuplicateTool = "DUPLICATE_TOOL"
	// ReasonDuplicateToolCall: Two tool calls of one assistant turn have the same id.
	ReasonDuplicateToolCall = "DUPLICATE_TOOL_CALL"
	// ReasonFieldRequired: A required field is not set.
	ReasonFieldRequired = "FIELD_REQUIRED"
	// ReasonFieldTooLong: A field holds more characters or entries than its limit.
	ReasonFieldTooLong = "FIELD_TOO_LONG"
	// ReasonInternal: A fault of Frontdesk itself; its log says more.
	ReasonInternal = "INTERNAL"
	// ReasonInvalidUTF8: A string field holds bytes that are not UTF-8.
	ReasonInvalidUTF8 = "INVALID_UTF8"
	// ReasonJSONSchemaInvalid: A JSON Schema is not JSON, not an object, or not a schema.
	ReasonJSONSchemaInvalid = "JSON_SCHEMA_INVALID"
	// ReasonLabelsOverLimit: There are too many labels, or a key or value is empty or too long.
	ReasonLabelsOverLimit = "LABELS_OVER_LIMIT"
	// ReasonLedgerUnavailable: The ledger cannot be read or written and the call needs it.
	ReasonLedgerUnavailable = "LEDGER_UNAVAILABLE"
	// ReasonLimitsUnavailable: Budgets and rate limits cannot be checked.
	ReasonLimitsUnavailable = "LIMITS_UNAVAILABLE"
	// ReasonMalformedRequest: The bytes are not a message of the method's request type.
	ReasonMalformedRequest = "MALFORMED_REQUEST"
	// ReasonMaxAttemptsOutOfRange: max_attempts is less than 1.
	ReasonMaxAttemptsOutOfRange = "MAX_ATTEMPTS_OUT_OF_RANGE"
	// ReasonMaxCostOutOfRange: max_cost_nano_usd is negative.
	ReasonMaxCostOutOfRange = "MAX_COST_OUT_OF_RANGE"
	// ReasonMaxOutputTokensOutOfRange: max_output_tokens is less than 1.
	ReasonMaxOutputTokensOutOfRange = "MAX_OUTPUT_TOKENS_OUT_OF_RANGE"
	// ReasonMaxTimeToFirstTokenOutOfRange: max_time_to_first_token is not a positive duration.
	ReasonMaxTimeToFirstTokenOutOfRange = "MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE"
	// ReasonMediaTypeInvalid: A mime_type is not of the form type/subtype.
	ReasonMediaTypeInvalid = "MEDIA_TYPE_INVALID"
	// ReasonMediaURINotHTTPS: The uri of a media part is not an https URI.
	ReasonMediaURINotHTTPS = "MEDIA_URI_NOT_HTTPS"
	// ReasonMediaWithoutSource: A media part has neither data nor a uri.
	ReasonMediaWithoutSource = "MEDIA_WITHOUT_SOURCE"
	// ReasonMessagesEmpty: The query holds no message.
	ReasonMessagesEmpty = "MESSAGES_EMPTY"
	// ReasonMessageWithoutParts: A message that is not the assistant's holds no part.
	ReasonMessageWithoutParts = "MESSAGE_WITHOUT_PARTS"
	// ReasonModelsUnavailable: Every model that could answer is failing at the moment; the message names each one's reason.
	ReasonModelsUnavailable = "MODELS_UNAVAILABLE"
	// ReasonNameInvalid: A name is not 1 to 64 characters of [a-zA-Z0-9_-].
	ReasonNameInvalid = "NAME_INVALID"
	// ReasonNoEligibleModel: Every model is excluded; the message names each one's reason.
	ReasonNoEligibleModel = "NO_ELIGIBLE_MODEL"
	// ReasonOverloaded: As many calls run and wait as are allowed.
	ReasonOverloaded = "OVERLOADED"
	// ReasonParallelToolCallsWithoutTools: parallel_tool_calls is given, but no tools.
	ReasonParallelToolCallsWithoutTools = "PARALLEL_TOOL_CALLS_WITHOUT_TOOLS"
	// ReasonPartNotAllowed: A message of this role may not hold such a part.
	ReasonPartNotAllowed = "PART_NOT_ALLOWED"
	// ReasonPenaltyOutOfRange: A penalty is not in [-2, 2].
	ReasonPenaltyOutOfRange = "PENALTY_OUT_OF_RANGE"
	// ReasonPermissionDenied: The caller may not do that.
	ReasonPermissionDenied = "PERMISSION_DENIED"
	// ReasonPrefillNotText: The last message is the assistant's, and is not text that an answer can continue.
	ReasonPrefillNotText = "PREFILL_NOT_TEXT"
	// ReasonProviderJSONInvalid: What is for one provider is not a JSON object.
	ReasonProviderJSONInvalid = "PROVIDER_JSON_INVALID"
	// ReasonProviderOptionReserved: An option for a provider says what the contract itself expresses.
	ReasonProviderOptionReserved = "PROVIDER_OPTION_RESERVED"
	// ReasonQualityFloorOutOfRange: quality_floor is not in [0, 1].
	ReasonQualityFloorOutOfRange = "QUALITY_FLOOR_OUT_OF_RANGE"
	// ReasonQualityOutOfRange: The reported quality is not in [0, 1].
	ReasonQualityOutOfRange = "QUALITY_OUT_OF_RANGE"
	// ReasonRateLimited: The requests or tokens of the window are used up.
	ReasonRateLimited = "RATE_LIMITED"
	// ReasonReasoningBudgetOutOfRange: reasoning_budget_tokens is less than 1.
	ReasonReasoningBudgetOutOfRange = "REASONING_BUDGET_OUT_OF_RANGE"
	// ReasonReasoningSetTwice: Both reasoning_effort and reasoning_budget_tokens are given.
	ReasonReasoningSetTwice = "REASONING_SET_TWICE"
	// ReasonRequestTooLarge: The request message is longer than the server's limit.
	ReasonRequestTooLarge = "REQUEST_TOO_LARGE"
	// ReasonRoleUnspecified: A message does not say who speaks.
	ReasonRoleUnspecified = "ROLE_UNSPECIFIED"
	// ReasonShuttingDown: The server is stopping.
	ReasonShuttingDown = "SHUTTING_DOWN"
	// ReasonStopSequencesInvalid: There are more than 8 stop sequences, or one is empty.
	ReasonStopSequencesInvalid = "STOP_SEQUENCES_INVALID"
	// ReasonStreamCut: A stream ended without its completed event: the answer is cut.
	ReasonStreamCut = "STREAM_CUT"
	// ReasonStreamOutOfOrder: The events of a stream broke the documented order.
	ReasonStreamOutOfOrder = "STREAM_OUT_OF_ORDER"
	// ReasonTemperatureOutOfRange: temperature is not in [0, 2].
	ReasonTemperatureOutOfRange = "TEMPERATURE_OUT_OF_RANGE"
	// ReasonToolChoiceWithoutTools: A tool choice is given, but no tools.
	ReasonToolChoiceWithoutTools = "TOOL_CHOICE_WITHOUT_TOOLS"
	// ReasonToolResultSetTwice: A tool result has both content and parts.
	ReasonToolResultSetTwice = "TOOL_RESULT_SET_TWICE"
	// ReasonToolResultWithoutCall: A tool result answers no tool call that precedes it.
	ReasonToolResultWithoutCall = "TOOL_RESULT_WITHOUT_CALL"
	// ReasonToolSetTwice: A provider_tool stands beside a description, parameters or strict.
	ReasonToolSetTwice = "TOOL_SET_TWICE"
	// ReasonTopKOutOfRange: top_k is less than 1.
	ReasonTopKOutOfRange = "TOP_K_OUT_OF_RANGE"
	// ReasonTopLogprobsOutOfRange: top_logprobs is not in [0, 20].
	ReasonTopLogprobsOutOfRange = "TOP_LOGPROBS_OUT_OF_RANGE"
	// ReasonTopLogprobsWithoutLogprobs: top_logprobs is given, but logprobs is not true.
	ReasonTopLogprobsWithoutLogprobs = "TOP_LOGPROBS_WITHOUT_LOGPROBS"
	// ReasonTopPOutOfRange: top_p is not in (0, 1].
	ReasonTopPOutOfRange = "TOP_P_OUT_OF_RANGE"
	// ReasonUnauthenticated: The credentials are missing or wrong.
	ReasonUnauthenticated = "UNAUTHENTICATED"
	// ReasonUnknownEnumValue: An enum field holds a number this server does not know.
	ReasonUnknownEnumValue = "UNKNOWN_ENUM_VALUE"
	// ReasonUnknownModel: No model of the router has that name.
	ReasonUnknownModel = "UNKNOWN_MODEL"
	// ReasonUnknownRouter: No router has that name.
	ReasonUnknownRouter = "UNKNOWN_ROUTER"
	// ReasonUnknownTool: The tool choice names a tool that is not among the tools.
	ReasonUnknownTool = "UNKNOWN_TOOL"
	// ReasonUpstreamContextExceeded: The upstream says that the query is too long for the model.
	ReasonUpstreamContextExceeded = "UPSTREAM_CONTEXT_EXCEEDED"
	// ReasonUpstreamCredentialsRefused: The upstream does not accept our credentials (401, 402, 403) or says, with any status, that credit is out.
	ReasonUpstreamCredentialsRefused = "UPSTREAM_CREDENTIALS_REFUSED"
	// ReasonUpstreamCut: The response ended without its end.
	ReasonUpstreamCut = "UPSTREAM_CUT"
	// ReasonUpstreamFailed: The upstream reports an error of its own (5xx, or an error object).
	ReasonUpstreamFailed = "UPSTREAM_FAILED"
	// ReasonUpstreamOverloaded: The upstream limits its load (429, 529).
	ReasonUpstreamOverloaded = "UPSTREAM_OVERLOADED"
	// ReasonUpstreamProtocolError: The response is not what the API promises.
	ReasonUpstreamProtocolError = "UPSTREAM_PROTOCOL_ERROR"
	// ReasonUpstreamRequestRefused: The upstream does not accept the request (400, 404, 413, 422).
	ReasonUpstreamRequestRefused = "UPSTREAM_REQUEST_REFUSED"
	// ReasonUpstreamResponseTooLong: The response is longer than Frontdesk reads.
	ReasonUpstreamResponseTooLong = "UPSTREAM_RESPONSE_TOO_LONG"
	// ReasonUpstreamTimedOut: One of the attempt's timers ran out; timer says which.
	ReasonUpstreamTimedOut = "UPSTREAM_TIMED_OUT"
	// ReasonUpstreamUnreachable: No connection, or it was lost before the response began.
	ReasonUpstreamUnreachable = "UPSTREAM_UNREACHABLE"
	// ReasonWeightOutOfRange: A weight is negative or not finite.
	ReasonWeightOutOfRange = "WEIGHT_OUT_OF_RANGE"
)
