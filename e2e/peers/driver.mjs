// What the TypeScript drivers share: options, running the steps, the one line of JSON.
//
// A driver gives `main` a function that connects and returns a connected `Client` of its SDK and the negotiated
// version; both SDKs name the four requests alike. Each step is tried on its own; one not asked for is `-`.
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

/** Loads from the folder that the packages are installed in, which is not beside this file. */
export const load = createRequire(`${process.env.E2E_NODE_MODULES}/package.json`);

const { values: asked } = parseArgs({
  options: {
    url: { type: "string" },
    stdio: { type: "string" },
    token: { type: "string" },
    tool: { type: "string" },
    "tool-args": { type: "string", default: "{}" },
    expect: { type: "string", default: "" },
    resource: { type: "string" },
    prompt: { type: "string" },
    "prompt-args": { type: "string", default: "{}" },
    timeout: { type: "string", default: "20" },
  },
});

/** Makes the transport that was asked for from the two classes of an SDK. */
export function transport(HttpTransport, StdioTransport) {
  if (asked.stdio) {
    const [command, ...args] = JSON.parse(asked.stdio);
    return new StdioTransport({ command, args, stderr: "ignore" });
  }
  const headers = asked.token ? { Authorization: `Bearer ${asked.token}` } : {};
  return new HttpTransport(new URL(asked.url), { requestInit: { headers } });
}

export async function main(name, connect) {
  const line = { client: name, tools: 0, call: "-", resource: "-", prompt: "-", era: "-" };
  const limit = Number(asked.timeout) * 1000;
  const timer = setTimeout(() => report(line, new Error("timed out")), limit);
  try {
    await drive(connect, line);
    clearTimeout(timer);
    report(line);
  } catch (error) {
    report(line, error);
  }
}

function report(line, error) {
  for (const step of ["call", "resource", "prompt"]) {
    if (error && line[step] === "-") line[step] = text(error);
  }
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(0));
}

async function drive(connect, line) {
  const { client, era } = await connect();
  line.era = era() ?? "-";
  line.tools = await countTools(client);
  if (asked.tool) {
    const request = { name: asked.tool, arguments: JSON.parse(asked["tool-args"]) };
    line.call = await step(client.callTool(request), called);
  }
  if (asked.resource) {
    line.resource = await step(client.readResource({ uri: asked.resource }), (result) => filled(result.contents));
  }
  if (asked.prompt) {
    const request = { name: asked.prompt, arguments: JSON.parse(asked["prompt-args"]) };
    line.prompt = await step(client.getPrompt(request), (result) => filled(result.messages));
  }
  await client.close();
}

async function countTools(client) {
  let count = 0;
  let cursor;
  do {
    const page = await client.listTools(cursor ? { cursor } : {});
    count += page.tools.length;
    cursor = page.nextCursor;
  } while (cursor);
  return count;
}

async function step(request, check) {
  try {
    return check(await request);
  } catch (error) {
    return text(error);
  }
}

function called(result) {
  const content = JSON.stringify(result.content);
  if (result.isError) return `tool error: ${content}`;
  return content.includes(asked.expect) ? "ok" : `expected '${asked.expect}' in ${content}`;
}

function filled(items) {
  return items.length > 0 ? "ok" : "empty result";
}

function text(error) {
  return `${error?.name ?? "Error"}: ${error?.message ?? error}`;
}
