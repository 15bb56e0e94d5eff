#!/usr/bin/env python3
"""Runs every stock client against every stock server, through the gateway, and prints the results as a table.

    matrix.py --gateway-bin PATH --fixture-bin PATH --work DIR     the real thing
    matrix.py --direct       --fixture-bin PATH --work DIR         clients against the servers, for comparison

Each client lists the tools, calls one, reads a resource and gets a prompt of each server, at that server's own
endpoint and at the one that shows all. A second table has the four cells of old and new clients and servers, with
what is said beyond asking and answering. Exits with a failure when any cell failed. Install the peers with install.sh.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.features import run_features
from harness.gateway import Endpoint, Gateway
from harness.peers import LEGACY, MODERN, Client, Installed, Server, clients, start_http_servers, stdio_servers
from harness.processes import Processes, StartFailed, run_bounded

CELL_LIMIT = 25
RUN_LIMIT = 230
STEPS = {"call": "T", "resource": "R", "prompt": "P"}
LEGEND = "T tool called, R resource read, P prompt got; m = negotiated 2026-07-28, l = an older revision; - not offered"


@dataclass(frozen=True)
class Job:
    """One cell: a client, where it goes, and what must come out."""

    row: str
    client: Client
    arguments: list[str]
    tools: int | None
    era: str | None


@dataclass(frozen=True)
class Cell:
    """What came out: the short text of the table, and the problems in full."""

    text: str
    problems: tuple[str, ...] = ()


NOT_POSSIBLE = Cell("no common era")


def through_gateway(endpoints: Sequence[Endpoint], token: str, everyone: Sequence[Client]) -> list[Job]:
    return [
        Job(
            end.name,
            client,
            ["--url", end.url, "--token", token, *end.questions.arguments()],
            end.tools,
            client.newest,
        )
        for end in endpoints
        for client in everyone
    ]


def directly(servers: Sequence[Server], everyone: Sequence[Client]) -> list[Job]:
    """Leaves out clients that lack the server's era, and the older HTTP transport, which the drivers lack."""
    jobs = []
    for server in servers:
        if server.transport == "SSE":
            continue
        where = ["--url", server.url] if server.url else ["--stdio", json.dumps(server.command)]
        for client in everyone:
            if not (server.modern_only and client.newest == LEGACY):
                jobs.append(Job(server.name, client, [*where, *server.questions.arguments()], None, None))
    return jobs


def run_cell(job: Job, end: float) -> Cell:
    limit = min(CELL_LIMIT, end - time.monotonic())
    if limit <= 0:
        return Cell("no time", (f"the run took longer than {RUN_LIMIT} s",))
    try:
        output, errors = run_bounded([*job.client.command, *job.arguments], job.client.env, limit)
    except subprocess.TimeoutExpired:
        return Cell("hung", (f"no result after {limit:.0f} s",))
    try:
        return judge(job, json.loads(output))
    except (ValueError, KeyError):
        return Cell("broken", (f"no report: {(output + errors).strip()[-800:]}",))


def judge(job: Job, report: dict[str, Any]) -> Cell:
    problems = [f"{step}: {report[step]}" for step in STEPS if report[step] not in ("ok", "-")]
    problems += [f"{step}: not tried" for step in STEPS if report[step] == "-" and f"--{option(step)}" in job.arguments]
    if report["tools"] == 0 or job.tools not in (None, report["tools"]):
        problems.append(f"tools: {report['tools']} listed, {job.tools or 'some'} expected")
    if job.era not in (None, report["era"]):
        problems.append(f"era: negotiated {report['era']}, expected {job.era}")
    letters = "".join({"ok": letter, "-": "-"}.get(report[step], "x") for step, letter in STEPS.items())
    era = "m" if report["era"] == MODERN else "l"
    return Cell(f"{'FAIL' if problems else 'ok'} {report['tools']} {letters} {era}", tuple(problems))


def option(step: str) -> str:
    return "tool" if step == "call" else step


def print_table(rows: Sequence[str], columns: Sequence[Client], cells: dict[tuple[str, str], Cell]) -> None:
    table = [["", *(client.name for client in columns)]]
    for row in rows:
        table.append([row, *(cells.get((row, client.name), NOT_POSSIBLE).text for client in columns)])
    widths = [max(len(line[column]) for line in table) for column in range(len(columns) + 1)]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    print(f"({LEGEND})")


def run_jobs(jobs: Sequence[Job], everyone: Sequence[Client], began: float, unpublished: Sequence[str] = ()) -> int:
    """Runs all cells, prints the table and what failed, and gives the number of failures.

    A server that could not be published fails as many cells as there are clients.
    """
    end = began + RUN_LIMIT
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda job: run_cell(job, end), jobs))
    cells = {(job.row, job.client.name): cell for job, cell in zip(jobs, results)}
    print_table(list(dict.fromkeys(job.row for job in jobs)), everyone, cells)
    for job, cell in zip(jobs, results):
        for problem in cell.problems:
            print(f"FAILED {job.client.name} -> {job.row}: {problem[:800]}")
    for problem in unpublished:
        print(f"FAILED {problem}")
    failed = sum(bool(cell.problems) for cell in results)
    passed = len(results) - failed
    failed += len(unpublished) * len(everyone)
    print(f"matrix: {passed} passed, {failed} failed")
    return failed


def run(asked: argparse.Namespace, work: Path) -> bool:
    began = time.monotonic()
    installed = Installed(asked.cache.resolve(), asked.fixture_bin.resolve())
    everyone = [client for client in clients(installed) if asked.client in (None, client.name)]
    logs = work / "logs"
    logs.mkdir()
    with Processes(logs) as processes:
        stdio = [server for server in stdio_servers(installed, work) if asked.server in (None, server.name)]
        http = [server for server in start_http_servers(installed, processes) if asked.server in (None, server.name)]
        if asked.direct:
            return run_jobs(directly([*stdio, *http], everyone), everyone, began) == 0
        gateway = Gateway.start(asked.gateway_bin.resolve(), processes, work, stdio)
        endpoints, unpublished = gateway.publish_all([*stdio, *http])
        print(f"{len(endpoints)} endpoints are up after {time.monotonic() - began:.1f} s")
        failed = run_jobs(through_gateway(endpoints, gateway.token, everyone), everyone, began, unpublished)
        if asked.client is None and asked.server is None:
            failed += run_features(installed, processes, gateway)
        status = gateway.process.stop()
        if status != 0:
            print(f"FAILED the gateway ended with status {status} when it was asked to stop")
        if failed or status:
            print(f"the gateway's log ends with:\n{gateway.process.log_tail(40)}")
        return failed == 0 and status == 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--gateway-bin", type=Path, help="the gateway to test")
    what.add_argument("--direct", action="store_true", help="no gateway: clients talk to the servers")
    parser.add_argument("--fixture-bin", type=Path, required=True, help="the peer built from e2e/fixture")
    parser.add_argument("--work", type=Path, required=True, help="folder for this run's data and logs")
    default = Path(__file__).resolve().parent.parent / "target" / "e2e"
    parser.add_argument("--cache", type=Path, default=default, help="where install.sh put the peers")
    parser.add_argument("--client", help="only this client")
    parser.add_argument("--server", help="only this server")
    return parser.parse_args()


def main() -> int:
    asked = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="matrix-", dir=asked.work)).resolve()
    try:
        succeeded = run(asked, work)
    except (StartFailed, RuntimeError, OSError) as error:
        print(f"matrix: {error}")
        succeeded = False
    if succeeded:
        shutil.rmtree(work, ignore_errors=True)
    else:
        print(f"logs are kept in {work / 'logs'}")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
