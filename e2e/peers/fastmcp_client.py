"""Driver: the FastMCP client (asks for the newest revision, falls back to the handshake)."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

import driver


@asynccontextmanager
async def connect(asked: argparse.Namespace) -> AsyncIterator[driver.Session]:
    if asked.stdio:
        command, *arguments = asked.stdio
        transport = StdioTransport(command=command, args=arguments)
    else:
        transport = StreamableHttpTransport(asked.url, headers=driver.headers(asked))
    async with Client(transport, timeout=asked.timeout) as client:

        async def list_tools() -> int:
            return len(await client.list_tools())

        async def get_prompt(name: str, arguments: dict[str, str]) -> object:
            return (await client.get_prompt(name, arguments)).messages

        era = client.protocol_version or "-"
        yield driver.Session(era, list_tools, client.call_tool, client.read_resource, get_prompt)


if __name__ == "__main__":
    driver.main("fastmcp", connect)
