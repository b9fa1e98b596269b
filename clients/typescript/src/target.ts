import { isIPv4, isIPv6 } from "node:net";

/** What is called where neither the caller nor FRONTDESK_ADDRESS names another target. */
export const defaultTarget = "localhost:50051";

/** The target, or else that of FRONTDESK_ADDRESS, or else the default one. */
export function targetOf(target: string | undefined): string {
  return target || process.env["FRONTDESK_ADDRESS"] || defaultTarget;
}

/** Whether the target is on this machine: a unix socket, `localhost`, or nothing but loopback addresses. */
export function isLocal(target: string): boolean {
  if (/^unix(-abstract)?:/.test(target)) return true;
  const [, scheme = "", addresses = ""] = /^(?:(dns|ipv4|ipv6):(?:\/\/\/)?)?(.*)$/s.exec(target) ?? [];
  const hosts = (scheme.startsWith("ip") ? addresses.split(",") : [addresses]).map(host);
  return hosts.every((name) => name.toLowerCase() === "localhost" || isLoopback(name));
}

/** The host of host, host:port, [v6] or [v6]:port. */
function host(address: string): string {
  if (address.startsWith("[")) return address.slice(1).split("]", 1)[0] ?? "";
  return address.split(":").length === 2 ? (address.split(":", 1)[0] ?? "") : address;
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith("127.")) || (isIPv6(host) && /^[0:]*:0*1$/.test(host));
}
