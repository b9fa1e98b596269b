/**
 * Calls Frontdesk, the LLM router. The generated messages are exported by `@frontdesk/client/v1`.
 *
 * @packageDocumentation
 */
export { FrontdeskClient } from "./client.js";
export type { CallOptions } from "./call.js";
export { FrontdeskError, type FieldViolation, Status } from "./errors.js";
export { explain } from "./explain.js";
export { fold } from "./fold.js";
export { ask, assistant, conversation, type Settings, system, textOf, toJson, toolResult, user } from "./messages.js";
export { type ClientOptions, defaultChannelOptions, serviceConfig, version } from "./options.js";
export { Reason } from "./reasons.js";
export { CompletionStream } from "./stream.js";
export type { Token } from "./token.js";
