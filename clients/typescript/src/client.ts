import type { MessageInitShape } from "@bufbuild/protobuf";
import { Client } from "@grpc/grpc-js";

import { type CallOptions, type Connection, serverStream, unary } from "./call.js";
import { closedError } from "./errors.js";
import {
  type CompleteResponse,
  type CompleteRequestSchema,
  type GetDecisionRequestSchema,
  type GetDecisionResponse,
  type ListModelsRequestSchema,
  type ListModelsResponse,
  type ReportOutcomeRequestSchema,
  type ReportOutcomeResponse,
  type RouteBatchRequestSchema,
  type RouteBatchResponse,
  RouterService,
  type RouteRequestSchema,
  type RouteResponse,
  type StreamCompleteRequestSchema,
} from "./gen/frontdesk/v1/router_service_pb.js";
import { channelCredentials, type ClientOptions, defaultChannelOptions, isPlaintext, proxyOptions, refuseUnknown } from "./options.js";
import { CompletionStream } from "./stream.js";
import { targetOf } from "./target.js";
import { bearer, tokenOfEnvironment } from "./token.js";

/**
 * Calls one Frontdesk service. Make one and keep it; it connects with the first call.
 *
 * Every method rejects with a `FrontdeskError`.
 */
export class FrontdeskClient {
  readonly #client: Client;
  readonly #plaintext: boolean;
  #closed = false;

  /**
   * @param target such as `dns:///frontdesk:50051`, `unix:/run/frontdesk.sock` or `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Default: what
   * FRONTDESK_ADDRESS says, else `localhost:50051`. One that gRPC would not understand as meant, or an option that there is not, makes
   * the constructor throw a RangeError.
   */
  constructor(target?: string, options: ClientOptions = {}) {
    refuseUnknown(options);
    const called = targetOf(target);
    const interceptors = [...(options.interceptors ?? [])];
    const token = options.token ?? tokenOfEnvironment();
    if (token !== undefined) interceptors.push(bearer(token));
    this.#plaintext = isPlaintext(called, options);
    this.#client = new Client(called, channelCredentials(called, options), {
      ...defaultChannelOptions,
      ...proxyOptions(called),
      ...options.channelOptions,
      interceptors,
    });
  }

  /** Decides which model should answer and calls none. */
  route(request: MessageInitShape<typeof RouteRequestSchema>, options: CallOptions = {}): Promise<RouteResponse> {
    return unary(() => this.#connection(), RouterService.method.route, request, options);
  }

  /** Decides for many queries in one call. A query that cannot be routed has an error in its place. */
  routeBatch(
    request: MessageInitShape<typeof RouteBatchRequestSchema>,
    options: CallOptions = {},
  ): Promise<RouteBatchResponse> {
    return unary(() => this.#connection(), RouterService.method.routeBatch, request, options);
  }

  /** Decides and returns the whole answer. */
  complete(request: MessageInitShape<typeof CompleteRequestSchema>, options: CallOptions = {}): Promise<CompleteResponse> {
    return unary(() => this.#connection(), RouterService.method.complete, request, options);
  }

  /** Decides and streams the answer. */
  streamComplete(
    request: MessageInitShape<typeof StreamCompleteRequestSchema>,
    options: CallOptions = {},
  ): CompletionStream {
    const connection = this.#connection();
    const call = serverStream(connection.client, RouterService.method.streamComplete, request, options);
    return new CompletionStream(call, connection.plaintext, options.signal);
  }

  /** Tells how good an answer was. A later report of the same source replaces the earlier one. */
  reportOutcome(
    request: MessageInitShape<typeof ReportOutcomeRequestSchema>,
    options: CallOptions = {},
  ): Promise<ReportOutcomeResponse> {
    return unary(() => this.#connection(), RouterService.method.reportOutcome, request, options);
  }

  /** Returns a recorded decision with what became of it. */
  getDecision(
    request: MessageInitShape<typeof GetDecisionRequestSchema>,
    options: CallOptions = {},
  ): Promise<GetDecisionResponse> {
    return unary(() => this.#connection(), RouterService.method.getDecision, request, options);
  }

  /** Lists the models which the caller may use. */
  listModels(
    request: MessageInitShape<typeof ListModelsRequestSchema> = {},
    options: CallOptions = {},
  ): Promise<ListModelsResponse> {
    return unary(() => this.#connection(), RouterService.method.listModels, request, options);
  }

  /** Closes the connections for good; calls that still run are cancelled, later ones fail with `Reason.CLIENT_CLOSED`. */
  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  #connection(): Connection {
    if (this.#closed) throw closedError();
    return { client: this.#client, plaintext: this.#plaintext };
  }
}
