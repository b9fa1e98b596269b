import type { MessageInitShape } from "@bufbuild/protobuf";
import { Client } from "@grpc/grpc-js";

import { type CallOptions, serverStream, unary } from "./call.js";
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
import { bearer, channelCredentials, type ClientOptions, defaultChannelOptions, proxyOptions } from "./options.js";
import { CompletionStream } from "./stream.js";

/**
 * Calls one Frontdesk service. Make one and keep it; it connects with the first call.
 *
 * Every method rejects with a `FrontdeskError`.
 */
export class FrontdeskClient {
  readonly #client: Client;

  /** @param target such as `dns:///frontdesk:50051`, `unix:/run/frontdesk.sock` or `ipv4:10.0.0.1:50051,10.0.0.2:50051` */
  constructor(target: string, options: ClientOptions = {}) {
    const interceptors = [...(options.interceptors ?? [])];
    if (options.token !== undefined) interceptors.push(bearer(options.token));
    this.#client = new Client(target, channelCredentials(options), {
      ...defaultChannelOptions,
      ...proxyOptions(target),
      ...options.channelOptions,
      interceptors,
    });
  }

  /** Decides which model should answer and calls none. */
  route(request: MessageInitShape<typeof RouteRequestSchema>, options: CallOptions = {}): Promise<RouteResponse> {
    return unary(this.#client, RouterService.method.route, request, options);
  }

  /** Decides for many queries in one call. A query that cannot be routed has an error in its place. */
  routeBatch(
    request: MessageInitShape<typeof RouteBatchRequestSchema>,
    options: CallOptions = {},
  ): Promise<RouteBatchResponse> {
    return unary(this.#client, RouterService.method.routeBatch, request, options);
  }

  /** Decides and returns the whole answer. */
  complete(request: MessageInitShape<typeof CompleteRequestSchema>, options: CallOptions = {}): Promise<CompleteResponse> {
    return unary(this.#client, RouterService.method.complete, request, options);
  }

  /** Decides and streams the answer. */
  streamComplete(
    request: MessageInitShape<typeof StreamCompleteRequestSchema>,
    options: CallOptions = {},
  ): CompletionStream {
    const call = serverStream(this.#client, RouterService.method.streamComplete, request, options);
    return new CompletionStream(call, options.signal);
  }

  /** Tells how good an answer was. A later report of the same source replaces the earlier one. */
  reportOutcome(
    request: MessageInitShape<typeof ReportOutcomeRequestSchema>,
    options: CallOptions = {},
  ): Promise<ReportOutcomeResponse> {
    return unary(this.#client, RouterService.method.reportOutcome, request, options);
  }

  /** Returns a recorded decision with what became of it. */
  getDecision(
    request: MessageInitShape<typeof GetDecisionRequestSchema>,
    options: CallOptions = {},
  ): Promise<GetDecisionResponse> {
    return unary(this.#client, RouterService.method.getDecision, request, options);
  }

  /** Lists the models which the caller may use. */
  listModels(
    request: MessageInitShape<typeof ListModelsRequestSchema> = {},
    options: CallOptions = {},
  ): Promise<ListModelsResponse> {
    return unary(this.#client, RouterService.method.listModels, request, options);
  }

  /** Closes the connections; calls that still run are cancelled. */
  close(): void {
    this.#client.close();
  }
}
