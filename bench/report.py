"""Turns the numbers of a run into docs/benchmarks.md: ratios against the bars first, then everything measured.

`python3 bench/report.py RESULTS DOCUMENT` writes the document again from kept numbers.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys

HEAD = """# Benchmarks

Written by `make bench`; do not edit. One run on one machine: the load generator (wrk), the upstream (a raw hyper
server that copies an argument into its answer), nginx and the gateway share its cores. The gateway verifies the
token, decides on permission and visibility, counts and audits, as it does by default. nginx does none of that: it is
the plain reverse proxy that marks what any hop costs. Medians of {repeats} runs of {seconds} s, in alternating order.

Machine: {cpu}, {cores} cores, {memory} of memory, {system}. {versions}.
"""


def machine():
    """What the numbers were measured on; no names."""
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return {
        "cpu": cpu[1].strip() if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{memory / 2**20:.0f} GiB",
        "system": f"Linux {platform.release().split('-')[0]}",
        "versions": ", ".join(filter(None, map(version, (("wrk", "-v"), ("nginx", "-v"), ("rustc", "--version"))))),
    }


def version(command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+[\d.]*", done.stdout + done.stderr)
    return f"{command[0]} {found[0]}" if found else ""


def markdown(results):
    cells = {(row["case"], row["connections"], row["target"]): row for row in results["rows"]}
    head = HEAD.format(repeats=results["repeats"], seconds=results["seconds"], **results["machine"])
    parts = [head, bars(cells, results), requests(cells), registry(results["registry"]), rest(results["start"]), OTHERS]
    return "\n".join(parts)


def bars(cells, results):
    lines = ["## Ratios and bars\n", "| what | measured | bar | |", "|---|---|---|---|"]
    for case in sorted({case for case, _, _ in cells if case.startswith("tools/call")}):
        for connections in (32, 256):
            if (case, connections, "gateway") in cells:
                ratio = cells[case, connections, "gateway"]["rps"] / cells[case, connections, "nginx"]["rps"]
                lines.append(bar(f"{case}, {connections} connections: throughput against nginx", ratio, 0.6, "{:.2f}", True))
        if (case, 1, "gateway") in cells:
            added = cells[case, 1, "gateway"]["p50"] - cells[case, 1, "nginx"]["p50"]
            lines.append(bar(f"{case}, 1 connection: added median latency over nginx", added, 0.1, "{:.3f} ms"))
    rates = {row["tools"]: row["rps"] for row in results["registry"]}
    cost = (rates[10] / rates[10000] - 1) * 100
    start = results["start"]
    lines.append(bar("10,000 registered tools against 10: added cost per call", cost, 5, "{:.1f} %"))
    lines.append(bar("idle memory", start["idle_kib"] / 1024, 20, "{:.1f} MiB"))
    lines.append(bar("memory at 256 connections", start["loaded_kib"] / 1024, 60, "{:.1f} MiB"))
    lines.append(bar("start to first answer, existing database", start["health_ms"], 150, "{:.0f} ms"))
    return "\n".join(lines) + "\n"


def bar(what, value, limit, form, at_least=False):
    met = value >= limit if at_least else value <= limit
    sign = "≥" if at_least else "≤"
    return f"| {what} | {form.format(value)} | {sign} {limit:g} | {'met' if met else '**missed**'} |"


def requests(cells):
    lines = ["## Requests\n"]
    for case in dict.fromkeys(case for case, _, _ in cells):
        lines += [f"### {case}\n"]
        lines += ["| connections | through | requests/s | of nginx | lowest to highest | median ms | 99th ms |",
                  "|---:|---|---:|---:|---|---:|---:|"]
        for connections in sorted({number for name, number, _ in cells if name == case}):
            for target in ("upstream", "nginx", "gateway"):
                row = cells.get((case, connections, target))
                if row:
                    lines.append(request_row(row, cells[case, connections, "nginx"]["rps"]))
        sizes = {cells[key]["listed"] for key in cells if key[0] == case and cells[key]["listed"]}
        lines += ["", f"Tools in one answer: {', '.join(map(str, sorted(sizes)))}.\n"] if sizes else [""]
    return "\n".join(lines)


def request_row(row, nginx):
    return (f"| {row['connections']} | {row['target']} | {row['rps']:,.0f} | {row['rps'] / nginx:.2f} "
            f"| {row['rps_min']:,.0f} to {row['rps_max']:,.0f} | {row['p50']:.3f} | {row['p99']:.3f} |")


def registry(rows):
    lines = ["## The same call with more tools registered (32 connections, at `/mcp`)\n",
             "| registered tools | requests/s | lowest to highest | median ms |", "|---:|---:|---|---:|"]
    for row in rows:
        lines.append(f"| {row['tools']:,} | {row['rps']:,.0f} | {row['rps_min']:,.0f} to {row['rps_max']:,.0f} | {row['p50']:.3f} |")
    return "\n".join(lines) + "\n"


def rest(start):
    return f"""## Start and memory

One upstream with 20 tools, a database that exists, resident memory of the process.

| what | measured |
|---|---:|
| start to the first answer (`/health`) | {start['health_ms']:.0f} ms |
| start to a tool list and a tool call that went to the upstream | {start['first_call_ms']:.0f} ms |
| memory at rest | {start['idle_kib'] / 1024:.1f} MiB |
| highest memory while 256 connections call a tool | {start['loaded_kib'] / 1024:.1f} MiB |
"""


OTHERS = """## Others

Not measured by this run; for the order of magnitude, from an earlier one with the same upstream, two cores and 32
connections: upstream alone 47,000 requests/s, nginx 31,000, agentgateway 1.3.1 with token check and policy 6,000
(0.19 of nginx, +0.35 ms at one connection, 103 MB), without them 9,100, ContextForge 1.0.7 (Python) 12 to 15.
"""


if __name__ == "__main__":
    numbers, document = map(pathlib.Path, sys.argv[1:3])
    document.write_text(markdown(json.loads(numbers.read_text())))
