// Driver: the official TypeScript SDK, 1.x line (handshake revisions only).
import { load, main, transport } from "./driver.mjs";

const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");

await main("typescript-1", async () => {
  const client = new Client({ name: "typescript1-client", version: "1.0.0" });
  const connection = transport(StreamableHTTPClientTransport, StdioClientTransport);
  // The SDK tells its transport, and only that, which version was negotiated.
  let version;
  const remember = connection.setProtocolVersion?.bind(connection);
  connection.setProtocolVersion = (negotiated) => {
    version = negotiated;
    remember?.(negotiated);
  };
  await client.connect(connection);
  return { client, era: () => version };
});
