"""Driver: the official Python SDK, 1.x line (handshake revisions only)."""

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

import driver


@asynccontextmanager
async def connect(asked: argparse.Namespace) -> AsyncIterator[driver.Session]:
    async with AsyncExitStack() as stack:
        if asked.stdio:
            command, *arguments = asked.stdio
            transport = stdio_client(StdioServerParameters(command=command, args=arguments))
        else:
            client = httpx.AsyncClient(headers=driver.headers(asked), timeout=asked.timeout)
            transport = streamable_http_client(asked.url, http_client=await stack.enter_async_context(client))
        read, write, *_ = await stack.enter_async_context(transport)
        session = await stack.enter_async_context(ClientSession(read, write))
        hello = await session.initialize()

        async def list_tools() -> int:
            page = await session.list_tools()
            count = len(page.tools)
            while page.nextCursor:
                page = await session.list_tools(cursor=page.nextCursor)
                count += len(page.tools)
            return count

        async def read_resource(uri: str) -> object:
            return (await session.read_resource(AnyUrl(uri))).contents

        async def get_prompt(name: str, arguments: dict[str, str]) -> object:
            return (await session.get_prompt(name, arguments)).messages

        yield driver.Session(str(hello.protocolVersion), list_tools, session.call_tool, read_resource, get_prompt)


if __name__ == "__main__":
    driver.main("python-1", connect)
