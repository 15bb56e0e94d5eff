"""Features of the official Python SDK, 2.x line (asks for the newest revision)."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged

import driver
import features


class Created(types.Result):
    """What a call is answered with that became a task."""

    result_type: Literal["task"] = "task"
    task_id: str


class Asked(types.Result):
    """A task as it is now."""

    status: str
    result: dict[str, Any] | None = None


class AskParams(types.RequestParams):
    task_id: str


class Ask(types.Request[AskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: AskParams
    name_param = "taskId"


class Tasks(ClientExtension):
    """The SDK carries extensions, and has none of its own for tasks."""

    identifier = "io.modelcontextprotocol/tasks"

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Created, resolve=self._wait)]

    async def _wait(self, created: Created, context: ClaimContext) -> types.CallToolResult:
        request = Ask(params=AskParams(task_id=created.task_id))
        while (now := await context.session.send_request(request, Asked)).status == "working":
            await asyncio.sleep(0.1)
        if now.status != "completed" or now.result is None:
            raise AssertionError(f"the task is {now.status}")
        return types.CallToolResult.model_validate({**now.result, "_meta": {"was": "a task"}})


@asynccontextmanager
async def connect(asked: argparse.Namespace, url: str) -> AsyncIterator[features.Session]:
    news: asyncio.Queue[str] = asyncio.Queue()
    http = httpx2.AsyncClient(headers=driver.headers(asked), timeout=asked.timeout)
    server = streamable_http_client(url, http_client=http)
    extensions = [Tasks()] if url == asked.task_url else []
    async with http, Client(server, mode="auto", extensions=extensions, **features.answers(types)) as client:

        async def tools() -> set[str]:
            page = await client.list_tools()
            names = {tool.name for tool in page.tools}
            while page.next_cursor:
                page = await client.list_tools(cursor=page.next_cursor)
                names |= {tool.name for tool in page.tools}
            return names

        async def call(name: str, arguments: dict[str, Any], progress: Any = None) -> str:
            return features.called(await client.call_tool(name, arguments, progress_callback=progress))

        @asynccontextmanager
        async def follow(uri: str | None) -> AsyncIterator[None]:
            wanted = {"resource_subscriptions": [uri]} if uri else {"tools_list_changed": True}

            async def hear(stream: Any) -> None:
                async for event in stream:
                    if isinstance(event, ToolsListChanged):
                        news.put_nowait("tools")
                    if isinstance(event, ResourceUpdated):
                        news.put_nowait(str(event.uri))

            async with client.listen(**wanted) as stream:
                hearing = asyncio.create_task(hear(stream))
                try:
                    yield
                finally:
                    hearing.cancel()

        async def abandon(name: str, arguments: dict[str, Any]) -> None:
            started = asyncio.Event()

            async def begun(*_: Any) -> None:
                started.set()

            waiting = asyncio.create_task(call(name, arguments, begun))
            await started.wait()
            waiting.cancel()

        async def as_task(name: str, arguments: dict[str, Any]) -> str:
            result = await client.call_tool(name, arguments)
            if (result.meta or {}).get("was") != "a task":
                raise AssertionError("the call did not become a task")
            return features.called(result)

        yield features.Session(client.protocol_version, tools, call, follow, abandon, as_task, news)


if __name__ == "__main__":
    features.main(connect)
