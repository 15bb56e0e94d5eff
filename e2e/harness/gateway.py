"""The real gateway binary for one run: fresh data folder, generated secrets, a free port; and its REST interface.

Upstreams become virtual servers here: HTTP ones are registered over the API, stdio ones come from the file that
the gateway was started with, and each gets a virtual server with everything it offers.
"""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.peers import Questions, Server
from harness.processes import Processes, StartFailed, free_port, wait_until

ADMIN = "admin@example.com"
START_LIMIT = 20
DISCOVERY_LIMIT = 40


@dataclass(frozen=True)
class Endpoint:
    """An address to point a client at, what to ask there, and how many tools must be listed."""

    name: str
    url: str
    questions: Questions
    tools: int


class Gateway:
    """A running gateway and an administrator's token for it."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base = base
        self.port = urlsplit(base).port or 0
        self.token = token
        self.discovered_by = time.monotonic() + DISCOVERY_LIMIT

    def sign_in(self, password: str) -> None:
        login = self.request("POST", "/auth/login", {"email": ADMIN, "password": password})
        self.token = login["access_token"]

    @classmethod
    def start(
        cls,
        binary: Path,
        processes: Processes,
        work: Path,
        stdio: list[Server],
        more: Mapping[str, str] | None = None,
    ) -> "Gateway":
        servers = work / "mcp.json"
        entries = {server.name: {"command": server.command[0], "args": server.command[1:]} for server in stdio}
        servers.write_text(json.dumps({"mcpServers": entries}, indent=2))
        port, password = free_port(), secrets.token_urlsafe(24) + "aA1!"
        env = {
            "CONTEXTFORGE_DATA_DIR": str(work / "data"),
            "PORT": str(port),
            "PLATFORM_ADMIN_EMAIL": ADMIN,
            "PLATFORM_ADMIN_PASSWORD": password,
            "SSRF_ALLOW_LOCALHOST": "true",
            **(more or {}),
        }
        command = [binary, "serve", "--quiet", "--servers", servers]
        process = processes.start("gateway", command, env=env, cwd=work)
        gateway = cls(f"http://127.0.0.1:{port}")
        process.wait_ready(START_LIMIT, gateway._is_ready)
        gateway.sign_in(password)
        gateway.process = process
        gateway.launched = (command, env, work)
        return gateway

    def beside(self, processes: Processes) -> int:
        """Another process on the same database; gives its port."""
        command, env, work = self.launched
        port = free_port()
        process = processes.start(f"gateway-{port}", command, env={**env, "PORT": str(port)}, cwd=work)
        process.wait_ready(START_LIMIT, lambda: _is_ready(f"http://127.0.0.1:{port}"))
        return port

    def _is_ready(self) -> bool:
        return _is_ready(self.base)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One REST call; anything but success is an error with the gateway's own words in it."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise RuntimeError(f"{method} {path}: {error.code} {text}") from None

    def publish(self, server: Server, prefix: str = "gateway") -> Endpoint:
        """Registers the upstream if it is not there yet, and makes a virtual server of all it offers."""
        if server.url:
            gateway = self._register(server.name, server.url, server.transport)
        else:
            gateway = self._operator_gateway(server.name)
        tools = self._items("tools", gateway["id"])
        prompts = self._items("prompts", gateway["id"])
        resources = self._items("resources", gateway["id"])
        templates = self._templates(gateway["id"])
        asked = server.questions
        tool = _one(tools, "originalName", asked.tool)
        prompt = _one(prompts, "originalName", asked.prompt) if asked.prompt else None
        if asked.resource:
            _one(resources, "uri", asked.resource)
        url = self._virtual_server(server.name, prefix, tools, prompts, [*resources, *templates])
        questions = replace(asked, tool=tool["name"], prompt=prompt and prompt["name"])
        return Endpoint(server.name, url, questions, len(tools))

    def publish_whole(self, name: str, url: str) -> str:
        """Registers an upstream that may offer anything or nothing; gives the address of a virtual server of it."""
        self._register(name, url, "STREAMABLEHTTP")
        return self.alone(name, name)

    def alone(self, name: str, shown_as: str) -> str:
        """The address of a virtual server of all that a registered upstream offers, under the upstream's own names."""
        gateway = next(one["id"] for one in self.request("GET", "/gateways?limit=0") if one["name"] == name)
        offered = [self._items(kind, gateway) for kind in ("tools", "prompts", "resources")]
        return self._virtual_server(shown_as, "none", *offered)

    def _register(self, name: str, url: str, transport: str) -> Any:
        body = {"name": name, "url": url, "transport": transport, "visibility": "public"}
        return self.request("POST", "/gateways", body)

    def _virtual_server(
        self, name: str, prefix: str, tools: list[Any], prompts: list[Any], resources: list[Any]
    ) -> str:
        virtual = {
            "name": name,
            "prefix": prefix,
            "associated_tools": [item["id"] for item in tools],
            "associated_prompts": [item["id"] for item in prompts],
            "associated_resources": [item["id"] for item in resources],
        }
        made = self.request("POST", "/servers", {"server": virtual, "visibility": "public"})
        return f"{self.base}/servers/{made['id']}/mcp"

    def publish_all(self, servers: list[Server]) -> tuple[list[Endpoint], list[str]]:
        """Publishes every server, and gives the endpoints and what went wrong; one failure does not stop the rest."""
        endpoints, problems = [], []
        for server in servers:
            try:
                endpoints.append(self.publish(server))
            except (RuntimeError, OSError) as error:
                problems.append(f"{server.name} was not published: {error}")
        if endpoints:
            endpoints.append(self.everything(like=endpoints[-1]))
        return endpoints, problems

    def everything(self, like: Endpoint) -> Endpoint:
        """The endpoint that shows all upstreams at once."""
        return Endpoint("all (/mcp)", f"{self.base}/mcp", like.questions, len(self.request("GET", "/tools?limit=0")))

    def _operator_gateway(self, name: str) -> Any:
        """Waits until a stdio server of the operator's file was discovered; all of them share one limit."""
        found: dict[str, Any] = {}

        def discovered() -> bool:
            for gateway in self.request("GET", "/gateways?limit=0&include_inactive=true"):
                if gateway["name"] == name:
                    found.update(gateway)
            return bool(found) and bool(self._items("tools", found["id"]))

        limit = max(self.discovered_by - time.monotonic(), 0)
        try:
            wait_until(f"discovery of {name}", limit, discovered, pause=0.25)
        except StartFailed as error:
            raise RuntimeError(f"{error}; its state is {found.get('lastError') or found or 'unknown'}") from None
        return found

    def _templates(self, gateway: str) -> list[Any]:
        listed = self.request("GET", "/resources/templates/list?limit=0")
        items = [self.request("GET", f"/resources/{item['id']}/info") for item in listed["resource_templates"]]
        return [item for item in items if item.get("gatewayId") == gateway]

    def _items(self, kind: str, gateway: str) -> list[Any]:
        return [item for item in self.request("GET", f"/{kind}?limit=0") if item.get("gatewayId") == gateway]


def _is_ready(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/ready", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def _one(items: list[Any], key: str, value: str) -> Any:
    for item in items:
        if item.get(key) == value:
            return item
    raise RuntimeError(f"no item with {key} {value!r} among {[item.get(key) for item in items]}")
