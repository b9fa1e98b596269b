// The official `openai` and `@anthropic-ai/sdk` clients for Node: node check.mjs openai|anthropic ADDRESS [FEATURE...]
import assert from "node:assert/strict";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [api, address, ...chosen] = process.argv.slice(2);
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const FOUR = "The answer is four.";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const answer = { type: "object", properties: { answer: { type: "integer" } }, required: ["answer"] };

function openai() {
  const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "unused", maxRetries: 0, timeout: 20_000 });
  const create = (content, members = {}, options) =>
    client.chat.completions.create({ model: "default", messages: [{ role: "user", content }], ...members }, options);
  const tools = [{ type: "function", function: { name: "get_weather", parameters: schema } }];
  return {
    chat: async () => {
      const said = await create("chat");
      assert.equal(said.choices[0].message.content, FOUR);
      assert.equal(said.id, `chatcmpl-${said._request_id}`);
    },
    streams: async () => {
      let text = "";
      let usage;
      for await (const chunk of await create("chat", { stream: true, stream_options: { include_usage: true } })) {
        text += chunk.choices[0]?.delta?.content ?? "";
        usage = chunk.usage ?? usage;
      }
      assert.equal(text, FOUR);
      assert.equal(usage.completion_tokens, 5);
    },
    tools: async () => {
      const { message } = (await create("tool", { tools })).choices[0];
      assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: "Paris" });
      const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "sunny" };
      const done = await create("", { messages: [{ role: "user", content: "tool" }, message, result], tools });
      assert.equal(done.choices[0].message.content, FOUR);
    },
    "streamed tools": async () => {
      const stream = client.chat.completions.stream({
        model: "default", messages: [{ role: "user", content: "tool" }], tools,
      });
      const final = await stream.finalChatCompletion();
      assert.equal(final.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');
    },
    "structured output": async () => {
      const response_format = { type: "json_schema", json_schema: { name: "sum", schema: answer } };
      const parsed = await create("json", { response_format });
      assert.deepEqual(JSON.parse(parsed.choices[0].message.content), { answer: 4 });
    },
    images: async () => {
      const image_url = { url: `data:image/png;base64,${PNG}` };
      const said = await create([{ type: "text", text: "chat" }, { type: "image_url", image_url }]);
      assert.equal(said.choices[0].message.content, FOUR);
    },
    logprobs: async () => {
      const said = await create("chat", { logprobs: true });
      assert.equal(said.choices[0].logprobs.content[0].token, "The ");
    },
    errors: async () => {
      await assert.rejects(create("chat", { model: "nobody" }), (error) => error.code === "model_not_found");
      await assert.rejects(create("chat", { temperature: 2.5 }), (error) => error.param === "temperature");
    },
    retries: async () => {
      for (let i = 0; i < 2; i++) {
        const said = await create("chat", { model: "limited" }, { maxRetries: 4 });
        assert.equal(said.choices[0].message.content, FOUR);
      }
    },
    cancel: async () => {
      const stream = await create("slow", { stream: true });
      for await (const _ of stream) break;
      stream.controller.abort();
    },
    timeouts: async () => {
      await assert.rejects(create("hang", {}, { timeout: 300 }), OpenAI.APIConnectionTimeoutError);
    },
    "cut streams": async () => {
      const all = async () => {
        for await (const _ of await create("cut", { stream: true }));
      };
      await assert.rejects(all, (error) => error.code === "UPSTREAM_CUT");
    },
    models: async () => {
      const names = [];
      for await (const model of client.models.list()) names.push(model.id);
      assert(names.includes("default"));
    },
  };
}

function anthropic() {
  const client = new Anthropic({ baseURL: address, apiKey: "unused", maxRetries: 0, timeout: 20_000 });
  const asking = (content, members = {}) => ({
    model: "default", max_tokens: 100, messages: [{ role: "user", content }], ...members,
  });
  const create = (content, members, options) => client.messages.create(asking(content, members), options);
  const final = (content, members) => client.messages.stream(asking(content, members)).finalMessage();
  const tools = [{ name: "get_weather", input_schema: schema }];
  return {
    chat: async () => {
      const said = await create("chat", { system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }] });
      assert.equal(said.content[0].text, FOUR);
      assert.equal(said.id, `msg_${said._request_id}`);
    },
    streams: async () => {
      const said = await final("chat");
      assert.equal(said.content[0].text, FOUR);
      assert.equal(said.usage.output_tokens, 5);
    },
    tools: async () => {
      const asked = await create("tool", { tools });
      const call = asked.content.at(-1);
      assert.deepEqual(call.input, { city: "Paris" });
      const result = { type: "tool_result", tool_use_id: call.id, content: "sunny" };
      const messages = [
        { role: "user", content: "tool" },
        { role: "assistant", content: asked.content },
        { role: "user", content: [result] },
      ];
      assert.equal((await create("", { messages, tools })).content[0].text, FOUR);
    },
    "streamed tools": async () => {
      assert.deepEqual((await final("tool", { tools })).content.at(-1).input, { city: "Paris" });
    },
    thinking: async () => {
      const said = await final("think");
      assert.deepEqual(said.content.map((block) => block.type), ["thinking", "text"]);
      assert.equal(said.content[0].thinking, "Two and two.");
    },
    "structured output": async () => {
      const said = await create("json", { output_config: { format: { type: "json_schema", schema: answer } } });
      assert.deepEqual(JSON.parse(said.content[0].text), { answer: 4 });
    },
    images: async () => {
      const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
      assert.equal((await create([image, { type: "text", text: "chat" }])).content[0].text, FOUR);
    },
    errors: async () => {
      await assert.rejects(create("chat", { model: "nobody" }), Anthropic.NotFoundError);
      await assert.rejects(create("chat", { max_tokens: 0 }), Anthropic.BadRequestError);
    },
    retries: async () => {
      for (let i = 0; i < 2; i++) {
        assert.equal((await create("chat", { model: "limited" }, { maxRetries: 4 })).content[0].text, FOUR);
      }
    },
    cancel: async () => {
      const stream = client.messages.stream(asking("slow"));
      await new Promise((resolve) => stream.on("text", resolve));
      stream.abort();
      await stream.done().catch(() => {});
    },
    timeouts: async () => {
      await assert.rejects(create("hang", {}, { timeout: 300 }), Anthropic.APIConnectionTimeoutError);
    },
    "cut streams": async () => {
      await assert.rejects(final("cut"), (error) => JSON.stringify(error.error ?? error.message).includes("UPSTREAM_CUT"));
    },
    "token counts": async () => {
      const counted = await client.messages.countTokens({
        model: "default", messages: [{ role: "user", content: "four words are here" }],
      });
      assert(counted.input_tokens >= 4);
    },
  };
}

const checks = api === "openai" ? openai() : anthropic();
for (const feature of chosen.length ? chosen : Object.keys(checks)) {
  let outcome = "yes";
  try {
    await checks[feature]();
  } catch (error) {
    outcome = `${error.stack ?? error}`.slice(0, 2000);
  }
  console.log(JSON.stringify({ feature, outcome }));
}
