/** Why there is no connection, in words: gRPC's own tell what failed, not what it means. All clients say the same. */
const causes: readonly [pattern: RegExp, words: string, plain: boolean][] = [
  [/self-signed certificate|unable to (get|verify)|certificate has expired|altnames/i, "the server's certificate is not trusted", false],
  [/EPROTO|wrong version number|packet length too long/i, "the server does not speak TLS as asked", false],
  [/ECONNREFUSED|ENOENT/, "nobody listens there", false],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, "there is no such name", false],
  [/Protocol error/, "the server speaks HTTP there, and gRPC on another port", true],
  [
    /ECONNRESET|EPIPE|Connection dropped|socket hang up|closed|disconnected|Failed to connect/i,
    "the server closes connections in plain text: it may want TLS",
    true,
  ],
];

/** The details of UNAVAILABLE that gRPC itself made, after their cause where it is known. */
export function inWords(details: string, plaintext: boolean): string {
  const found = causes.find(([pattern, , plain]) => (plaintext || !plain) && pattern.test(details));
  return found ? `${found[1]} (${details})` : details;
}
