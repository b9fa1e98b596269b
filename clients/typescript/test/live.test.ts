import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after } from "node:test";

import { fromJsonString } from "@bufbuild/protobuf";

import {
  ask,
  assistant,
  type ClientOptions,
  conversation,
  FrontdeskClient,
  FrontdeskError,
  Reason,
  Status,
  system,
  textOf,
  toJson,
  toolResult,
  user,
  version,
} from "../src/index.js";
import { AttemptOutcome, QuerySchema } from "../src/v1.js";
import { address, interop, seen } from "./interop.js";

const utf8Text = "Grüße, 漢字 и 😀\u0000 e\u0301";
const longText = "0123456789abcdef".repeat(6 * 65_536);

const clients: FrontdeskClient[] = [];
after(() => clients.forEach((client) => client.close()));

function connect(target: string | undefined, options: ClientOptions): FrontdeskClient {
  const client = new FrontdeskClient(target, options);
  clients.push(client);
  return client;
}

const target = address("FRONTDESK_SCRIPTED_ADDRESS");
const client = connect(target, { plaintext: true });

function scenario(router: string, affinityKey = "", text = "Hi.") {
  return { query: ask(text), policy: { router, affinityKey } };
}

async function failure(call: Promise<unknown>, code: Status, reason: string): Promise<FrontdeskError> {
  const error = await call.then(() => assert.fail("the call succeeded"), (thrown: unknown) => thrown);
  assert(error instanceof FrontdeskError, String(error));
  assert.deepEqual([Status[error.code], error.reason], [Status[code], reason]);
  return error;
}

/** What getDecision tells of the calls with an affinity key. */
async function label(key: string, name: string): Promise<string | undefined> {
  return (await client.getDecision({ decisionId: key })).labels[name];
}

interop("Route", "call", async () => {
  const { decision } = await client.route(scenario("default"));
  assert.equal(decision?.model, "small-llm");
  assert.equal(decision.candidates[0]?.predictedQuality, 0.8);
});

interop("Route", "utf-8", async () => {
  const { decision } = await client.route(scenario("default", "größe-漢-😀"));
  assert.equal(decision?.decisionId, "größe-漢-😀");
});

interop("Route", "newer server", async () => {
  const { decision } = await client.route(scenario("newer"));
  assert.equal(decision?.path[0]?.verdict, 99);
});

interop("Route", "typed error", async () => {
  const invalid = await failure(client.route(scenario("error:MESSAGES_EMPTY")), Status.INVALID_ARGUMENT, "MESSAGES_EMPTY");
  assert.deepEqual(invalid.violations[0], {
    field: "query.messages[0].name",
    description: "größe: The query holds no message.",
    reason: "MESSAGES_EMPTY",
  });
  const limited = await failure(client.route(scenario("error:RATE_LIMITED")), Status.RESOURCE_EXHAUSTED, "RATE_LIMITED");
  assert.equal(limited.retryDelayMs, 1500);
});

interop("Route", "retry", async () => {
  await client.route(scenario("flaky:2", "ts-flaky"));
  assert.equal(await label("ts-flaky", "calls"), "3");
});

interop("Route", "retry forbidden", async () => {
  await failure(client.route(scenario("refusing", "ts-refusing")), Status.UNAVAILABLE, "UPSTREAM_FAILED");
  assert.equal(await label("ts-refusing", "calls"), "1");
});

interop("Route", "metadata", async () => {
  const withToken = connect(target, { plaintext: true, token: async () => "secret" });
  const { metadata, seconds_left } = seen((await withToken.route(scenario("metadata"), { timeoutMs: 20_000 })).decision);
  assert.equal(metadata["authorization"], "Bearer secret");
  assert(metadata["user-agent"]?.startsWith(`frontdesk-typescript/${version}`), metadata["user-agent"]);
  assert(seconds_left !== null && seconds_left > 1 && seconds_left <= 21, `${seconds_left}`);
  const withoutToken = connect(target, { plaintext: true, token: () => Promise.reject(new Error("expired")) });
  await failure(withoutToken.route(scenario("metadata")), Status.UNAUTHENTICATED, "UNAUTHENTICATED");
});

interop("Route", "TLS", async () => {
  const tlsTarget = address("FRONTDESK_SCRIPTED_TLS_ADDRESS");
  const rootCertificates = readFileSync(address("FRONTDESK_SCRIPTED_CERTIFICATE") ?? "");
  const trusting = connect(tlsTarget, { rootCertificates, token: "secret" });
  assert.equal(seen((await trusting.route(scenario("metadata"))).decision).metadata["authorization"], "Bearer secret");
});

interop("Route", "round robin", async () => {
  const both = connect(`ipv4:${target},${address("FRONTDESK_SCRIPTED_ADDRESS_2")}`, { plaintext: true });
  const ports = new Set<number>();
  for (const deadline = Date.now() + 10_000; ports.size < 2 && Date.now() < deadline; ) {
    ports.add(seen((await both.route(scenario("metadata"))).decision).port);
  }
  assert.equal(ports.size, 2);
});

async function authorization(options: ClientOptions): Promise<string | undefined> {
  return seen((await connect(target, options).route(scenario("metadata"))).decision).metadata["authorization"];
}

async function unavailable(cause: string, where: string | undefined, options: ClientOptions): Promise<void> {
  const error = await failure(connect(where, options).route(scenario("default")), Status.UNAVAILABLE, "UNAVAILABLE");
  assert(error.message.startsWith(`${cause} (`), error.message);
}

interop("Route", "environment", async () => {
  const { decision } = await connect(undefined, {}).route({ query: ask("What is 2 + 2?") });
  assert.equal(decision?.model, "small-llm");
  assert.equal(await authorization({}), `Bearer ${process.env["FRONTDESK_TOKEN"]}`);
});

interop("Route", "token source", async () => {
  const tokens = ["first", "second\n"];
  const source = async () => tokens.shift() ?? assert.fail("expired");
  const renewing = connect(target, { token: source });
  const { decision } = await renewing.route(scenario("metadata"));
  assert.equal(seen(decision).metadata["authorization"], "Bearer first");
  const streamed = await renewing.streamComplete(scenario("metadata")).completion();
  assert.equal(seen(streamed.decision).metadata["authorization"], "Bearer second");
  await failure(renewing.route(scenario("metadata")), Status.UNAUTHENTICATED, "UNAUTHENTICATED");
});

interop("Route", "token refused", async () => {
  assert.equal(await authorization({ token: "secret\n" }), "Bearer secret");
  assert.throws(() => connect(target, { token: "se\ncret" }), (error) => {
    assert(error instanceof RangeError);
    assert.match(error.message, /character 3 is U\+000A/);
    return !error.message.includes("cret");
  });
});

interop("Route", "untrusted certificate", async () => {
  const tlsTarget = address("FRONTDESK_SCRIPTED_TLS_ADDRESS");
  await unavailable("the server's certificate is not trusted", tlsTarget, { plaintext: false });
});

interop("Route", "plaintext against TLS", async () => {
  const cause = "the server closes connections in plain text: it may want TLS";
  await unavailable(cause, address("FRONTDESK_SCRIPTED_TLS_ADDRESS"), {});
});

interop("Route", "nobody listens", async () => {
  await unavailable("nobody listens there", "127.0.0.1:9", {});
});

interop("Route", "closed client", async () => {
  const closed = connect(target, {});
  closed.close();
  closed.close();
  await failure(closed.route(scenario("default")), Status.FAILED_PRECONDITION, Reason.CLIENT_CLOSED);
  assert.throws(() => closed.streamComplete(scenario("default")), { reason: Reason.CLIENT_CLOSED });
});

interop("Route", "JSON", async () => {
  const { decision } = await client.route(scenario("default"));
  assert(decision);
  const written = JSON.parse(toJson(decision));
  assert.deepEqual([written.model, written.candidates[0].predictedQuality], ["small-llm", 0.8]);
  assert.equal(JSON.parse(toJson(await client.complete(scenario("default")))).cost.totalNanoUsd, "12000");
});

interop("RouteBatch", "call", async () => {
  const { results } = await client.routeBatch({ queries: [ask("one"), {}, ask(utf8Text)] });
  const [first, second, third] = results.map(({ result }) => result);
  assert.equal(first?.case === "decision" && first.value.reason, "one");
  assert.equal(second?.case === "error" && second.value.field, "queries[1].messages");
  assert.equal(third?.case === "decision" && third.value.reason, utf8Text);
});

interop("RouteBatch", "typed error", async () => {
  const call = client.routeBatch({ queries: [ask("one")], policy: { router: "error:BUDGET_EXHAUSTED" } });
  assert.equal((await failure(call, Status.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED")).retryDelayMs, 3_600_000);
});

for (const [feature, text] of [["call", "Hi."], ["utf-8", utf8Text], ["large message", longText]] as const) {
  interop("Complete", feature, async () => {
    const response = await client.complete(scenario("default", "", text));
    assert(textOf(response.message) === text, "the same text comes back");
    assert.equal(response.cost?.totalNanoUsd, 12_000n);
  });
}

interop("Complete", "newer server", async () => {
  const response = await client.complete(scenario("newer"));
  assert.equal(response.finishReason, 99);
  assert.equal(textOf(response.message), "Hi.");
});

interop("Complete", "typed error", async () => {
  const call = client.complete(scenario("error:NO_ELIGIBLE_MODEL"));
  const error = await failure(call, Status.FAILED_PRECONDITION, "NO_ELIGIBLE_MODEL");
  assert.equal(error.metadata["small-llm"], "capability: tools");
});

interop("Complete", "account of a failure", async () => {
  const { failure: account } = await failure(client.complete(scenario("broken", "ts-broken")), Status.UNAVAILABLE, "UPSTREAM_CUT");
  assert.equal(account?.cost?.totalNanoUsd, 12_000n);
  assert.equal(account.attempts[0]?.outcome, AttemptOutcome.FAILED);
  assert.equal(await label("ts-broken", "calls"), "1");
});

interop("Complete", "conversation and settings", async () => {
  const messages = [system("Be brief."), user("2 + 2?"), assistant("4"), toolResult("c1", "none")];
  const query = conversation(messages, { maxOutputTokens: 9, temperature: 0 });
  const { message } = await client.complete({ query, policy: { router: "settings" } });
  const arrived = fromJsonString(QuerySchema, textOf(message));
  assert.deepEqual(toJson(arrived), toJson(query));
  assert.deepEqual([arrived.generation?.maxOutputTokens, arrived.generation?.temperature], [9, 0]);
});

interop("Complete", "deadline exceeded", async () => {
  const call = client.complete(scenario("silent", "ts-silent"), { timeoutMs: 300 });
  assert.equal((await failure(call, Status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")).completionId, "ts-silent");
  assert.equal(await label("ts-silent", "gone"), "true");
});

interop("Complete", "cancel", async () => {
  const signal = AbortSignal.timeout(500);
  const error = await failure(client.complete(scenario("silent", "ts-cancelled"), { signal }), Status.CANCELLED, "CANCELLED");
  assert.equal(error.cause, signal.reason);
  assert.equal(await label("ts-cancelled", "gone"), "true");
  await failure(client.complete(scenario("default"), { signal: AbortSignal.abort() }), Status.CANCELLED, "CANCELLED");
});

interop("StreamComplete", "call", async () => {
  const kinds: unknown[] = [];
  for await (const { event } of client.streamComplete(scenario("default"))) kinds.push(event.case);
  assert.deepEqual(kinds, ["started", "attemptStarted", "textDelta", "completed"]);
});

interop("StreamComplete", "fold", async () => {
  const streamed = await client.streamComplete(scenario("default")).completion();
  const whole = await client.complete(scenario("default"));
  assert.deepEqual(toJson(streamed), toJson(whole));
});

for (const [feature, text] of [["utf-8", utf8Text], ["large message", longText]] as const) {
  interop("StreamComplete", feature, async () => {
    const response = await client.streamComplete(scenario("default", "", text)).completion();
    assert(textOf(response.message) === text, "the same text comes back");
  });
}

interop("StreamComplete", "newer server", async () => {
  assert.equal(textOf((await client.streamComplete(scenario("newer")).completion()).message), "Hi.");
});

interop("StreamComplete", "typed error", async () => {
  const call = client.streamComplete(scenario("error:UNKNOWN_ROUTER")).completion();
  assert.equal((await failure(call, Status.NOT_FOUND, "UNKNOWN_ROUTER")).violations[0]?.field, "policy.router");
});

interop("StreamComplete", "partial answer", async () => {
  const call = client.streamComplete(scenario("broken", "ts-partial", "Half an ans")).completion();
  const { partial, failure: account } = await failure(call, Status.UNAVAILABLE, "UPSTREAM_CUT");
  assert.equal(textOf(partial?.message), "Half an ans");
  assert.equal(partial?.cost?.totalNanoUsd, 12_000n);
  assert.equal(account?.committed, true);
  assert.equal(await label("ts-partial", "calls"), "1"); // not repeated
});

interop("StreamComplete", "end without completed", async () => {
  const { partial } = await failure(client.streamComplete(scenario("incomplete")).completion(), Status.DATA_LOSS, "STREAM_CUT");
  assert.equal(textOf(partial?.message), "Hi.");
});

interop("StreamComplete", "events out of order", async () => {
  await failure(client.streamComplete(scenario("disordered")).completion(), Status.INTERNAL, "STREAM_OUT_OF_ORDER");
});

interop("StreamComplete", "superseded text", async () => {
  const stream = client.streamComplete(scenario("superseded", "", "It is so."));
  const shown: string[] = [];
  const read = async () => {
    for await (const text of stream.text()) shown.push(text);
  };
  await failure(read(), Status.ABORTED, Reason.ANSWER_SUPERSEDED);
  assert.deepEqual(shown.splice(0), ["Perhaps it "]);
  await read();
  assert.deepEqual(shown, ["It is so."]);
  assert.equal(textOf((await stream.completion()).message), "It is so.");
});

interop("StreamComplete", "a stream that was left is not whole", async () => {
  const stream = client.streamComplete(scenario("default"));
  for await (const _ of stream.text()) break;
  await failure(stream.completion(), Status.DATA_LOSS, Reason.STREAM_CUT);
});

interop("StreamComplete", "cancel", async () => {
  for await (const { event } of client.streamComplete(scenario("endless", "ts-left"))) {
    if (event.case === "textDelta") break;
  }
  assert.equal(await label("ts-left", "gone"), "true");
  const signal = AbortSignal.timeout(500);
  const call = client.streamComplete(scenario("endless", "ts-endless"), { signal }).completion();
  const { partial, cause } = await failure(call, Status.CANCELLED, "CANCELLED");
  assert.equal(cause, signal.reason);
  assert(textOf(partial?.message).startsWith("and so on "));
  assert.equal(await label("ts-endless", "gone"), "true");
  const late = client.streamComplete(scenario("default"), { signal: AbortSignal.abort() }).completion();
  await failure(late, Status.CANCELLED, "CANCELLED");
});

interop("StreamComplete", "deadline exceeded", async () => {
  const call = client.streamComplete(scenario("endless", "ts-late"), { timeoutMs: 300 }).completion();
  await failure(call, Status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
  assert.equal(await label("ts-late", "gone"), "true");
});

interop("ReportOutcome", "call", async () => {
  const report = (quality: number) =>
    client.reportOutcome({ decisionId: "ts-judged", quality, source: "größe", labels: { k: "v" } });
  assert.equal((await report(0)).replaced, false);
  const { outcome, replaced } = await report(0.75);
  assert.deepEqual([replaced, outcome?.quality, outcome?.labels], [true, 0.75, { k: "v" }]);
  const { decision, outcomes } = await client.getDecision({ decisionId: "ts-judged" });
  assert.equal(decision?.decisionId, "ts-judged");
  assert.equal(outcomes[0]?.source, "größe");
});

interop("ReportOutcome", "typed error", async () => {
  const call = client.reportOutcome({ decisionId: "error:DECISION_NOT_FOUND" });
  assert.equal((await failure(call, Status.NOT_FOUND, "DECISION_NOT_FOUND")).violations[0]?.field, "decision_id");
});

interop("GetDecision", "call", async () => {
  const { decision, cost, attempts } = await client.getDecision({ decisionId: "01JC3Q9W7T8V5E2N4K6M0P1R3V" });
  assert.equal(decision?.decisionId, "01JC3Q9W7T8V5E2N4K6M0P1R3V");
  assert.deepEqual([cost?.totalNanoUsd, attempts.length], [12_000n, 1]);
});

interop("GetDecision", "typed error", async () => {
  await failure(client.getDecision({ decisionId: "error:PERMISSION_DENIED" }), Status.PERMISSION_DENIED, "PERMISSION_DENIED");
});

interop("ListModels", "call", async () => {
  const { models } = await client.listModels();
  assert.deepEqual([models[1]?.name, models[1]?.contextWindow], ["größtes-模型", 2n ** 53n + 1n]);
});

interop("ListModels", "newer server", async () => {
  assert.equal((await client.listModels({ router: "newer" })).models.length, 3);
});

interop("ListModels", "typed error", async () => {
  await failure(client.listModels({ router: "error:UNAUTHENTICATED" }), Status.UNAUTHENTICATED, "UNAUTHENTICATED");
});
