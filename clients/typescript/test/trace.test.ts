import assert from "node:assert/strict";
import { register } from "node:module";
import { after, test } from "node:test";

import { context, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

import { address, appendLine, interop, seen } from "./interop.js";

// As a service sets its tracing up: before anything imports grpc-js.
register("@opentelemetry/instrumentation/hook.mjs", import.meta.url);
const { registerInstrumentations } = await import("@opentelemetry/instrumentation");
const { GrpcInstrumentation } = await import("@opentelemetry/instrumentation-grpc");
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
registerInstrumentations({ tracerProvider: provider, instrumentations: [new GrpcInstrumentation()] });
const { ask, FrontdeskClient } = await import("../src/index.js");

const request = { query: ask("Hi."), policy: { router: "metadata" } };
const client = new FrontdeskClient(address("FRONTDESK_SCRIPTED_ADDRESS") ?? "", { plaintext: true });
after(() => client.close());

const calls = {
  Route: async () => (await client.route(request)).decision,
  StreamComplete: async () => (await client.streamComplete(request).completion()).decision,
};

for (const [rpc, call] of Object.entries(calls)) {
  interop(rpc, "trace", async () => {
    exporter.reset();
    const caller = trace.getTracer("test").startSpan("caller");
    const decision = await context.with(trace.setSpan(context.active(), caller), call);
    caller.end();
    const span = exporter.getFinishedSpans().find(({ name }) => name === `grpc.frontdesk.v1.RouterService/${rpc}`);
    assert(span, "there is a client span");
    assert.equal(span.parentSpanContext?.spanId, caller.spanContext().spanId);
    const { traceId, spanId } = span.spanContext();
    assert.equal(traceId, caller.spanContext().traceId);
    assert.equal(seen(decision).metadata["traceparent"], `00-${traceId}-${spanId}-01`);
  });
}

// tests/interop finds the server's side.
const realAddress = address("FRONTDESK_ADDRESS");
test("the real server is called within a trace", { skip: !realAddress }, async () => {
  exporter.reset();
  const real = new FrontdeskClient(realAddress ?? "", { plaintext: true });
  await real.route({ query: ask("What is 2 + 2?") });
  real.close();
  const span = exporter.getFinishedSpans()[0]?.spanContext();
  assert(span, "there is a client span");
  appendLine("FRONTDESK_INTEROP_SPANS", { language: "TypeScript", trace_id: span.traceId, span_id: span.spanId });
});
