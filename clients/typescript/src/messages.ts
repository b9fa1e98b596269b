import { create } from "@bufbuild/protobuf";

import { type Message, type Query, QuerySchema, Role } from "./gen/frontdesk/v1/chat_pb.js";

/** The query of one user message. */
export function ask(text: string): Query {
  return create(QuerySchema, {
    messages: [{ role: Role.USER, parts: [{ part: { case: "text", value: text } }] }],
  });
}

/** The text parts of a message, joined. */
export function textOf(message: Message | undefined): string {
  return (message?.parts ?? []).map(({ part }) => (part.case === "text" ? part.value : "")).join("");
}
