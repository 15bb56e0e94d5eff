"""The client that the protocol's own suite starts for each of its client scenarios: it tests the gateway as a client.

    conformance_client.py --gateway BASE --token TOKEN SERVER_URL

The suite's server becomes an upstream of the running gateway, with a virtual server of all it offers, and this plain
client asks there for whatever the scenario is about. It speaks the revision that the suite names, so that the era of
both hops is the same. Everything that a scenario checks is what the gateway did upstream; nothing is put right here.
"""

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.gateway import Gateway  # noqa: E402

MODERN = "2026-07-28"
CAPABILITIES = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}
INFO = {"name": "conformance-client", "version": "1"}
PREFIX = "io.modelcontextprotocol/"
# How often a call may ask for input before it is given up.
ROUNDS = 10
# What says in a schema that an argument stands in a header too.
MIRROR = "x-mcp-header"
# The tools of the scenario about rounds; another one is called while the first waits.
WAITING, BETWEEN = "test_mrtr_echo_state", "test_mrtr_unrelated"


class Client:
    """One connection to the gateway, in one revision."""

    def __init__(self, url: str, version: str) -> None:
        self.url = url
        self.version = version
        self.session: str | None = None
        self.ids = count(1)
        # Which arguments of which tool stand in headers too.
        self.mirrored: dict[str, dict[str, str]] = {}
        if version != MODERN:
            asked = {"protocolVersion": version, "capabilities": CAPABILITIES, "clientInfo": INFO}
            self.request("initialize", asked)
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, {})

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result; an error is raised with what it says."""
        params = dict(params or {})
        headers = {}
        if self.version == MODERN:
            params["_meta"] = {
                PREFIX + "protocolVersion": MODERN,
                PREFIX + "clientCapabilities": CAPABILITIES,
                PREFIX + "clientInfo": INFO,
            }
            headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            name = params.get("uri" if method == "resources/read" else "name")
            if name is not None:
                headers["Mcp-Name"] = name
            arguments = params.get("arguments") or {}
            for argument, header in self.mirrored.get(name, {}).items():
                if arguments.get(argument) is not None:
                    headers[f"Mcp-Param-{header}"] = encoded(arguments[argument])
        number = next(self.ids)
        reply = self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, headers, number)
        if reply is None or "error" in reply:
            raise RuntimeError(f"{method}: {reply and reply['error']}")
        return reply["result"]

    def send(self, message: dict[str, Any], headers: dict[str, str], wanted: int | None = None) -> Any:
        """Posts a message, answers what is asked on its stream, and gives the reply with the wanted id."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **headers,
            **({"Mcp-Session-Id": self.session} if self.session else {}),
        }
        post = urllib.request.Request(self.url, json.dumps(message).encode(), headers)
        try:
            reply = urllib.request.urlopen(post, timeout=25)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            self.session = reply.headers.get("Mcp-Session-Id", self.session)
            if "event-stream" not in (reply.headers.get("Content-Type") or ""):
                text = reply.read()
                return json.loads(text) if text else None
            return self.follow(reply, wanted)

    def follow(self, stream: Any, wanted: int | None) -> Any:
        for line in stream:
            if not line.startswith(b"data:") or not line[5:].strip():
                continue
            message = json.loads(line[5:])
            if "method" in message and "id" in message:
                answered = {"jsonrpc": "2.0", "id": message["id"], "result": answer(message)}
                self.send(answered, {})
            elif message.get("id") == wanted:
                return message
        return None

    def call(self, name: str, arguments: dict[str, Any], between: str | None = None) -> dict[str, Any]:
        """Calls a tool through all of its rounds; `between` is called while the first one waits."""
        asked: dict[str, Any] = {"name": name, "arguments": arguments}
        for _ in range(ROUNDS):
            result = self.request("tools/call", asked)
            if result.get("resultType") != "input_required":
                return result
            if between:
                self.call(between, {})
            asked = {"name": name, "arguments": arguments}
            questions = result.get("inputRequests", {})
            asked["inputResponses"] = {key: answer(question) for key, question in questions.items()}
            if "requestState" in result:
                asked["requestState"] = result["requestState"]
        raise RuntimeError(f"{name} asks for input without end")


def encoded(value: Any) -> str:
    """An argument as the value of a header."""
    text = value if isinstance(value, str) else json.dumps(value)
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a user answers who agrees with everything that is proposed."""
    match question["method"]:
        case "elicitation/create":
            fields = question["params"].get("requestedSchema", {}).get("properties", {})
            content = {key: field.get("default", True) for key, field in fields.items()}
            return {"action": "accept", "content": content}
        case "sampling/createMessage":
            return {"role": "assistant", "model": "none", "content": {"type": "text", "text": "yes"}}
        case "roots/list":
            return {"roots": []}
        case _:
            return {}


def sample(schema: dict[str, Any]) -> dict[str, Any]:
    """Arguments with a value for every required property."""
    values = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": []}
    properties = schema.get("properties", {})
    return {name: values.get(properties.get(name, {}).get("type"), "x") for name in schema.get("required", [])}


def drive(client: Client, scenario: str, context: dict[str, Any]) -> None:
    """Asks for what the scenario is about."""
    tools = client.request("tools/list")["tools"]
    schemas = {tool["name"]: tool["inputSchema"] for tool in tools}
    for name, schema in schemas.items():
        properties = schema.get("properties", {}).items()
        client.mirrored[name] = {key: field[MIRROR] for key, field in properties if MIRROR in field}
    if scenario == "json-schema-ref-no-deref":
        return
    if scenario == "json-schema-2020-12-preservation":
        echoed = next(schema for name, schema in schemas.items() if name != "json_schema_echo")
        client.call("json_schema_echo", {"schema": echoed})
        return
    if "toolCalls" in context:
        for call in context["toolCalls"]:
            client.call(call["name"], call["arguments"])
        return
    for name, schema in schemas.items():
        if name != BETWEEN or WAITING not in schemas:
            client.call(name, sample(schema), BETWEEN if name == WAITING else None)
    if scenario == "http-standard-headers":
        for resource in client.request("resources/list")["resources"]:
            client.request("resources/read", {"uri": resource["uri"]})
        for prompt in client.request("prompts/list")["prompts"]:
            given = {argument["name"]: "x" for argument in prompt.get("arguments", [])}
            client.request("prompts/get", {"name": prompt["name"], "arguments": given})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway", required=True, help="address of the running gateway")
    parser.add_argument("--token", required=True, help="an administrator's token for it")
    parser.add_argument("url", help="the suite's server")
    asked = parser.parse_args()
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    version = os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    gateway = Gateway(asked.gateway, asked.token)
    name = f"{scenario}-{version}-{os.getpid()}"
    client = Client(gateway.publish_whole(name, asked.url), version)
    drive(client, scenario, context)
    return 0


if __name__ == "__main__":
    sys.exit(main())
