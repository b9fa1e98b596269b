import type { Duration } from "@bufbuild/protobuf/wkt";

import {
  type Candidate,
  type Decision,
  ExclusionReason,
  type PlanStep,
  type Signals,
  StepKind,
  type StrategyStep,
  StreamMode,
  Task,
  Verdict,
} from "./gen/frontdesk/v1/routing_pb.js";

/**
 * Tells in a few lines of text how a decision came about: what was asked, what every candidate promised or why it was excluded,
 * and the plan. The clients of all languages write the same text.
 */
export function explain(decision: Decision): string {
  const d = decision;
  return [
    `${d.model}: ${d.reason}${d.explored ? " (chosen to explore)" : ""}`,
    `decision ${d.decisionId} of router ${d.router} at ${d.routerVersion}, strategy ${d.strategy}, propensity ${hundredths(d.propensity)}`,
    `routing took ${d.routerDuration ? milliseconds(d.routerDuration) : "an unknown time"}` +
      ` and cost ${d.routerCostNanoUsd === undefined ? "an unknown amount" : usd(d.routerCostNanoUsd)}`,
    ...(d.signals ? [signals(d.signals)] : []),
    "asked:",
    ...d.path.map(step),
    "candidates:",
    ...d.candidates.map(candidate),
    "plan:",
    ...d.plan.map(planStep),
  ].join("\n");
}

function signals(s: Signals): string {
  const reasons = s.difficultyCues.length ? ` (${s.difficultyCues.join(", ")})` : "";
  const difficulty = `difficulty ${hundredths(s.difficulty)}${reasons}`;
  const facts = [words(Task[s.task]), difficulty, `about ${s.inputTokens} input tokens`];
  for (const what of ["code", "math", "tools", "media"] as const) if (s[what]) facts.push(`with ${what}`);
  if (s.language) facts.push(`language ${s.language}`);
  return `signals: ${facts.join(", ")}`;
}

function step(s: StrategyStep): string {
  const facts = [words(Verdict[s.verdict]) + after(" ", s.model)];
  if (s.confidence !== undefined) facts.push(`confidence ${hundredths(s.confidence)}`);
  if (s.duration) facts.push(milliseconds(s.duration));
  if (s.costNanoUsd !== undefined) facts.push(usd(s.costNanoUsd));
  return `  ${s.path} ${facts.join(", ")}${after(": ", s.reason)}`;
}

function candidate(c: Candidate): string {
  if (c.exclusionReason !== ExclusionReason.UNSPECIFIED) {
    return `  ${c.model}: excluded, ${words(ExclusionReason[c.exclusionReason])}${after(": ", c.exclusionDetail)}`;
  }
  const facts: string[] = [];
  if (c.predictedQuality !== undefined) {
    const spread = c.qualityUncertainty === undefined ? "" : ` ± ${hundredths(c.qualityUncertainty)}`;
    facts.push(`quality ${hundredths(c.predictedQuality)}${spread}`);
  }
  if (c.predictedCostNanoUsd !== undefined) facts.push(usd(c.predictedCostNanoUsd));
  if (c.predictedTimeToFirstToken) facts.push(`first token in ${milliseconds(c.predictedTimeToFirstToken)}`);
  if (c.score !== undefined) facts.push(`score ${hundredths(c.score)}`);
  return `  ${c.model}: ${facts.length > 0 ? facts.join(", ") : "nothing is predicted"}`;
}

function planStep(s: PlanStep): string {
  const conditions: Partial<Record<StepKind, string>> = {
    [StepKind.ESCALATION]: " if rejected",
    [StepKind.FALLBACK]: " if failed",
  };
  const mode = s.streamMode === StreamMode.UNSPECIFIED ? "" : words(StreamMode[s.streamMode]);
  return `  ${s.model}${conditions[s.kind] ?? ""}${after(", check ", s.check)}${after(", ", mode)}`;
}

/** A separator before a text that is not empty. */
function after(separator: string, text: string): string {
  return text && separator + text;
}

/** "timed out" for TIMED_OUT, and "unknown" for a value of a newer server. */
function words(name: string | undefined): string {
  return name?.toLowerCase().replaceAll("_", " ") ?? "unknown";
}

/** Rounds half up to two decimals, by the same arithmetic in every language. */
function hundredths(value: number): string {
  const n = Math.floor(value * 100 + 0.5);
  const digits = Math.abs(n).toString().padStart(3, "0");
  return `${n < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Drops what is below a microsecond. */
function milliseconds({ seconds, nanos }: Duration): string {
  return `${decimal(seconds * 1_000_000n + BigInt(Math.trunc(nanos / 1000)), 3)} ms`;
}

function usd(nano: bigint): string {
  return `${decimal(nano, 9)} USD`;
}

/** Writes units of 10^-places exactly, without trailing zeros. */
function decimal(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -places)}${after(".", fraction)}`;
}
