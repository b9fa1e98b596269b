import { create, createRegistry, type Message as AnyMessage, type MessageInitShape, toJson as toJsonValue } from "@bufbuild/protobuf";

import {
  file_frontdesk_v1_chat,
  type GenerationConfigSchema,
  type Message,
  MessageSchema,
  type Query,
  QuerySchema,
  Role,
} from "./gen/frontdesk/v1/chat_pb.js";
import { file_frontdesk_v1_router_service } from "./gen/frontdesk/v1/router_service_pb.js";
import { file_frontdesk_v1_routing } from "./gen/frontdesk/v1/routing_pb.js";

/** How an answer is generated: `{ maxOutputTokens: 200, temperature: 0 }`. */
export type Settings = MessageInitShape<typeof GenerationConfigSchema>;

/** The query of one user message. */
export function ask(text: string, settings?: Settings): Query {
  return conversation([user(text)], settings);
}

/** The query of several messages, oldest first. */
export function conversation(messages: Message[], settings?: Settings): Query {
  return create(QuerySchema, settings ? { messages, generation: settings } : { messages });
}

/** Instructions of the application. */
export function system(text: string): Message {
  return say(Role.SYSTEM, text);
}

/** What the end user says. */
export function user(text: string): Message {
  return say(Role.USER, text);
}

/** What the LLM said. Pass a completion's own message where there is one: it keeps tool calls and reasoning. */
export function assistant(text: string): Message {
  return say(Role.ASSISTANT, text);
}

/** What a called tool returned. */
export function toolResult(toolCallId: string, content: string, isError = false): Message {
  const value = { toolCallId, content, isError };
  return create(MessageSchema, { role: Role.TOOL, parts: [{ part: { case: "toolResult", value } }] });
}

/** The text parts of a message, joined. */
export function textOf(message: Message | undefined): string {
  return (message?.parts ?? []).map(({ part }) => (part.case === "text" ? part.value : "")).join("");
}

const registry = createRegistry(file_frontdesk_v1_chat, file_frontdesk_v1_routing, file_frontdesk_v1_router_service);

/** A message of the contract as JSON text, in protobuf's own mapping: 64-bit integers, which JSON.stringify refuses, are strings. */
export function toJson(message: AnyMessage): string {
  const schema = registry.getMessage(message.$typeName);
  if (!schema) throw new TypeError(`${message.$typeName} is no message of the contract`);
  return JSON.stringify(toJsonValue(schema, message, { registry }));
}

function say(role: Role, text: string): Message {
  return create(MessageSchema, { role, parts: [{ part: { case: "text", value: text } }] });
}
