import { create, type DescMethodStreaming, type DescMethodUnary, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { type CallOptions as GrpcCallOptions, type Client, type ClientReadableStream, Metadata, status } from "@grpc/grpc-js";

import { connectionError, FrontdeskError } from "./errors.js";

/** What a single call may bring. */
export interface CallOptions {
  /** Cancels the call, down to the provider. */
  signal?: AbortSignal;
  /** The call's deadline, from now, retries included. Default: none; the server has its own. */
  timeoutMs?: number;
  /** Metadata to send along. */
  metadata?: Metadata;
}

/** What calls are made by. */
export interface Connection {
  client: Client;
  /** Whether it goes without TLS. */
  plaintext: boolean;
}

const idKey = "x-frontdesk-decision-id";

/** Makes a unary call; `connect` throws where there is nothing to call by. */
export function unary<I extends DescMessage, O extends DescMessage>(
  connect: () => Connection,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): Promise<MessageShape<O>> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const { client, plaintext } = connect();
    let completionId = "";
    const call = client.makeUnaryRequest(
      path(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (raw) => fromBinary(method.output, raw),
      create(method.input, request),
      options.metadata ?? new Metadata(),
      grpcOptions(options),
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (error) {
          const translated = connectionError(error, plaintext, signal?.aborted ? signal.reason : error);
          translated.completionId ||= completionId;
          reject(translated);
        } else resolve(response as MessageShape<O>);
      },
    );
    call.on("metadata", (header: Metadata) => (completionId = String(header.get(idKey)[0] ?? "")));
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

/** Opens a server stream. The caller hands on the signal. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodStreaming<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): ClientReadableStream<MessageShape<O>> {
  return client.makeServerStreamRequest(
    path(method),
    (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
    (raw) => fromBinary(method.output, raw),
    create(method.input, request),
    options.metadata ?? new Metadata(),
    grpcOptions(options),
  );
}

/** The error of a call whose signal was aborted before it began. */
export function aborted(signal: AbortSignal): FrontdeskError {
  return new FrontdeskError(status.CANCELLED, "CANCELLED", "aborted before the call", { cause: signal.reason });
}

function path(method: { name: string; parent: { typeName: string } }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function grpcOptions({ timeoutMs }: CallOptions): GrpcCallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}
