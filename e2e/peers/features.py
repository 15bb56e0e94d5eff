"""What a client and a server say to each other beyond asking and answering: each feature tried once, by its name.

A driver gives `main` a way to connect; what is tried, and what must come out, is the same for every client. The
servers are of e2e/fixture, and for tasks of the older revision the stock one that has them.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from driver import _text as text_of_error

WATCHED = "test://watched-resource"
STEP_LIMIT = 15
AGAIN = 1.5


@dataclass
class Session:
    """What a driver must be able to do; `news` is filled with "tools" or the URI of what was updated."""

    era: str
    tools: Callable[[], Awaitable[set[str]]]
    call: Callable[..., Awaitable[str]]
    follow: Callable[[str | None], AbstractAsyncContextManager[Any]]
    abandon: Callable[[str, dict[str, Any]], Awaitable[None]]
    as_task: Callable[[str, dict[str, Any]], Awaitable[str]]
    news: asyncio.Queue[str] = field(default_factory=asyncio.Queue)


Connect = Callable[[argparse.Namespace, str], AbstractAsyncContextManager[Session]]


def answers(types: ModuleType) -> dict[str, Any]:
    """The client's own answers to what servers ask; both lines of the SDK name types and callbacks alike."""

    async def elicit(_context: Any, _params: Any) -> Any:
        return types.ElicitResult(action="accept", content={"username": "ann", "email": "ann@example.com"})

    async def sample(_context: Any, _params: Any) -> Any:
        content = types.TextContent(type="text", text="Paris")
        return types.CreateMessageResult(role="assistant", content=content, model="none")

    async def roots(_context: Any) -> Any:
        return types.ListRootsResult(roots=[types.Root(uri="file:///srv/here")])

    return {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}


async def elicitation(session: Session, _asked: argparse.Namespace, _connect: Connect) -> None:
    expect("ann@example.com", await session.call("test_elicitation", {"message": "Who are you?"}))


async def sampling(session: Session, _asked: argparse.Namespace, _connect: Connect) -> None:
    expect("Paris", await session.call("test_sampling", {"prompt": "The capital of France?"}))


async def roots(session: Session, _asked: argparse.Namespace, _connect: Connect) -> None:
    expect("file:///srv/here", await session.call("test_input_required_result_list_roots", {}))


async def progress(session: Session, _asked: argparse.Namespace, _connect: Connect) -> None:
    heard: list[float] = []

    async def hear(so_far: float, _total: float | None, _message: str | None) -> None:
        heard.append(so_far)

    await session.call("test_tool_with_progress", {}, hear)
    expect("[0.0, 50.0, 100.0]", str([float(so_far) for so_far in heard]))


async def subscriptions(session: Session, asked: argparse.Namespace, connect: Connect) -> None:
    """A resource that is updated, and a tool that is new at the endpoint that shows everything."""
    async with session.follow(WATCHED):
        await until_heard(session, WATCHED, session, "touch", {"uri": WATCHED})
    async with connect(asked, asked.all_url) as everything, everything.follow(None):
        if asked.grown in await everything.tools():
            raise AssertionError("the tool is there before it was made")
        await until_heard(everything, "tools", session, "grow", {})
        while asked.grown not in await everything.tools():
            await until_heard(everything, "tools", session, "grow", {})


async def until_heard(listener: Session, news: str, session: Session, tool: str, arguments: dict[str, Any]) -> None:
    """Has the server tell it again until it is heard: nothing says when the stream of an older server is open."""
    while True:
        await session.call(tool, arguments)
        try:
            async with asyncio.timeout(AGAIN):
                while await listener.news.get() != news:
                    pass
                return
        except TimeoutError:
            continue


async def cancellation(session: Session, _asked: argparse.Namespace, _connect: Connect) -> None:
    """The server itself says whether it heard that nobody waits any more."""
    before = int(await session.call("cancelled", {}))
    await session.abandon("wait", {"milliseconds": 60_000})
    async with asyncio.timeout(STEP_LIMIT):
        while int(await session.call("cancelled", {})) <= before:
            await asyncio.sleep(0.05)


async def tasks(_session: Session, asked: argparse.Namespace, connect: Connect) -> None:
    async with connect(asked, asked.task_url) as session:
        ask = session.call if asked.answered_whole else session.as_task
        expect(asked.task_expect, await ask(asked.task_tool, asked.task_args))


FEATURES = (elicitation, sampling, roots, progress, subscriptions, cancellation, tasks)


def expect(wanted: str, got: str) -> None:
    if wanted not in got:
        raise AssertionError(f"expected {wanted!r} in {got!r}")


def called(result: Any) -> str:
    """The text of a tool's result, of either line of the SDK."""
    if getattr(result, "is_error", None) or getattr(result, "isError", None):
        raise AssertionError(f"tool error: {result.content}")
    return " ".join(getattr(block, "text", "") for block in result.content)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tries every feature once and prints one JSON line of results.")
    parser.add_argument("--url", required=True, help="endpoint that shows the server alone, under its own names")
    parser.add_argument("--all-url", required=True, help="endpoint that shows everything")
    parser.add_argument("--grown", required=True, help="name of the tool `grown` there")
    parser.add_argument("--token", required=True)
    parser.add_argument("--task-url", required=True, help="endpoint with a tool that becomes a task")
    parser.add_argument("--task-tool", required=True)
    parser.add_argument("--task-args", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--task-expect", default="")
    parser.add_argument("--answered-whole", action="store_true", help="the call must not become a task here")
    parser.add_argument("--timeout", type=float, default=60)
    return parser.parse_args()


def main(connect: Connect) -> None:
    asked = options()
    line = dict.fromkeys((feature.__name__ for feature in FEATURES), "not reached") | {"era": "-"}
    asyncio.run(_drive(connect, asked, line))
    print(json.dumps(line))


async def _drive(connect: Connect, asked: argparse.Namespace, line: dict[str, str]) -> None:
    try:
        async with asyncio.timeout(asked.timeout), connect(asked, asked.url) as session:
            line["era"] = session.era
            for feature in FEATURES:
                line[feature.__name__] = await _step(feature(session, asked, connect))
    except BaseException as error:  # the line is the report: whatever happened must end up in it
        name = next((name for name, state in line.items() if state == "not reached"), "era")
        line[name] = text_of_error(error)


async def _step(trying: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(STEP_LIMIT):
            await trying
    except Exception as error:
        return text_of_error(error)
    return "ok"
