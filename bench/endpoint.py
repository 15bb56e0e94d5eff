"""The requests of the benchmark in both eras, and a small client that checks the answers before anything is measured."""

import http.client
import json
import urllib.parse

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}


class Endpoint:
    """One URL that speaks MCP, with the headers that every request to it carries."""

    def __init__(self, url, token=None):
        self.url = url
        self.parts = urllib.parse.urlsplit(url)
        self.token = token
        self.session = None

    def headers(self, era, method, name=None):
        headers = {"MCP-Protocol-Version": MODERN if era == "modern" else LEGACY}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if era == "modern":
            headers["Mcp-Method"] = method
            if name:
                headers["Mcp-Name"] = name
        elif self.session:
            headers["Mcp-Session-Id"] = self.session
        return headers

    def post(self, body, headers):
        connection = http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=30)
        try:
            sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            connection.request("POST", self.parts.path, body, sent | headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def ask(self, era, method, params=None, name=None):
        """The result of one request; anything but a result is the end of the benchmark."""
        status, _, body = self.post(request(era, method, params), self.headers(era, method, name))
        message = decode(body)
        if status != 200 or "result" not in message:
            raise SystemExit(f"{self.url}: {method} ({era}) was answered {status}: {body[:500]!r}")
        return message["result"]

    def initialize(self):
        """The handshake of the legacy era; keeps the session id, where the server gives one."""
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        status, headers, body = self.post(request("legacy", "initialize", params), self.headers("legacy", "initialize"))
        if status != 200 or "result" not in decode(body):
            raise SystemExit(f"{self.url}: initialize was answered {status}: {body[:500]!r}")
        self.session = next((value for key, value in headers.items() if key.lower() == "mcp-session-id"), None)
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
        self.post(note, self.headers("legacy", "notifications/initialized"))

    def tools(self, era="modern"):
        """Every tool, and the number of tools on the first page."""
        found, first, cursor = [], None, None
        while first is None or cursor:
            result = self.ask(era, "tools/list", {"cursor": cursor} if cursor else {})
            found += result["tools"]
            first = first or len(result["tools"])
            cursor = result.get("nextCursor")
        return found, first


def request(era, method, params=None):
    params = dict(params or {})
    if era == "modern":
        params["_meta"] = META
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def decode(body):
    """A JSON body, or the last message of an event stream."""
    text = body.decode("utf-8", "replace")
    for line in reversed(text.splitlines()):
        if line.startswith("data:"):
            text = line[5:]
            break
    try:
        return json.loads(text)
    except ValueError:
        return {}
