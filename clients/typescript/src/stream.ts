import type { ClientReadableStream } from "@grpc/grpc-js";

import { aborted } from "./call.js";
import { errorOf, type FrontdeskError } from "./errors.js";
import { Fold } from "./fold.js";
import type { CompleteResponse, StreamCompleteResponse } from "./gen/frontdesk/v1/router_service_pb.js";

/**
 * A streamed answer. Iterate once, with `for await`; leaving the loop early cancels the call. A broken stream throws a
 * `FrontdeskError` whose `partial` is what had come; one that ends without `completed` is broken too.
 */
export class CompletionStream implements AsyncIterable<StreamCompleteResponse> {
  readonly #call: ClientReadableStream<StreamCompleteResponse>;
  readonly #signal: AbortSignal | undefined;
  readonly #fold = new Fold();
  #error: FrontdeskError | undefined;

  /** @internal */
  constructor(call: ClientReadableStream<StreamCompleteResponse>, signal?: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    call.on("error", () => {}); // the iteration throws it; nobody may be iterating when it comes
    if (signal?.aborted) {
      this.#error = aborted(signal);
      call.cancel();
    } else {
      signal?.addEventListener("abort", this.#cancel, { once: true });
      call.once("close", () => signal?.removeEventListener("abort", this.#cancel));
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamCompleteResponse, void, undefined> {
    if (this.#error) throw this.#error;
    try {
      for await (const event of this.#call as AsyncIterable<StreamCompleteResponse>) {
        this.#fold.add(event);
        yield event;
      }
      this.#fold.end();
    } catch (error) {
      this.#error = this.#fold.fail(errorOf(error, this.#signal?.aborted ? this.#signal.reason : error));
      throw this.#error;
    } finally {
      this.cancel();
    }
  }

  /** Reads what is left and returns the whole answer, as `complete` would have. */
  async completion(): Promise<CompleteResponse> {
    for await (const _ of this);
    return this.#fold.result();
  }

  /** Cancels the call if it still runs. */
  cancel(): void {
    this.#cancel();
  }

  readonly #cancel = (): void => this.#call.cancel();
}
