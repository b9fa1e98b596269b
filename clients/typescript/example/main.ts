// A Frontdesk caller's day: route, complete, stream, cancel midway, report an outcome.
//
//   FRONTDESK_ADDRESS=127.0.0.1:50051 npm run example
import { ask, explain, FrontdeskClient, FrontdeskError, Status, textOf } from "../src/index.js";

const client = new FrontdeskClient(); // where FRONTDESK_ADDRESS says
const timeoutMs = 30_000;

console.log("== route");
const { decision } = await client.route({ query: ask("What is 2 + 2?") }, { timeoutMs });
if (decision) console.log(explain(decision));

console.log("== complete");
const completed = await client.complete({ query: ask("What is 2 + 2?") }, { timeoutMs });
console.log(`${completed.model}: ${textOf(completed.message)} (${completed.cost?.totalNanoUsd} nano-USD)`);

console.log("== stream");
const fibonacci = ask("Fix the bug in this Python function that calculates Fibonacci.");
for await (const { event } of client.streamComplete({ query: fibonacci }, { timeoutMs })) {
  switch (event.case) {
    case "started":
      console.log("decided for", event.value.decision?.model);
      break;
    case "textDelta":
      process.stdout.write(event.value.text);
      break;
    case "attemptEnded":
      console.log("\n-- handed over to", event.value.nextModel);
      break;
    case "completed":
      console.log(`\n(${event.value.cost?.totalNanoUsd} nano-USD)`);
  }
}

console.log("== cancel");
const giveUp = new AbortController();
const design = ask("Design a comprehensive multi-agent system for medical diagnosis.");
try {
  for await (const { event } of client.streamComplete({ query: design }, { signal: giveUp.signal, timeoutMs })) {
    if (event.case === "textDelta") giveUp.abort();
  }
  console.log("the answer was complete before it could be cancelled");
} catch (error) {
  if (!(error instanceof FrontdeskError && error.code === Status.CANCELLED)) throw error;
  console.log("cancelled midway");
}

console.log("== outcome");
const { outcome } = await client.reportOutcome(
  { decisionId: completed.completionId, quality: 1, source: "example" },
  { timeoutMs },
);
console.log(`quality ${outcome?.quality} recorded for ${outcome?.decisionId}`);
client.close();
