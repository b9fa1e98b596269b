import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { FrontdeskClient } from "../src/client.js";
import { ask } from "../src/messages.js";
import { proxyOptions } from "../src/options.js";

const local = [
  "localhost:50051",
  "LOCALHOST",
  "127.0.0.1:50051",
  "127.8.0.1:1",
  "[::1]:50051",
  "::1",
  "dns:localhost:1",
  "dns:///127.0.0.1:1",
  "ipv4:127.0.0.1:1,127.0.0.2:1",
  "ipv6:[::1]:1",
  "unix:/run/x.sock",
  "unix-abstract:x",
];
const remote = [
  "frontdesk:50051",
  "127.0.0.1.example.org:1",
  "localhost.example.org:1",
  "dns:///frontdesk:1",
  "dns://10.0.0.1/localhost:1",
  "ipv4:127.0.0.1:1,10.0.0.1:1",
  "[2001:db8::1]:1",
  "10.0.0.1:1",
];

test("a target on this machine, and no other, is never asked of a proxy", () => {
  for (const target of local) assert.deepEqual(proxyOptions(target), { "grpc.enable_http_proxy": 0 }, target);
  for (const target of remote) assert.deepEqual(proxyOptions(target), {}, target);
});

const targets = JSON.parse(readFileSync("../../tests/contract/vectors/targets.json", "utf8")) as { name: string; fault?: string }[];

test("a target that cannot be meant is refused and told what is wrong", () => {
  for (const { name, fault } of targets) {
    if (fault) assert.throws(() => new FrontdeskClient(name), new RangeError(`target: ${fault}`), name);
    else if (!name.startsWith("xds:")) new FrontdeskClient(name).close(); // a scheme that a program may register
  }
});

test("an option that there is not is refused, and never left out", () => {
  const options = { tls: true } as object;
  assert.throws(() => new FrontdeskClient("localhost:1", options), /there is no option tls; there are plaintext, rootCertificates/);
});

test("an HTTP server is told from one that wants TLS", async () => {
  const server = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const client = new FrontdeskClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await assert.rejects(client.route({ query: ask("hi") }, { timeoutMs: 20_000 }), /^FrontdeskError: the server speaks HTTP there, and gRPC/);
  } finally {
    client.close();
    server.close();
  }
});
