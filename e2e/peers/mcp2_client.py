"""Driver: the official Python SDK, 2.x line (asks for the newest revision, falls back to the handshake)."""

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

import driver


@asynccontextmanager
async def connect(asked: argparse.Namespace) -> AsyncIterator[driver.Session]:
    async with AsyncExitStack() as stack:
        if asked.stdio:
            command, *arguments = asked.stdio
            server = StdioServerParameters(command=command, args=arguments)
        else:
            http = httpx2.AsyncClient(headers=driver.headers(asked), timeout=asked.timeout)
            server = streamable_http_client(asked.url, http_client=await stack.enter_async_context(http))
        client = await stack.enter_async_context(Client(server, mode="auto"))

        async def list_tools() -> int:
            page = await client.list_tools()
            count = len(page.tools)
            while page.next_cursor:
                page = await client.list_tools(cursor=page.next_cursor)
                count += len(page.tools)
            return count

        async def read_resource(uri: str) -> object:
            return (await client.read_resource(uri)).contents

        async def get_prompt(name: str, arguments: dict[str, str]) -> object:
            return (await client.get_prompt(name, arguments)).messages

        yield driver.Session(client.protocol_version, list_tools, client.call_tool, read_resource, get_prompt)


if __name__ == "__main__":
    driver.main("python-2", connect)
