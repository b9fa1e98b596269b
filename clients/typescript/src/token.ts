import { InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";

/** A token, or what is asked for it before every call, so that it may expire. */
export type Token = string | (() => string | Promise<string>);

/** What FRONTDESK_TOKEN holds, if anything. */
export function tokenOfEnvironment(): string | undefined {
  return process.env["FRONTDESK_TOKEN"]?.trim() || undefined;
}

/** Sends the token. Call credentials would do as well, but not over plaintext, as behind a mesh's sidecar. */
export function bearer(token: Token): Interceptor {
  const known = typeof token === "string" ? cleaned(token) : undefined;
  const source = typeof token === "string" ? () => known : token;
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        Promise.resolve()
          .then(source)
          .then((value) => metadata.set("authorization", `Bearer ${cleaned(value ?? "")}`))
          .then(
            () => next(metadata, listener),
            (error: unknown) =>
              listener.onReceiveStatus({
                code: status.UNAUTHENTICATED,
                details: `no token: ${error instanceof RangeError ? error.message : "its source failed"}`,
                metadata: new Metadata(),
              }),
          );
      },
    });
}

/**
 * The token without the space around it, such as the newline at the end of a key file. Throws a RangeError for what no header
 * carries; it tells the place, never the token.
 */
export function cleaned(token: string): string {
  const trimmed = token.trim();
  if (!trimmed) throw new RangeError("the token is empty");
  for (const [place, character] of [...trimmed].entries()) {
    if (character < "!" || character > "~" || character.length > 1) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      throw new RangeError(`the token cannot be sent: character ${place + 1} is U+${code}`);
    }
  }
  return trimmed;
}
