"""The benchmark: the same requests to the bare upstream, to nginx before it, and to the gateway before it.

One machine, one run, one load generator. The order of the three alternates from repeat to repeat, so that a slow
minute of the machine does not fall on one of them; medians are reported. Writes target/bench/results.json and the
document that `report.py` makes of it.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import threading
import time

import load
import report
from endpoint import Endpoint, request
from peers import Gateway, echo, nginx

TARGETS = ("upstream", "nginx", "gateway")


class Case:
    """One kind of request, prepared for every target."""

    def __init__(self, name, era, method, seconds, work):
        self.name, self.era, self.method, self.seconds = name, era, method, seconds
        self.work, self.targets, self.listed = work, {}, {}

    def add(self, target, endpoint):
        """Prepares the request for one target, and proves that it is answered as it should be."""
        if self.era == "legacy":
            endpoint.initialize()
        tools, first = endpoint.tools(self.era)
        if self.method == "tools/call":
            name = next(tool["name"] for tool in tools if tool["name"].endswith("echo"))
            params = {"name": name, "arguments": {"text": "the quick brown fox"}}
            result = endpoint.ask(self.era, self.method, params, name)
            assert result["content"][0]["text"] == "the quick brown fox", result
        else:
            name, params = None, {}
            self.listed[target] = first
        body = self.work / f"{self.name.replace('/', '-').replace(' ', '-')}-{target}.json"
        body.write_bytes(request(self.era, self.method, params))
        self.targets[target] = (endpoint.url, body, endpoint.headers(self.era, self.method, name))

    def measure(self, target, connections):
        return load.run(*self.targets[target], connections, self.seconds)


def build_cases(options, work, started):
    """Starts every process, registers what the gateway serves, and prepares the requests."""
    gateway = Gateway(options.gateway, work, "gateway")
    started.append(gateway)
    gateway.start()
    call, table = options.seconds, max(1, options.seconds - 1)
    plan = [
        ("tools/call modern", "modern", "tools/call", call, 20, False),
        ("tools/call legacy", "legacy", "tools/call", call, 20, True),
        ("tools/list 20", "modern", "tools/list", table, 20, False),
        ("tools/list 1000", "modern", "tools/list", table, 1000, False),
    ]
    fronts, cases = {}, []
    for name, era, method, seconds, tools, legacy in plan:
        if (tools, legacy) not in fronts:
            fronts[tools, legacy] = front(options, work, started, gateway, tools, legacy)
        case = Case(name, era, method, seconds, work)
        for target, (url, token) in fronts[tools, legacy].items():
            case.add(target, Endpoint(url, token))
        cases.append(case)
    return gateway, cases


def front(options, work, started, gateway, tools, legacy):
    """One upstream and the two ways to it."""
    upstream = echo(options.echo, work, tools, legacy)
    proxy = nginx(upstream, work)
    started += [upstream, proxy]
    name = f"bench-{tools}-{'legacy' if legacy else 'modern'}"
    served = gateway.serve_tools_of(name, gateway.register(name, upstream))
    return {"upstream": (upstream.url, None), "nginx": (proxy.url, None), "gateway": (served.url, served.token)}


def measure_cases(cases, options):
    """Every case, connection count and target, `repeats` times."""
    samples = {}
    for repeat in range(options.repeats):
        order = TARGETS[repeat % 3:] + TARGETS[:repeat % 3]
        for case in cases:
            for connections in options.connections:
                for target in order:
                    sample = case.measure(target, connections)
                    samples.setdefault((case.name, connections, target), []).append(sample)
                    print(f"  {repeat + 1} {case.name:18} {connections:4} {target:9} {sample['rps']:10.0f} rps "
                          f"p50 {sample['p50']:.3f} ms", flush=True)
    return [
        {"case": name, "connections": connections, "target": target, "listed": listed(cases, name, target), **middle(runs)}
        for (name, connections, target), runs in samples.items()
    ]


def listed(cases, name, target):
    return next(case for case in cases if case.name == name).listed.get(target)


def middle(runs):
    rates = [run["rps"] for run in runs]
    medians = {key: statistics.median(run[key] for run in runs) for key in ("rps", "p50", "p99")}
    return medians | {"rps_min": min(rates), "rps_max": max(rates)}


def measure_memory(gateway, case, options):
    """Resident memory of the loaded gateway while 256 connections are served."""
    highest, done = [0], threading.Event()

    def watch():
        while not done.wait(0.1):
            highest[0] = max(highest[0], gateway.process.resident_kib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        case.measure("gateway", 256)
    finally:
        done.set()
        watcher.join()
    return highest[0]


def measure_start(options, work, started):
    """A gateway with one upstream: memory at rest, memory under load, and the time to the first answer."""
    upstream = echo(options.echo, work, 20)
    gateway = Gateway(options.gateway, work, "start")
    started += [upstream, gateway]
    gateway.start()
    endpoint = gateway.serve_tools_of("start", gateway.register("start", upstream))
    case = Case("start", "modern", "tools/call", options.seconds, work)
    health, first, idle = [], [], []
    for _ in range(options.repeats):
        gateway.stop()
        began = time.perf_counter()
        health.append(gateway.start() * 1e3)
        case.add("gateway", endpoint)
        first.append((time.perf_counter() - began) * 1e3)
        time.sleep(1)
        idle.append(gateway.process.resident_kib())
    loaded = measure_memory(gateway, case, options)
    return {
        "health_ms": statistics.median(health),
        "first_call_ms": statistics.median(first),
        "idle_kib": statistics.median(idle),
        "loaded_kib": loaded,
    }


def measure_registry(options, work, started):
    """The same call with 10, 1,000 and 10,000 tools registered; the three gateways take turns."""
    cases = {}
    for tools in (10, 1000, 10000):
        upstream = echo(options.echo, work, tools)
        gateway = Gateway(options.gateway, work, f"registry-{tools}")
        started += [upstream, gateway]
        gateway.start()
        gateway.register("bench", upstream)
        case = Case(f"registry {tools}", "modern", "tools/call", options.seconds, work)
        # The endpoint of everything visible: here the number of tools could tell.
        case.add("gateway", Endpoint(f"http://127.0.0.1:{gateway.port}/mcp", gateway.token()))
        cases[tools] = case
    runs = {tools: [] for tools in cases}
    for repeat in range(options.repeats):
        for tools in sorted(cases, reverse=repeat % 2 == 1):
            runs[tools].append(cases[tools].measure("gateway", 32))
    return [{"tools": tools, **middle(samples)} for tools, samples in runs.items()]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", type=pathlib.Path, help="the contextforge program; without it only (a) and (b)")
    parser.add_argument("--echo", type=pathlib.Path, required=True, help="the bench-echo program")
    parser.add_argument("--results", type=pathlib.Path, required=True, help="where the numbers go (JSON)")
    parser.add_argument("--document", type=pathlib.Path, required=True, help="where the report goes (Markdown)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one run of wrk")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32, 256])
    options = parser.parse_args()
    options.gateway, options.echo = options.gateway.resolve(), options.echo.resolve()
    return options


def main():
    options, started = arguments(), []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="contextforge-bench.") as folder:
        work = pathlib.Path(folder)
        work.chmod(0o755)
        try:
            print("start, memory", flush=True)
            start = measure_start(options, work, started)
            print("tools registered: 10, 1,000, 10,000", flush=True)
            registry = measure_registry(options, work, started)
            while started:
                started.pop().stop()
            print("requests", flush=True)
            _, cases = build_cases(options, work, started)
            rows = measure_cases(cases, options)
        finally:
            for process in reversed(started):
                process.stop()
    results = {
        "machine": report.machine(), "seconds": options.seconds, "repeats": options.repeats,
        "rows": rows, "start": start, "registry": registry,
    }
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(results, indent=1))
    options.document.write_text(report.markdown(results))
    print(f"took {time.monotonic() - began:.0f} s; wrote {options.document}")


if __name__ == "__main__":
    main()
