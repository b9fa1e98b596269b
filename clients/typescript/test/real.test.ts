import assert from "node:assert/strict";
import { after } from "node:test";

import { ask, explain, FrontdeskClient, FrontdeskError, textOf } from "../src/index.js";
import { type Attempt, AttemptOutcome, type CompleteResponse } from "../src/v1.js";
import { address, interop } from "./interop.js";

// Calls `frontdesk serve` on its embedded pool.

const easyQuery = ask("What is 2 + 2?");
const hardQuery = ask(
  "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential diagnoses, " +
    "treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs between accuracy " +
    "and latency.",
);

const client = new FrontdeskClient(address("FRONTDESK_ADDRESS") ?? "", { plaintext: true });
after(() => client.close());
let completed: CompleteResponse | undefined;

interop("Route", "real server", async () => {
  const { decision } = await client.route({ query: easyQuery, labels: { team: "größe" } });
  assert.equal(decision?.model, "small-llm");
  assert(explain(decision).startsWith("small-llm: "));
});

interop("Route", "real server: typed error", async () => {
  await assert.rejects(client.route({ query: easyQuery, policy: { router: "nowhere" } }), (error) => {
    assert(error instanceof FrontdeskError);
    assert.deepEqual([error.reason, error.violations[0]?.field], ["UNKNOWN_ROUTER", "policy.router"]);
    return true;
  });
});

interop("RouteBatch", "real server", async () => {
  const { results } = await client.routeBatch({ queries: [easyQuery, {}, hardQuery] });
  const [first, second, third] = results.map(({ result }) => result);
  assert.equal(first?.case === "decision" && first.value.model, "small-llm");
  assert.equal(second?.case === "error" && second.value.reason, "MESSAGES_EMPTY");
  assert.equal(third?.case === "decision" && third.value.model, "frontier-llm");
});

interop("Complete", "real server", async () => {
  completed = await client.complete({ query: easyQuery });
  assert.equal(completed.completionId, completed.decision?.decisionId);
  assert.notEqual(textOf(completed.message), "");
  assert((completed.cost?.totalNanoUsd ?? 0n) > 0n);
});

interop("StreamComplete", "real server", async () => {
  const stream = client.streamComplete({ query: easyQuery });
  const kinds: unknown[] = [];
  for await (const { event } of stream) kinds.push(event.case);
  assert.deepEqual([kinds[0], kinds.at(-1)], ["started", "completed"]);
  assert(kinds.includes("textDelta"));
  assert.equal(textOf((await stream.completion()).message), textOf(completed?.message));
});

interop("StreamComplete", "real server: cancel", async () => {
  let decisionId = "";
  for await (const { event } of client.streamComplete({ query: hardQuery })) {
    if (event.case === "started") decisionId = event.value.completionId;
    if (event.case === "textDelta") break;
  }
  let attempts: Attempt[] = [];
  for (const deadline = Date.now() + 10_000; attempts.length === 0 && Date.now() < deadline; ) {
    ({ attempts } = await client.getDecision({ decisionId }));
  }
  assert.equal(attempts[0]?.outcome, AttemptOutcome.CANCELLED);
});

interop("ReportOutcome", "real server", async () => {
  const report = { decisionId: completed?.completionId ?? "", quality: 0.5, source: "typescript" };
  assert.equal((await client.reportOutcome(report)).replaced, false);
  assert.equal((await client.reportOutcome(report)).replaced, true);
});

interop("GetDecision", "real server", async () => {
  const { cost, outcomes } = await client.getDecision({ decisionId: completed?.completionId ?? "" });
  assert.equal(cost?.totalNanoUsd, completed?.cost?.totalNanoUsd);
  assert.equal(outcomes[0]?.quality, 0.5);
});

interop("ListModels", "real server", async () => {
  const { models } = await client.listModels();
  assert.deepEqual(
    models.map(({ name }) => name),
    ["code-llm", "frontier-llm", "mid-llm", "small-llm"],
  );
});
