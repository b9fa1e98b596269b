/**
 * A Frontdesk for callers' own tests: a gRPC server in this process that answers what a test has told it to. The client is the real
 * one, so what it does with errors, broken streams and deadlines is tried, too.
 *
 * @packageDocumentation
 */
import { create, type DescMessage, fromBinary, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status as Status,
} from "@grpc/grpc-js";

import { Fold } from "./fold.js";
import { FinishReason, type ToolCallSchema } from "./gen/frontdesk/v1/chat_pb.js";
import {
  type CompleteRequest,
  CompletionFailureSchema,
  type GetDecisionRequest,
  type GetDecisionResponse,
  GetDecisionResponseSchema,
  OutcomeSchema,
  type ReportOutcomeRequest,
  RouterService,
  type RouteBatchRequest,
  type StreamCompleteResponse,
  StreamCompleteResponseSchema,
} from "./gen/frontdesk/v1/router_service_pb.js";
import { CostSchema, DecisionSchema, StepKind } from "./gen/frontdesk/v1/routing_pb.js";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { Reason } from "./reasons.js";

/**
 * What one call is given. A `code` makes it fail: at once, or, where there is `text`, after a stream has given it.
 */
export interface Answer {
  text?: string;
  /** Default: the first model of the pool. */
  model?: string;
  toolCalls?: MessageInitShape<typeof ToolCallSchema>[];
  /** Default: 1,000. */
  costNanoUsd?: bigint;
  code?: Status;
  reason?: string;
  retryDelayMs?: number;
}

type Asked = Message & Pick<CompleteRequest, "policy" | "labels">;

/** Plays its script, one answer a call. Make it by `FakeFrontdesk.start()`; `stop()` it, or let `await using` do that. */
export class FakeFrontdesk {
  /** The pool; the first model is decided for unless an answer names another. */
  models = ["small-llm", "frontier-llm"];
  /** What is answered where the script is empty. */
  text = "An answer.";
  /** What has been asked so far. */
  readonly requests: Message[] = [];
  readonly #script: Answer[] = [];
  readonly #decided = new Map<string, GetDecisionResponse>();
  readonly #server = new Server();
  #port = 0;

  private constructor() {}

  /** Serves on a free port of loopback. */
  static async start(): Promise<FakeFrontdesk> {
    const desk = new FakeFrontdesk();
    desk.#server.addService(definition(), desk.#handlers());
    desk.#port = await new Promise<number>((resolve, reject) =>
      desk.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return desk;
  }

  /** The target for a client. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Adds to the script. */
  answer(...answers: Answer[]): void {
    this.#script.push(...answers);
  }

  /** Ends the service and the calls that still run. */
  stop(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #handlers() {
    return {
      route: this.#unary((request: CompleteRequest) => ({ decision: this.#decide(request)[1] })),
      routeBatch: this.#unary((request: RouteBatchRequest) => ({
        results: request.queries.map(() => ({ result: { case: "decision" as const, value: this.#decide(request)[1] } })),
      })),
      complete: this.#unary((request: CompleteRequest, header) => {
        const fold = new Fold();
        for (const event of this.#events(request, header)) fold.add(event);
        return fold.result();
      }),
      streamComplete: (call: ServerWritableStream<CompleteRequest, StreamCompleteResponse>) => {
        try {
          for (const event of this.#events(call.request, (metadata) => call.sendMetadata(metadata))) call.write(event);
          call.end();
        } catch (error) {
          call.emit("error", error);
        }
      },
      reportOutcome: this.#unary((request: ReportOutcomeRequest) => {
        const { decisionId, quality = 0, source, labels } = request;
        const outcome = create(OutcomeSchema, { decisionId, quality, source, labels });
        this.#found(request, decisionId).outcomes.push(outcome);
        return { outcome };
      }),
      getDecision: this.#unary((request: GetDecisionRequest) => this.#found(request, request.decisionId)),
      listModels: this.#unary((request: Message) => {
        this.requests.push(request);
        return { models: this.models.map((name) => ({ name, available: true })) };
      }),
    };
  }

  #unary<Q>(serve: (request: Q, header: (metadata: Metadata) => void) => object) {
    return (call: ServerUnaryCall<Q, object>, respond: sendUnaryData<object>): void => {
      try {
        respond(null, serve(call.request, (metadata) => call.sendMetadata(metadata)));
      } catch (error) {
        respond(error as Error, null);
      }
    };
  }

  /** The next answer and its decision; throws the status of one that fails at once. */
  #decide(request: Asked) {
    this.requests.push(request);
    const answer = this.#script.shift() ?? { text: this.text };
    if (answer.code && !answer.text) throw failure(answer);
    const model = answer.model ?? this.models[0] ?? "";
    const decision = create(DecisionSchema, {
      decisionId: String(this.#decided.size + 1).padStart(26, "0"),
      model,
      reason: "the test said so",
      router: request.policy?.router || "default",
      strategy: "fake",
      propensity: 1,
      candidates: this.models.map((name) => ({ model: name })),
      plan: [{ model, kind: StepKind.PRIMARY }],
    });
    const recorded = create(GetDecisionResponseSchema, { decision, labels: request.labels });
    this.#decided.set(decision.decisionId, recorded);
    return [answer, decision, recorded] as const;
  }

  *#events(request: Asked, header: (metadata: Metadata) => void): Generator<StreamCompleteResponse> {
    const [answer, decision, recorded] = this.#decide(request);
    const { decisionId: completionId, model } = decision;
    const metadata = new Metadata();
    metadata.set("x-frontdesk-decision-id", completionId);
    header(metadata);
    yield event("started", { completionId, decision });
    yield event("attemptStarted", { model, kind: StepKind.PRIMARY });
    const characters = [...(answer.text ?? "")];
    const half = Math.floor(characters.length / 2);
    for (const piece of [characters.slice(0, half), characters.slice(half)]) {
      if (piece.length) yield event("textDelta", { text: piece.join("") });
    }
    for (const [index, call] of (answer.toolCalls ?? []).entries()) {
      const { id = "", name = "", argumentsJson = "" } = call;
      yield event("toolCallDelta", { part: index + 1, index, id, name, argumentsJson });
    }
    const nano = answer.costNanoUsd ?? 1_000n;
    const cost = create(CostSchema, { totalNanoUsd: nano, attemptsNanoUsd: nano });
    recorded.cost = cost;
    if (answer.code) throw failure(answer, { completionId, cost, committed: true });
    yield event("completed", { model, finishReason: FinishReason.STOP, cost });
  }

  #found(request: Message, decisionId: string): GetDecisionResponse {
    this.requests.push(request);
    const recorded = this.#decided.get(decisionId);
    if (!recorded) throw failure({ code: Status.NOT_FOUND, reason: Reason.DECISION_NOT_FOUND });
    return recorded;
  }
}

function event<C extends string>(name: C, value: object): StreamCompleteResponse {
  const init = { event: { case: name, value } } as MessageInitShape<typeof StreamCompleteResponseSchema>;
  return create(StreamCompleteResponseSchema, init);
}

/** The error that grpc-js sends as the status of an answer. */
function failure(answer: Answer, account?: MessageInitShape<typeof CompletionFailureSchema>) {
  const { code = Status.UNKNOWN, reason = Status[code], retryDelayMs } = answer;
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: "frontdesk" }))];
  if (retryDelayMs !== undefined) {
    const seconds = Math.floor(retryDelayMs / 1000);
    const retryDelay = { seconds: BigInt(seconds), nanos: Math.round((retryDelayMs - seconds * 1000) * 1_000_000) };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  if (account) details.push(anyPack(CompletionFailureSchema, create(CompletionFailureSchema, account)));
  const message = "the test said so";
  const metadata = new Metadata();
  metadata.set("grpc-retry-pushback-ms", "-1"); // gRPC's own retries rest: a test has said what comes
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message, details }))));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function definition(): ServiceDefinition {
  const entries = Object.entries(RouterService.method).map(([localName, { name, methodKind, input, output }]) => [
    localName,
    {
      path: `/${RouterService.typeName}/${name}`,
      requestStream: false,
      responseStream: methodKind === "server_streaming",
      requestSerialize: serializer(input),
      requestDeserialize: (raw: Buffer) => fromBinary(input as DescMessage, raw),
      responseSerialize: serializer(output),
      responseDeserialize: (raw: Buffer) => fromBinary(output as DescMessage, raw),
    },
  ]);
  return Object.fromEntries(entries) as ServiceDefinition;
}

function serializer(schema: DescMessage) {
  return (value: object): Buffer => Buffer.from(toBinary(schema, create(schema, value as MessageInitShape<DescMessage>)));
}
