import { appendFileSync } from "node:fs";
import { test } from "node:test";

import type { Decision } from "../src/v1.js";

// The servers are started by tests/interop; see tests/interop/scripted_server.py for the scenarios.

/** Where a server is; undefined when the tests run without tests/interop. */
export function address(variable: string): string | undefined {
  return process.env[variable] || undefined;
}

/** Runs one cell of the interop table and records how it went. */
export function interop(rpc: string, feature: string, body: () => Promise<void>): void {
  const variable = feature.startsWith("real server") ? "FRONTDESK_ADDRESS" : "FRONTDESK_SCRIPTED_ADDRESS";
  const skip = feature === "fake" || address(variable) ? false : `${variable} is not set; tests/interop sets it`;
  test(`${rpc}: ${feature}`, { skip, timeout: 20_000 }, async () => {
    let passed = false;
    try {
      await body();
      passed = true;
    } finally {
      appendLine("FRONTDESK_INTEROP_RESULTS", { language: "TypeScript", rpc, feature, passed });
    }
  });
}

/** Adds a JSON object to the file which the variable names. */
export function appendLine(variable: string, value: object): void {
  const path = address(variable);
  if (path) appendFileSync(path, `${JSON.stringify(value)}\n`);
}

/** What the server saw of a call of the scenario "metadata". */
export function seen(decision: Decision | undefined): {
  metadata: Record<string, string>;
  seconds_left: number | null;
  port: number;
} {
  return JSON.parse(decision?.reason ?? "{}");
}
