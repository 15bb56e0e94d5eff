"""What every Python driver of the matrix shares: options, running the steps, the one line of JSON.

A driver gives `main` a coroutine that connects and yields a `Session`. Each step is tried on its own, so that one
failure does not hide the others; a step that was not asked for is `-`.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any


@dataclass
class Session:
    """The four things a driver must be able to do, and the version that was negotiated."""

    era: str
    list_tools: Callable[[], Awaitable[int]]
    call_tool: Callable[[str, dict[str, Any]], Awaitable[Any]]
    read_resource: Callable[[str], Awaitable[Any]]
    get_prompt: Callable[[str, dict[str, str]], Awaitable[Any]]


Connect = Callable[[argparse.Namespace], AbstractAsyncContextManager[Session]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drives an MCP server once and prints one JSON line of results.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="address of the MCP endpoint")
    where.add_argument("--stdio", type=json.loads, metavar="JSON", help="command line of a stdio server, as an array")
    parser.add_argument("--token", help="bearer token")
    parser.add_argument("--tool", help="tool to call")
    parser.add_argument("--tool-args", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--expect", default="", help="text that the tool's result must contain")
    parser.add_argument("--resource", help="URI of the resource to read")
    parser.add_argument("--prompt", help="prompt to get")
    parser.add_argument("--prompt-args", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--timeout", type=float, default=20, help="seconds after which the whole run fails")
    return parser.parse_args()


def headers(asked: argparse.Namespace) -> dict[str, str]:
    return {"Authorization": f"Bearer {asked.token}"} if asked.token else {}


def main(client: str, connect: Connect) -> None:
    asked = options()
    line = {"client": client, "tools": 0, "call": "-", "resource": "-", "prompt": "-", "era": "-"}
    try:
        asyncio.run(asyncio.wait_for(_drive(connect, asked, line), asked.timeout))
    except BaseException as error:  # the line is the report: whatever happened must end up in it
        for step in ("call", "resource", "prompt"):
            if line[step] == "-":
                line[step] = _text(error)
    print(json.dumps(line))


async def _drive(connect: Connect, asked: argparse.Namespace, line: dict[str, Any]) -> None:
    async with connect(asked) as session:
        line["era"] = session.era
        line["tools"] = await session.list_tools()
        if asked.tool:
            line["call"] = await _step(session.call_tool(asked.tool, asked.tool_args), _called, asked.expect)
        if asked.resource:
            line["resource"] = await _step(session.read_resource(asked.resource), _filled, "")
        if asked.prompt:
            line["prompt"] = await _step(session.get_prompt(asked.prompt, asked.prompt_args), _filled, "")


async def _step(request: Awaitable[Any], check: Callable[[Any, str], str], expected: str) -> str:
    try:
        return check(await request, expected)
    except Exception as error:
        return _text(error)


def _called(result: Any, expected: str) -> str:
    is_error = getattr(result, "is_error", None) or getattr(result, "isError", None)
    if is_error:
        return f"tool error: {result.content}"
    if expected not in str(result.content):
        return f"expected {expected!r} in {result.content}"
    return "ok"


def _filled(items: Any, _expected: str) -> str:
    return "ok" if items else "empty result"


def _text(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".strip(": ")
