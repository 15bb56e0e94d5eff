"""The peers of the matrix: which servers and clients there are, how they start, and what is asked of each.

A server that has no resources or no prompts leaves those questions out; their cells show `-`.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.processes import Processes, Started, accepts, free_port

PEERS = Path(__file__).resolve().parent.parent / "peers"
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
# Seconds that a server may take to start; the slowest imports a lot of Python on a busy machine.
START_LIMIT = 30


@dataclass(frozen=True)
class Questions:
    """What every client asks of one server."""

    tool: str
    tool_args: Mapping[str, Any]
    expect: str
    resource: str | None = None
    prompt: str | None = None
    prompt_args: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        words = ["--tool", self.tool, "--tool-args", json.dumps(self.tool_args), "--expect", self.expect]
        if self.resource:
            words += ["--resource", self.resource]
        if self.prompt:
            words += ["--prompt", self.prompt, "--prompt-args", json.dumps(self.prompt_args)]
        return words


@dataclass(frozen=True)
class Server:
    """An upstream: either an address or the command line of a stdio server."""

    name: str
    questions: Questions
    url: str | None = None
    command: tuple[str, ...] = ()
    transport: str = "STREAMABLEHTTP"
    modern_only: bool = False


@dataclass(frozen=True)
class Client:
    """A driver, and the newest revision that it speaks."""

    name: str
    command: tuple[str, ...]
    newest: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Installed:
    """Where `install.sh` put things, and our own peer."""

    cache: Path
    fixture: Path

    def python(self, name: str) -> str:
        return str(self.cache / f"python-{name}" / "bin" / "python")

    @property
    def modules(self) -> str:
        return str(self.cache / "node" / "node_modules")

    @property
    def node(self) -> str:
        return f"{self.modules}/.bin/node"


EVERYTHING = Questions(
    tool="echo",
    tool_args={"message": "hello"},
    expect="hello",
    resource="demo://resource/static/document/features.md",
    prompt="args-prompt",
    prompt_args={"city": "Dublin"},
)
FIXTURE = Questions(
    tool="add",
    tool_args={"a": 40, "b": 2},
    expect="42",
    resource="test://static-text",
    prompt="test_prompt_with_arguments",
    prompt_args={"arg1": "one", "arg2": "two"},
)
FASTMCP = Questions(
    tool="add",
    tool_args={"a": 40, "b": 2},
    expect="42",
    resource="memo://greeting",
    prompt="greet",
    prompt_args={"name": "Ada"},
)
TIME = Questions(tool="get_current_time", tool_args={"timezone": "UTC"}, expect="UTC")


def clients(installed: Installed) -> list[Client]:
    def python(name: str, newest: str) -> Client:
        label = {"mcp1": "python-1", "mcp2": "python-2"}.get(name, name)
        return Client(label, (installed.python(name), str(PEERS / f"{name}_client.py")), newest)

    def typescript(major: int, newest: str) -> Client:
        command = (installed.node, str(PEERS / f"typescript{major}_client.mjs"))
        return Client(f"typescript-{major}", command, newest, {"E2E_NODE_MODULES": installed.modules})

    return [
        python("mcp2", MODERN),
        python("mcp1", LEGACY),
        typescript(2, MODERN),
        typescript(1, LEGACY),
        python("fastmcp", MODERN),
        Client("rmcp", (str(installed.fixture), "client"), MODERN),
    ]


def stdio_servers(installed: Installed, work: Path) -> list[Server]:
    """Servers that the gateway starts itself."""
    python = installed.python("mcp2")
    everything = f"{installed.modules}/@modelcontextprotocol/server-everything/dist/index.js"
    repository = throw_away_repository(work / "repository")
    git = Questions(tool="git_log", tool_args={"repo_path": str(repository)}, expect="the first commit")
    return [
        Server("everything-stdio", EVERYTHING, command=(installed.node, everything, "stdio")),
        Server("time", TIME, command=(python, "-m", "mcp_server_time", "--local-timezone", "UTC")),
        Server("git", git, command=(python, "-m", "mcp_server_git", "--repository", str(repository))),
        Server("fixture-stdio", FIXTURE, command=(str(installed.fixture), "--transport", "stdio"), modern_only=True),
    ]


def start_http_servers(installed: Installed, processes: Processes) -> list[Server]:
    """Starts the servers that are reached over HTTP, all at once, and waits until each can be reached."""
    script = f"{installed.modules}/@modelcontextprotocol/server-everything/dist/index.js"

    def everything(name: str, mode: str, path: str, transport: str) -> tuple[Started, str, Server]:
        port = free_port()
        started = processes.start(name, [installed.node, script, mode], env={"PORT": str(port)})
        url = f"http://127.0.0.1:{port}{path}"
        return started, url, Server(name, EVERYTHING, url=url, transport=transport)

    stock = [
        everything("everything-http", "streamableHttp", "/mcp", "STREAMABLEHTTP"),
        everything("everything-sse", "sse", "/sse", "SSE"),
    ]
    fastmcp = processes.start("fastmcp", [installed.python("fastmcp"), PEERS / "fastmcp_server.py"])
    modern = processes.start("fixture-modern", [installed.fixture, "--era", "modern"])
    legacy = processes.start("fixture-legacy", [installed.fixture, "--era", "legacy"])
    for started, questions in ((fastmcp, FASTMCP), (modern, FIXTURE), (legacy, FIXTURE)):
        started.wait_ready(START_LIMIT, started.first_line)
        url = started.first_line() or ""
        stock.append((started, url, Server(started.name, questions, url=url, modern_only=started is modern)))
    for started, url, _ in stock:
        port = urlsplit(url).port or 0
        started.wait_ready(START_LIMIT, lambda port=port: accepts(port))
    return [server for _, _, server in stock]


def throw_away_repository(folder: Path) -> Path:
    """A git repository with one commit, for the git server to read."""
    folder.mkdir()
    (folder / "README").write_text("A repository for a test.\n")
    author = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "README"], [*author, "commit", "-q", "-m", "the first commit"]):
        subprocess.run(["git", *words], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return folder
