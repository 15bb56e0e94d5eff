"""Features of the official Python SDK, 1.x line (handshake revisions only)."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

import driver
import features


@asynccontextmanager
async def connect(asked: argparse.Namespace, url: str) -> AsyncIterator[features.Session]:
    streaming = asyncio.Event()
    news: asyncio.Queue[str] = asyncio.Queue()

    async def see(response: httpx.Response) -> None:
        if response.request.method == "GET" and response.status_code == 200:
            streaming.set()

    async def hear(message: Any) -> None:
        note = getattr(message, "root", None)
        if isinstance(note, types.ToolListChangedNotification):
            news.put_nowait("tools")
        if isinstance(note, types.ResourceUpdatedNotification):
            news.put_nowait(str(note.params.uri))

    http = httpx.AsyncClient(headers=driver.headers(asked), timeout=asked.timeout, event_hooks={"response": [see]})
    async with http, streamable_http_client(url, http_client=http) as (read, write, *_):
        async with ClientSession(read, write, message_handler=hear, **features.answers(types)) as session:
            hello = await session.initialize()

            async def tools() -> set[str]:
                page = await session.list_tools()
                names = {tool.name for tool in page.tools}
                while page.nextCursor:
                    page = await session.list_tools(cursor=page.nextCursor)
                    names |= {tool.name for tool in page.tools}
                return names

            async def call(name: str, arguments: dict[str, Any], progress: Any = None) -> str:
                return features.called(await session.call_tool(name, arguments, progress_callback=progress))

            @asynccontextmanager
            async def follow(uri: str | None) -> AsyncIterator[None]:
                await asyncio.wait_for(streaming.wait(), features.STEP_LIMIT)
                if uri:
                    await session.subscribe_resource(AnyUrl(uri))
                yield
                if uri:
                    await session.unsubscribe_resource(AnyUrl(uri))

            async def abandon(name: str, arguments: dict[str, Any]) -> None:
                started = asyncio.Event()

                async def begun(*_: Any) -> None:
                    started.set()

                # This SDK leaves it to its user to tell the server, and numbers its requests from 0.
                number = session._request_id
                waiting = asyncio.create_task(call(name, arguments, begun))
                await started.wait()
                params = types.CancelledNotificationParams(requestId=number, reason="enough")
                note = types.CancelledNotification(params=params)
                await session.send_notification(types.ClientNotification(note))
                waiting.cancel()

            async def as_task(name: str, arguments: dict[str, Any]) -> str:
                task = (await session.experimental.call_tool_as_task(name, arguments)).task.taskId
                async for _ in session.experimental.poll_task(task):
                    pass
                return features.called(await session.experimental.get_task_result(task, types.CallToolResult))

            era = str(hello.protocolVersion)
            yield features.Session(era, tools, call, follow, abandon, as_task, news)


if __name__ == "__main__":
    features.main(connect)
