import type { ClientReadableStream } from "@grpc/grpc-js";

import { aborted } from "./call.js";
import { connectionError, type FrontdeskError, supersededError } from "./errors.js";
import { Fold } from "./fold.js";
import type { CompleteResponse, StreamCompleteResponse } from "./gen/frontdesk/v1/router_service_pb.js";

/**
 * A streamed answer. Iterate once, with `for await`; leaving the loop early cancels the call. A broken stream throws a
 * `FrontdeskError` whose `partial` is what had come; one that ends without `completed` is broken too.
 */
export class CompletionStream implements AsyncIterable<StreamCompleteResponse> {
  readonly #call: ClientReadableStream<StreamCompleteResponse>;
  readonly #plaintext: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #events = this.#read();
  readonly #fold = new Fold();
  #error: FrontdeskError | undefined;

  /** @internal */
  constructor(call: ClientReadableStream<StreamCompleteResponse>, plaintext: boolean, signal?: AbortSignal) {
    this.#call = call;
    this.#plaintext = plaintext;
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

  /** The one iteration over the events. */
  [Symbol.asyncIterator](): AsyncGenerator<StreamCompleteResponse, void, undefined> {
    return this.#events;
  }

  /**
   * The answer's text, piece by piece; never that of one answer after another's. Where a router streams optimistically and another
   * model takes over, it throws `Reason.ANSWER_SUPERSEDED`: discard what was shown and call `text` again for the answer that follows.
   */
  async *text(): AsyncGenerator<string, void, undefined> {
    let shown = false;
    let follows = false;
    try {
      for (let next = await this.#events.next(); !next.done; next = await this.#events.next()) {
        const { event } = next.value;
        if (event.case === "textDelta") {
          shown = true;
          yield event.value.text;
        } else if (shown && event.case === "attemptEnded" && event.value.superseded) {
          follows = true;
          throw supersededError(event.value.attempt?.model, event.value.nextModel);
        }
      }
    } finally {
      if (!follows) await this.#events.return();
    }
  }

  /** Reads what is left and returns the whole answer, as `complete` would have. */
  async completion(): Promise<CompleteResponse> {
    for await (const _ of this);
    if (this.#error) throw this.#error;
    this.#fold.end();
    return this.#fold.result();
  }

  /** Cancels the call if it still runs. */
  cancel(): void {
    this.#cancel();
  }

  readonly #cancel = (): void => this.#call.cancel();

  async *#read(): AsyncGenerator<StreamCompleteResponse, void, undefined> {
    if (this.#error) throw this.#error;
    try {
      for await (const event of this.#call as AsyncIterable<StreamCompleteResponse>) {
        this.#fold.add(event);
        yield event;
      }
      this.#fold.end();
    } catch (error) {
      const cause = this.#signal?.aborted ? this.#signal.reason : error;
      this.#error = this.#fold.fail(connectionError(error, this.#plaintext, cause));
      throw this.#error;
    } finally {
      this.cancel();
    }
  }
}
