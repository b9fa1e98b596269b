import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { ask, FrontdeskClient, FrontdeskError, Reason, Status, textOf } from "../src/index.js";
import { FakeFrontdesk } from "../src/testing.js";
import type { CompleteRequest, CompleteResponse } from "../src/v1.js";
import { interop } from "./interop.js";

async function withDesk(body: (desk: FakeFrontdesk, client: FrontdeskClient) => Promise<void>): Promise<void> {
  const desk = await FakeFrontdesk.start();
  const client = new FrontdeskClient(desk.address);
  try {
    await body(desk, client);
  } finally {
    client.close();
    desk.stop();
  }
}

async function failure(call: Promise<unknown>, reason: string): Promise<FrontdeskError> {
  const error = await call.then(() => assert.fail("the call succeeded"), (thrown: unknown) => thrown);
  assert(error instanceof FrontdeskError, String(error));
  assert.equal(error.reason, reason);
  return error;
}

interop("Complete", "fake", () =>
  withDesk(async (desk, client) => {
    desk.answer(
      { text: "4", model: "frontier-llm", toolCalls: [{ id: "c1", name: "add", argumentsJson: "{}" }] },
      { code: Status.RESOURCE_EXHAUSTED, reason: Reason.RATE_LIMITED, retryDelayMs: 1500 },
      { code: Status.UNAVAILABLE, reason: Reason.SHUTTING_DOWN },
    );
    const query = ask("What is 2 + 2?", { temperature: 0 });
    const completed = await client.complete({ query });
    assert.deepEqual([completed.model, textOf(completed.message)], ["frontier-llm", "4"]);
    assert.equal(completed.message?.parts[1]?.part.case, "toolCall");
    assert.equal((await failure(client.complete({ query }), Reason.RATE_LIMITED)).retryDelayMs, 1500);
    await failure(client.route({ query }), Reason.SHUTTING_DOWN);
    await client.reportOutcome({ decisionId: completed.completionId, quality: 1, source: "test" });
    const recorded = await client.getDecision({ decisionId: completed.completionId });
    assert.deepEqual([recorded.cost?.totalNanoUsd, recorded.outcomes[0]?.quality], [1_000n, 1]);
    await failure(client.getDecision({ decisionId: "nowhere" }), Reason.DECISION_NOT_FOUND);
    assert.deepEqual((await client.listModels()).models.map(({ name }) => name), ["small-llm", "frontier-llm"]);
    assert.equal(textOf((await client.complete({ query })).message), "An answer.");
    assert.equal((desk.requests[0] as CompleteRequest).query?.generation?.temperature, 0);
  }),
);

interop("StreamComplete", "fake", () =>
  withDesk(async (desk, client) => {
    desk.answer({ text: "Four it is." }, { text: "Half an ans", code: Status.UNAVAILABLE, reason: Reason.UPSTREAM_CUT });
    let said = "";
    for await (const text of client.streamComplete({ query: ask("2 + 2?") }).text()) said += text;
    assert.equal(said, "Four it is.");
    const broken = await failure(client.streamComplete({ query: ask("2 + 2?") }).completion(), Reason.UPSTREAM_CUT);
    assert.equal(textOf(broken.partial?.message), "Half an ans");
    assert.equal(broken.failure?.committed, true);
    assert.equal(broken.completionId, broken.partial?.completionId);
  }),
);

/** Repeats what the server says may be repeated, later each time, and never past the deadline. */
async function completePatiently(client: FrontdeskClient, text: string, withinMs: number): Promise<CompleteResponse> {
  const end = Date.now() + withinMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await client.complete({ query: ask(text) }, { timeoutMs: end - Date.now() });
    } catch (error) {
      if (!(error instanceof FrontdeskError) || error.retryDelayMs === undefined) throw error; // waiting does not help
      const wait = error.retryDelayMs * 2 ** attempt * (1 + Math.random() / 2); // so that callers spread
      if (Date.now() + wait >= end) throw error;
      await setTimeout(wait);
    }
  }
}

test("the patient caller waits as told and stops before the deadline", () =>
  withDesk(async (desk, client) => {
    const busy = { code: Status.RESOURCE_EXHAUSTED, reason: Reason.OVERLOADED, retryDelayMs: 10 };
    desk.answer(busy, busy, { text: "at last" });
    assert.equal(textOf((await completePatiently(client, "Hi.", 20_000)).message), "at last");
    desk.answer({ code: Status.RESOURCE_EXHAUSTED, reason: Reason.BUDGET_EXHAUSTED, retryDelayMs: 3_600_000 });
    await failure(completePatiently(client, "Hi.", 20_000), Reason.BUDGET_EXHAUSTED);
  }));
