"""The four cells of the matrix: clients of either era on servers of either era, and everything they can say.

Each cell has a server of its own, because a list can change only once. Of the stock clients these are the official
Python ones: every feature can be driven with them. Tasks of the older revision come from the stock server that has
them. No client of the older revision is told of tasks of the extension, which are another thing on the wire: there, a
call has to be answered when the work is done, and the table says so.
"""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.gateway import Gateway
from harness.peers import LEGACY, MODERN, PEERS, Installed
from harness.processes import Processes, run_bounded

FEATURES = ("elicitation", "sampling", "roots", "progress", "subscriptions", "cancellation", "tasks")
CELL_LIMIT = 60
START_LIMIT = 30
CLIENTS = {"modern": ("python-2", "mcp2", MODERN), "legacy": ("python-1", "mcp1", LEGACY)}
# The stock server of the older revision that has tasks, by its name in the first table.
TASKS_OF_THE_REVISION = "everything-http"
ANSWERED_WHOLE = ("legacy", "modern")


@dataclass(frozen=True)
class Cell:
    """A client of one era on a server of the other, or the same."""

    client: str
    server: str
    arguments: list[str]

    @property
    def name(self) -> str:
        return f"{self.client} client, {self.server} server"


def run_features(installed: Installed, processes: Processes, gateway: Gateway) -> int:
    """Runs the cells, prints the table and what failed, and gives the number of failures."""
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        cells = [publish(installed, processes, gateway, client, server) for client in CLIENTS for server in CLIENTS]
        reports = list(pool.map(lambda cell: run_cell(installed, gateway, cell), cells))
    rows = [["", *(cell.name for cell in cells)]]
    problems, tried = [], 0
    for feature in ("era", *FEATURES):
        row = [feature]
        for cell, report in zip(cells, reports):
            outcome = report.get(feature, report.get("trouble", "no report"))
            good = outcome == (CLIENTS[cell.client][2] if feature == "era" else "ok")
            tried += 1
            whole = feature == "tasks" and (cell.client, cell.server) == ANSWERED_WHOLE
            row.append(f"{outcome}{' (no task: answered when done)' if whole else ''}" if good else "FAIL")
            if not good:
                problems.append(f"FAILED {feature}, {cell.name}: {outcome[:800]}")
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    for problem in problems:
        print(problem)
    print(f"(clients: {', '.join(name for name, _, _ in CLIENTS.values())}; {time.monotonic() - began:.1f} s)")
    print(f"matrix: {tried - len(problems)} passed, {len(problems)} failed")
    return len(problems)


def publish(installed: Installed, processes: Processes, gateway: Gateway, client: str, server: str) -> Cell:
    name = f"features-{client}-{server}"
    started = processes.start(name, [installed.fixture, "--era", server])
    started.wait_ready(START_LIMIT, started.first_line)
    url = gateway.publish_whole(name, started.first_line() or "")
    if server == "modern":
        task_url, task = url, ("slow_compute", {"seconds": 0.5}, "Computed")
    else:
        task_url = gateway.alone(TASKS_OF_THE_REVISION, f"{name}-tasks")
        task = ("simulate-research-query", {"topic": "tea"}, "tea")
    words = ["--url", url, "--all-url", f"{gateway.base}/mcp", "--grown", f"{name}-grown", "--task-url", task_url]
    words += ["--task-tool", task[0], "--task-args", json.dumps(task[1]), "--task-expect", task[2]]
    if (client, server) == ANSWERED_WHOLE:
        words.append("--answered-whole")
    return Cell(client, server, words)


def run_cell(installed: Installed, gateway: Gateway, cell: Cell) -> dict[str, str]:
    python = installed.python(CLIENTS[cell.client][1])
    driver = str(PEERS / f"{CLIENTS[cell.client][1]}_features.py")
    try:
        output, errors = run_bounded([python, driver, *cell.arguments, "--token", gateway.token], {}, CELL_LIMIT)
    except subprocess.TimeoutExpired:
        return {"trouble": f"no result after {CELL_LIMIT} s"}
    try:
        return json.loads(output)
    except ValueError:
        return {"trouble": f"no report: {(output + errors).strip()[-800:]}"}
