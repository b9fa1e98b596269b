import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { errorOf, FrontdeskError } from "./errors.js";
import {
  type ContentPart,
  ContentPartSchema,
  MessageSchema,
  type Reasoning,
  ReasoningSchema,
  Role,
  type TokenLogprob,
  type ToolCall,
  ToolCallSchema,
} from "./gen/frontdesk/v1/chat_pb.js";
import { type CompleteResponse, CompleteResponseSchema, type StreamCompleteResponse } from "./gen/frontdesk/v1/router_service_pb.js";

/** Reads events to their end and returns the whole answer, as `complete` would have. Its error carries what came as `partial`. */
export async function fold(
  events: AsyncIterable<StreamCompleteResponse> | Iterable<StreamCompleteResponse>,
): Promise<CompleteResponse> {
  const folded = new Fold();
  try {
    for await (const event of events) folded.add(event);
    folded.end();
  } catch (error) {
    throw folded.fail(errorOf(error));
  }
  return folded.result();
}

/** Collects events and holds them to their order. What an ended attempt said is forgotten. */
export class Fold {
  readonly #response = create(CompleteResponseSchema);
  #started = false;
  #running = 0;
  #completed = false;
  #text: string[] = [];
  #reasoning: Reasoning | undefined;
  #calls = new Map<number, ToolCall>();
  #logprobs: TokenLogprob[] = [];

  /** Takes the next event. */
  add({ event }: StreamCompleteResponse): void {
    if (event.case === undefined) return; // of a newer server
    if (this.#completed) throw outOfOrder("an event followed completed");
    if ((event.case === "started") === this.#started) throw outOfOrder("started must come first and once");
    switch (event.case) {
      case "started":
        this.#started = true;
        this.#response.completionId = event.value.completionId;
        this.#response.decision = event.value.decision;
        break;
      case "attemptStarted":
        this.#forget();
        this.#running++;
        this.#response.model = event.value.model;
        break;
      case "attemptEnded":
        this.#forget();
        this.#running--;
        if (this.#running > 0) this.#response.model = event.value.nextModel;
        if (event.value.attempt) this.#response.attempts.push(event.value.attempt);
        break;
      case "completed": {
        const { model, finishReason, usage, cost, attempts } = event.value;
        this.#completed = true;
        Object.assign(this.#response, { model, finishReason, usage, cost, attempts });
        break;
      }
      default:
        if (this.#running === 0) throw outOfOrder("a delta came outside an attempt");
        this.#addDelta(event);
    }
  }

  /** Says that no event follows. */
  end(): void {
    if (!this.#completed) {
      throw new FrontdeskError(status.DATA_LOSS, "STREAM_CUT", "the stream ended without completed; the answer is cut");
    }
  }

  /** The answer so far. */
  result(): CompleteResponse {
    const parts: ContentPart["part"][] = [];
    if (this.#reasoning) parts.push({ case: "reasoning", value: this.#reasoning });
    if (this.#text.length > 0) parts.push({ case: "text", value: this.#text.join("") });
    for (const [, call] of [...this.#calls].sort(([a], [b]) => a - b)) {
      call.argumentsJson ||= "{}";
      parts.push({ case: "toolCall", value: call });
    }
    this.#response.message = create(MessageSchema, {
      role: Role.ASSISTANT,
      parts: parts.map((part) => create(ContentPartSchema, { part })),
    });
    this.#response.logprobs = this.#logprobs;
    return this.#response;
  }

  /** Adds what had come to an error; the server's own account of attempts and cost wins. */
  fail(error: FrontdeskError): FrontdeskError {
    error.partial = this.result();
    if (error.failure) {
      error.partial.attempts = error.failure.attempts;
      error.partial.cost = error.failure.cost;
    }
    return error;
  }

  #addDelta(event: StreamCompleteResponse["event"]): void {
    switch (event.case) {
      case "textDelta":
        this.#text.push(event.value.text);
        this.#logprobs.push(...event.value.logprobs);
        break;
      case "reasoningDelta":
        this.#reasoning ??= create(ReasoningSchema);
        this.#reasoning.text += event.value.text;
        this.#reasoning.signature += event.value.signature;
        this.#reasoning.redactedData += event.value.redactedData;
        break;
      case "toolCallDelta": {
        const { index, id, name, argumentsJson } = event.value;
        const call = this.#calls.get(index) ?? create(ToolCallSchema);
        this.#calls.set(index, call);
        call.id += id;
        call.name += name;
        call.argumentsJson += argumentsJson;
        break;
      }
    }
  }

  #forget(): void {
    this.#text = [];
    this.#reasoning = undefined;
    this.#calls.clear();
    this.#logprobs = [];
  }
}

function outOfOrder(message: string): FrontdeskError {
  return new FrontdeskError(status.INTERNAL, "STREAM_OUT_OF_ORDER", message);
}
