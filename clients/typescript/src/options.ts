import { isIPv4, isIPv6 } from "node:net";

import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  status,
} from "@grpc/grpc-js";

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

const maxMessageBytes = 16 * 1024 * 1024;

/** What every channel starts from; `ClientOptions.channelOptions` overrides by name. The server accepts pings every 10 s. */
export const defaultChannelOptions: Readonly<ChannelOptions> = {
  "grpc.primary_user_agent": `frontdesk-typescript/${version}`,
  "grpc.service_config": JSON.stringify(serviceConfig),
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.max_receive_message_length": maxMessageBytes,
};

/** A target on this machine is not asked of the proxy that the environment names: there it would be another machine. */
export function proxyOptions(target: string): ChannelOptions {
  if (/^unix(-abstract)?:/.test(target)) return { "grpc.enable_http_proxy": 0 };
  const [, scheme = "", addresses = ""] = /^(?:(dns|ipv4|ipv6):(?:\/\/\/)?)?(.*)$/s.exec(target) ?? [];
  const hosts = (scheme.startsWith("ip") ? addresses.split(",") : [addresses]).map(host);
  return hosts.every((name) => name.toLowerCase() === "localhost" || isLoopback(name)) ? { "grpc.enable_http_proxy": 0 } : {};
}

/** The host of host, host:port, [v6] or [v6]:port. */
function host(address: string): string {
  if (address.startsWith("[")) return address.slice(1).split("]", 1)[0] ?? "";
  return address.split(":").length === 2 ? (address.split(":", 1)[0] ?? "") : address;
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith("127.")) || (isIPv6(host) && /^[0:]*:0*1$/.test(host));
}

/** How a client connects: by TLS with the system's certificates unless something else is said. */
export interface ClientOptions {
  /** Connect without TLS. */
  plaintext?: boolean;
  /** Trust these PEM certificates instead of the system's. */
  rootCertificates?: Uint8Array;
  /** Credentials of grpc-js, such as with a client certificate; they win over the two above. */
  credentials?: ChannelCredentials;
  /** Sent as `authorization: Bearer TOKEN` with every call; a function is asked before each, so that tokens may expire. */
  token?: string | (() => string | Promise<string>);
  /** Options of the channel, over `defaultChannelOptions`. */
  channelOptions?: ChannelOptions;
  /** Interceptors of grpc-js, outermost first. */
  interceptors?: Interceptor[];
}

/** The credentials which the options ask for. */
export function channelCredentials(options: ClientOptions): ChannelCredentials {
  if (options.credentials) return options.credentials;
  if (options.plaintext) return credentials.createInsecure();
  return credentials.createSsl(options.rootCertificates ? Buffer.from(options.rootCertificates) : null);
}

/** Sends the token. Call credentials would do as well, but not over plaintext, as behind a mesh's sidecar. */
export function bearer(token: NonNullable<ClientOptions["token"]>): Interceptor {
  const source = typeof token === "string" ? () => token : token;
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        Promise.resolve()
          .then(source)
          .then(
            (value) => {
              metadata.set("authorization", `Bearer ${value}`);
              next(metadata, listener);
            },
            (error: unknown) =>
              listener.onReceiveStatus({
                code: status.UNAUTHENTICATED,
                details: `no token: ${String(error)}`,
                metadata: new Metadata(),
              }),
          );
      },
    });
}
