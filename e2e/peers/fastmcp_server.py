"""A FastMCP server of ours, over Streamable HTTP on loopback: three tools, a prompt, a resource and a template.

Prints its address as the first line, as the fixture does.
"""

import argparse
import socket

from fastmcp import FastMCP

server = FastMCP("fastmcp-peer")


@server.tool
def add(a: int, b: int) -> int:
    """Adds two integers."""
    return a + b


@server.tool
def echo(message: str) -> str:
    """Returns its message."""
    return message


@server.tool
def fail() -> str:
    """Always reports a tool error."""
    raise ValueError("this tool always fails")


@server.prompt
def greet(name: str) -> str:
    """Asks for a greeting."""
    return f"Greet {name} warmly."


@server.resource("memo://greeting", mime_type="text/plain")
def greeting() -> str:
    """A text that never changes."""
    return "Good morning."


@server.resource("memo://note/{number}", mime_type="text/plain")
def note(number: str) -> str:
    """A text made from its URI."""
    return f"Note {number}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    port = parser.parse_args().port
    if port == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    print(f"http://127.0.0.1:{port}/mcp", flush=True)
    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False, log_level="warning")


if __name__ == "__main__":
    main()
