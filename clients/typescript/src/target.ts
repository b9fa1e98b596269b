import { isIPv4, isIPv6 } from "node:net";

/** What is called where neither the caller nor FRONTDESK_ADDRESS names another target. */
export const defaultTarget = "localhost:50051";

const lastPort = 65535;

/**
 * The target, or else that of FRONTDESK_ADDRESS, or else the default one. Throws a RangeError for one that gRPC would not understand
 * as meant.
 */
export function targetOf(target: string | undefined): string {
  const found = target || process.env["FRONTDESK_ADDRESS"] || defaultTarget;
  const fault = faultOf(found);
  if (fault) throw new RangeError(`target: ${found} ${fault}`);
  return found;
}

/** Whether the target is on this machine: a unix socket, `localhost`, or nothing but loopback addresses. */
export function isLocal(target: string): boolean {
  return endpointsOf(target).every(({ host }) => isLoopback(host));
}

function faultOf(target: string): string | undefined {
  const [, named] = /^(?:https?|grpcs?):\/\/([^/?#]*)/i.exec(target) ?? [];
  if (named !== undefined) return `is a URL; write ${named}`;
  if (target.startsWith("/")) return `is a path; write unix:${target}`;
  if (/^unix:\/\/[^/]/.test(target)) return `names a host; write unix:${target.slice("unix:/".length)}`;
  for (const { host, port } of endpointsOf(target)) {
    if (port === undefined && isLoopback(host)) return "names no port";
    if (port !== undefined && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= lastPort)) {
      return `has port '${port}', which is not in 1 to ${lastPort}`;
    }
  }
  return undefined;
}

interface Endpoint {
  host: string;
  /** Undefined where none is named. */
  port?: string;
}

/** What a target names; nothing for a unix socket. One that names a name server of its own is nobody's localhost. */
function endpointsOf(target: string): Endpoint[] {
  if (/^unix(-abstract)?:/.test(target)) return [];
  const [, scheme, addresses = ""] = /^(?:(dns|ipv4|ipv6):(?:\/\/\/)?)?(.*)$/s.exec(target) ?? [];
  if (scheme === undefined && /^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return [{ host: target }];
  return (scheme?.startsWith("ip") ? addresses.split(",") : [addresses]).map(endpointOf);
}

/** Of host, host:port, [v6], [v6]:port or v6. */
function endpointOf(text: string): Endpoint {
  const [, bracketed, behind] = /^\[([^\]]*)\]?(.*)$/s.exec(text) ?? [];
  if (bracketed !== undefined) return behind ? { host: bracketed, port: behind.replace(/^:/, "") } : { host: bracketed };
  const [host = "", port, ...more] = text.split(":");
  return port === undefined || more.length > 0 ? { host: text } : { host, port };
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return host.toLowerCase() === "localhost" || (isIPv6(host) && /^[0:]*:0*1$/.test(host));
}
