// Driver: the official TypeScript SDK, 2.x line (asks for the newest revision, falls back to the handshake).
import { load, main, transport } from "./driver.mjs";

const { Client, StreamableHTTPClientTransport } = load("@modelcontextprotocol/client");
const { StdioClientTransport } = load("@modelcontextprotocol/client/stdio");

await main("typescript-2", async () => {
  const negotiation = { versionNegotiation: { mode: "auto" } };
  const client = new Client({ name: "typescript2-client", version: "1.0.0" }, negotiation);
  await client.connect(transport(StreamableHTTPClientTransport, StdioClientTransport));
  return { client, era: () => client.getNegotiatedProtocolVersion() };
});
