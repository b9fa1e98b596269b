import { type ChannelCredentials, type ChannelOptions, credentials, type Interceptor } from "@grpc/grpc-js";

import { isLocal } from "./target.js";
import type { Token } from "./token.js";

/** The version of this package; it is part of the user agent. */
export const version = "0.1.0";

/**
 * Balances over all addresses of the target and retries calls that no server has begun to answer. The server forbids a retry
 * that would multiply load with `grpc-retry-pushback-ms`, which is honoured.
 */
export const serviceConfig = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: "frontdesk.v1.RouterService" }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

const maxMessageBytes = 64 * 1024 * 1024;

/** What every channel starts from; `ClientOptions.channelOptions` overrides by name. The server accepts pings every 10 s. */
export const defaultChannelOptions: Readonly<ChannelOptions> = {
  "grpc.primary_user_agent": `frontdesk-typescript/${version}`,
  "grpc.service_config": JSON.stringify(serviceConfig),
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.max_receive_message_length": maxMessageBytes,
};

/** A target on this machine is not asked of the proxy that the environment names: there it would be another machine. */
export function proxyOptions(target: string): ChannelOptions {
  return isLocal(target) ? { "grpc.enable_http_proxy": 0 } : {};
}

/** How a client connects: by TLS with the system's certificates, but in plain text with this machine, unless something else is said. */
export interface ClientOptions {
  /** Whether to connect without TLS, as behind a mesh's sidecar. Default: only where the target is this machine. */
  plaintext?: boolean;
  /** Trust these PEM certificates instead of the system's. */
  rootCertificates?: Uint8Array;
  /** Credentials of grpc-js, such as with a client certificate; they win over the two above. */
  credentials?: ChannelCredentials;
  /**
   * Sent as `authorization: Bearer TOKEN` with every call, without the space around it; a function is asked before each, so that
   * tokens may expire. Default: what FRONTDESK_TOKEN says, if anything. A text that no header carries makes the constructor throw.
   */
  token?: Token;
  /** Options of the channel, over `defaultChannelOptions`. */
  channelOptions?: ChannelOptions;
  /** Interceptors of grpc-js, outermost first. */
  interceptors?: Interceptor[];
}

const known: Record<keyof ClientOptions, true> = {
  plaintext: true,
  rootCertificates: true,
  credentials: true,
  token: true,
  channelOptions: true,
  interceptors: true,
};

/** Throws a RangeError for an option that there is not, such as that of another client: to ignore it could be to call in plain text. */
export function refuseUnknown(options: ClientOptions): void {
  const unknown = Object.keys(options).find((name) => !(name in known));
  if (unknown !== undefined) throw new RangeError(`there is no option ${unknown}; there are ${Object.keys(known).join(", ")}`);
}

/** Whether the options, or else the target, ask for plain text. */
export function isPlaintext(target: string, options: ClientOptions): boolean {
  if (options.credentials) return !options.credentials._isSecure();
  return options.plaintext ?? (options.rootCertificates === undefined && isLocal(target));
}

/** The credentials which the options, or else the target, ask for. */
export function channelCredentials(target: string, options: ClientOptions): ChannelCredentials {
  if (options.credentials) return options.credentials;
  if (isPlaintext(target, options)) return credentials.createInsecure();
  return credentials.createSsl(options.rootCertificates ? Buffer.from(options.rootCertificates) : null);
}
