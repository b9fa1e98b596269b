import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status as Status } from "@grpc/grpc-js";

import { type CompleteResponse, type CompletionFailure, CompletionFailureSchema } from "./gen/frontdesk/v1/router_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Status as RpcStatus, StatusSchema } from "./gen/google/rpc/status_pb.js";

import { inWords } from "./causes.js";
import { Reason } from "./reasons.js";

export { Status };

/** One field at fault. */
export interface FieldViolation {
  /** Path in the request such as `query.messages[0].role`. */
  field: string;
  /** What is wrong. */
  description: string;
  /** The documented reason. */
  reason: string;
}

/** Every failure of a call, with all that the server said of it. */
export class FrontdeskError extends Error {
  override readonly name = "FrontdeskError";
  /** The gRPC status code. */
  readonly code: Status;
  /** The documented reason such as `UNKNOWN_ROUTER`; the code's name when gRPC itself ended the call. */
  readonly reason: string;
  /** Particulars such as each model's reason to be excluded. */
  metadata: Readonly<Record<string, string>> = {};
  /** The fields at fault. */
  violations: readonly FieldViolation[] = [];
  /** How long to wait before the next try; undefined when waiting is not known to help. */
  retryDelayMs: number | undefined;
  /** What a failed completion did and cost; undefined when it failed before any model was called. */
  failure: CompletionFailure | undefined;
  /** What `getDecision` finds the completion by, also when its deadline has passed; empty when it failed before routing. */
  completionId = "";
  /** What a broken stream had brought; undefined for other calls. */
  partial: CompleteResponse | undefined;

  constructor(code: Status, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
  }
}

/** Translates an error of grpc-js; `cause` is what made the caller give up, if it did. */
export function errorOf(error: unknown, cause: unknown = error): FrontdeskError {
  if (error instanceof FrontdeskError) return error;
  if (!isServiceError(error)) return new FrontdeskError(Status.UNKNOWN, "UNKNOWN", String(error), { cause });
  const [raw] = error.metadata.get("grpc-status-details-bin");
  const details = raw instanceof Uint8Array ? fromBinary(StatusSchema, raw) : undefined;
  return errorOfStatus(error.code, error.details, details, cause);
}

/** Translates an error of a call; where there is no connection it says why. */
export function connectionError(error: unknown, plaintext: boolean, cause: unknown = error): FrontdeskError {
  const translated = errorOf(error, cause);
  const own = !(error instanceof FrontdeskError) && isServiceError(error) && error.metadata.get("grpc-status-details-bin").length === 0;
  if (own && translated.code === Status.UNAVAILABLE) translated.message = inWords(translated.message, plaintext);
  return translated;
}

/** The error of a call on a client that has been closed. */
export function closedError(): FrontdeskError {
  return new FrontdeskError(Status.FAILED_PRECONDITION, Reason.CLIENT_CLOSED, "the client has been closed");
}

/** The error of reading on as if it were one text, where another answer begins. */
export function supersededError(model: string | undefined, nextModel: string): FrontdeskError {
  const message = `the answer of ${model} is superseded; that of ${nextModel} follows`;
  return new FrontdeskError(Status.ABORTED, Reason.ANSWER_SUPERSEDED, message);
}

/** The error of a code, a message and the rich status, where the server sent one. */
export function errorOfStatus(code: Status, message: string, status?: RpcStatus, cause?: unknown): FrontdeskError {
  const details = status?.details ?? [];
  const info = details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((found) => found?.domain === "frontdesk");
  const error = new FrontdeskError(code, info?.reason ?? Status[code], message, { cause });
  error.metadata = info?.metadata ?? {};
  for (const detail of details) {
    error.violations = anyUnpack(detail, BadRequestSchema)?.fieldViolations.map(violationOf) ?? error.violations;
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay) error.retryDelayMs = Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
    error.failure ??= anyUnpack(detail, CompletionFailureSchema);
    error.completionId ||= error.failure?.completionId ?? "";
  }
  return error;
}

function violationOf({ field, description, reason }: FieldViolation): FieldViolation {
  return { field, description, reason };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error;
}
