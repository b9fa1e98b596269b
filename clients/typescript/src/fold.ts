import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { errorOf, FrontdeskError } from "./errors.js";
import {
  type Citation,
  type ContentPart,
  ContentPartSchema,
  MessageSchema,
  type ProviderBlock,
  type ProviderState,
  type Reasoning,
  ReasoningSchema,
  Role,
  type TokenLogprob,
  type ToolCall,
  ToolCallSchema,
} from "./gen/frontdesk/v1/chat_pb.js";
import { type CompleteResponse, CompleteResponseSchema, type StreamCompleteResponse } from "./gen/frontdesk/v1/router_service_pb.js";
import { Reason } from "./reasons.js";

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

/** Where a part stands: its place, then by kind, then a call among the calls. */
type Place = [part: number, kind: number, index: number];

/** Collects events and holds them to their order. What an ended attempt said is forgotten. */
export class Fold {
  readonly #response = create(CompleteResponseSchema);
  #started = false;
  #running = 0;
  #completed = false;
  #reasoning = new Map<number, Reasoning>();
  #texts = new Map<number, { pieces: string[]; refusal: boolean }>();
  #calls = new Map<string, { part: number; index: number; call: ToolCall }>();
  #blocks = new Map<number, ProviderBlock>();
  #citations = new Map<number, Citation[]>();
  #state = new Map<number | undefined, ProviderState[]>();
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
      throw new FrontdeskError(status.DATA_LOSS, Reason.STREAM_CUT, "the stream ended without completed; the answer is cut");
    }
  }

  /** The answer so far. */
  result(): CompleteResponse {
    const parts = this.#parts();
    const providerState = this.#state.get(undefined) ?? [];
    this.#response.message = create(MessageSchema, { role: Role.ASSISTANT, parts, providerState });
    this.#response.logprobs = this.#logprobs;
    return this.#response;
  }

  /** Adds what had come to an error; the server's own account of attempts and cost wins. */
  fail(error: FrontdeskError): FrontdeskError {
    error.partial = this.result();
    error.completionId ||= error.partial.completionId;
    if (error.failure) {
      error.partial.attempts = error.failure.attempts;
      error.partial.cost = error.failure.cost;
    }
    return error;
  }

  /** The parts by their places; where an older server tells none, reasoning, text, and the calls by their index. */
  #parts(): ContentPart[] {
    const placed: { place: Place; part: ContentPart }[] = [];
    const add = (place: Place, part: ContentPart["part"], refusal = false, citations: Citation[] = []) => {
      const providerState = this.#state.get(place[0]) ?? [];
      placed.push({ place, part: create(ContentPartSchema, { part, refusal, citations, providerState }) });
    };
    for (const [part, value] of this.#reasoning) add([part, 0, 0], { case: "reasoning", value });
    for (const [part, { pieces, refusal }] of this.#texts) {
      add([part, 1, 0], { case: "text", value: pieces.join("") }, refusal, this.#citations.get(part));
    }
    for (const [part, value] of this.#blocks) add([part, 3, 0], { case: "providerBlock", value });
    for (const { part, index, call } of this.#calls.values()) {
      call.argumentsJson ||= "{}";
      add([part, 2, index], { case: "toolCall", value: call });
    }
    placed.sort(({ place: a }, { place: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return placed.map(({ part }) => part);
  }

  #addDelta(event: StreamCompleteResponse["event"]): void {
    switch (event.case) {
      case "textDelta": {
        const { part = 0, text, refusal, logprobs } = event.value;
        const said = valueOf(this.#texts, part, () => ({ pieces: [], refusal: false }));
        said.pieces.push(text);
        said.refusal ||= refusal;
        this.#logprobs.push(...logprobs);
        break;
      }
      case "reasoningDelta": {
        const { part = 0, text, signature, redactedData, dialect } = event.value;
        const reasoning = valueOf(this.#reasoning, part, () => create(ReasoningSchema));
        reasoning.text += text;
        reasoning.signature += signature;
        reasoning.redactedData += redactedData;
        reasoning.dialect ||= dialect;
        break;
      }
      case "providerBlockDelta":
        if (event.value.block) this.#blocks.set(event.value.part ?? 0, event.value.block);
        break;
      case "providerStateDelta":
        if (event.value.state) valueOf(this.#state, event.value.part, () => []).push(event.value.state);
        break;
      case "citationDelta":
        if (event.value.citation) valueOf(this.#citations, event.value.part ?? 0, () => []).push(event.value.citation);
        break;
      case "toolCallDelta": {
        const { part = 0, index, id, name, argumentsJson } = event.value;
        const { call } = valueOf(this.#calls, `${part}/${index}`, () => ({ part, index, call: create(ToolCallSchema) }));
        call.id += id;
        call.name += name;
        call.argumentsJson += argumentsJson;
        break;
      }
    }
  }

  #forget(): void {
    this.#reasoning.clear();
    this.#texts.clear();
    this.#calls.clear();
    this.#blocks.clear();
    this.#citations.clear();
    this.#state.clear();
    this.#logprobs = [];
  }
}

/** What lies at a key, new where nothing does. */
function valueOf<K, V>(values: Map<K, V>, key: K, fresh: () => V): V {
  const value = values.get(key) ?? fresh();
  values.set(key, value);
  return value;
}

function outOfOrder(message: string): FrontdeskError {
  return new FrontdeskError(status.INTERNAL, Reason.STREAM_OUT_OF_ORDER, message);
}
