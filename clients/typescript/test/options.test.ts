import assert from "node:assert/strict";
import { test } from "node:test";

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
