import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  createRegistry,
  type DescMessage,
  equals,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";

import { errorOfStatus } from "../src/errors.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { explain, fold, FrontdeskError, Status } from "../src/index.js";
import {
  CompleteResponseSchema,
  CompletionFailureSchema,
  DecisionSchema,
  file_frontdesk_v1_chat,
  file_frontdesk_v1_router_service,
  file_frontdesk_v1_routing,
  StreamCompleteResponseSchema,
} from "../src/v1.js";

interface MessageVector {
  name: string;
  type: string;
  json: JsonValue;
  base64: string;
}

interface ErrorVector {
  name: string;
  status: string;
  code: keyof typeof Status;
  message: string;
  reason: string;
  metadata: Record<string, string>;
  violations: unknown[];
  retryDelayMs: number | null;
  failure: JsonValue | null;
}

interface EventVector {
  name: string;
  events: JsonValue[];
  completion?: JsonValue;
  fault?: string;
  partial?: JsonValue;
}

interface ExplanationVector {
  name: string;
  decision: JsonValue;
  text: string[];
}

function vectors<T>(name: string): T {
  const url = new URL(`../../../../tests/contract/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

const registry = createRegistry(file_frontdesk_v1_chat, file_frontdesk_v1_routing, file_frontdesk_v1_router_service);

function decode(vector: MessageVector): { schema: DescMessage; raw: Uint8Array; message: ReturnType<typeof fromBinary> } {
  const schema = registry.getMessage(vector.type);
  assert(schema, vector.type);
  const raw = Buffer.from(vector.base64, "base64");
  return { schema, raw, message: fromBinary(schema, raw) };
}

const messages = vectors<{ current: MessageVector[]; newer: MessageVector[] }>("messages");

for (const vector of messages.current) {
  test(`every field round-trips: ${vector.name}`, () => {
    const { schema, message } = decode(vector);
    assert.deepEqual(toJson(schema, message), vector.json);
    assert.equal(message.$unknown, undefined, "a field is unknown to the stubs");
    assert(equals(schema, fromJson(schema, vector.json), message));
    assert(equals(schema, fromBinary(schema, toBinary(schema, message)), message));
  });
}

for (const vector of messages.newer) {
  test(`a newer server does not break an older client: ${vector.name}`, () => {
    const { schema, raw, message } = decode(vector);
    assert.deepEqual(toJson(schema, message), vector.json);
    const again = Buffer.from(toBinary(schema, message));
    assert.equal(again.length, raw.length);
    assert(again.includes("newer"));
  });
}

for (const vector of vectors<ErrorVector[]>("errors")) {
  test(`every reason maps to a typed error: ${vector.name}`, () => {
    const status = fromBinary(StatusSchema, Buffer.from(vector.status, "base64"));
    const error = errorOfStatus(status.code, status.message, status);
    assert.equal(Status[error.code], vector.code);
    assert.equal(error.reason, vector.reason);
    assert.equal(error.message, vector.message);
    assert.deepEqual(error.metadata, vector.metadata);
    assert.deepEqual(error.violations, vector.violations);
    assert.equal(error.retryDelayMs ?? null, vector.retryDelayMs);
    assert.deepEqual(error.failure ? toJson(CompletionFailureSchema, error.failure) : null, vector.failure);
  });
}

for (const vector of vectors<EventVector[]>("events")) {
  test(`events fold in order or not at all: ${vector.name}`, async () => {
    const folded = fold(vector.events.map((event) => fromJson(StreamCompleteResponseSchema, event)));
    if (vector.completion !== undefined) {
      assert.deepEqual(toJson(CompleteResponseSchema, await folded), vector.completion);
      return;
    }
    const error = await folded.then(() => assert.fail("no fault was found"), (reason: unknown) => reason);
    assert(error instanceof FrontdeskError);
    assert.equal(error.reason, vector.fault);
    assert.deepEqual(error.partial && toJson(CompleteResponseSchema, error.partial), vector.partial);
  });
}

for (const vector of vectors<ExplanationVector[]>("explanations")) {
  test(`explanations read the same in every language: ${vector.name}`, () => {
    assert.equal(explain(fromJson(DecisionSchema, vector.decision)), vector.text.join("\n"));
  });
}
