#!/usr/bin/env python3
"""Runs the protocol's own conformance suite against the gateway, and writes what came out as JSON.

    conformance.py --gateway-bin PATH --fixture-bin PATH --work DIR --out target/conformance.json

The suite speaks to `/servers/{id}/mcp` of a virtual server without a name prefix, once for each requirement set and
each upstream: our fixture modern, the same pinned to the handshake with sessions, and the same as a child process.
Passed is a scenario without a failed check. Scenarios that a set does not score are run and reported apart.
`--replicas 2` runs everything a second time against so many processes on one database, behind a proxy that sends
every request to the next one. `--clients` runs the suite's client scenarios too, with the gateway between its servers
and a plain client (`--upstream none`: nothing else). Exits with a failure when a scored scenario failed. `--direct`
leaves the gateway out, for comparison.
"""

import argparse
import json
import shutil
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.gateway import Gateway
from harness.peers import Questions, Server
from harness.processes import Processes, StartFailed, wait_until
from harness.round_robin import RoundRobin
from harness.suite import Score, Suite

REVISIONS = ("2026-07-28", "2025-11-25")
UPSTREAMS = ("modern", "legacy", "stdio")


def upstream(kind: str, fixture: Path, processes: Processes) -> Server:
    """The fixture as an upstream of one kind."""
    questions = Questions(tool="test_simple_text", tool_args={}, expect="")
    if kind == "stdio":
        return Server("conf-stdio", questions, command=(str(fixture), "--transport", "stdio"))
    process = processes.start(f"fixture-{kind}", [fixture, "--era", kind])
    process.wait_ready(10, lambda: process.first_line() is not None)
    return Server(f"conf-{kind}", questions, url=process.first_line() or "")


# Other processes follow a change within two seconds.
FOLLOWED = 10


def spread(gateway: Gateway, replicas: int, processes: Processes, urls: dict[str, str]) -> dict[str, str]:
    """The same endpoints at a proxy before so many gateways."""
    ports = [gateway.port, *(gateway.beside(processes) for _ in range(replicas - 1))]
    proxy = RoundRobin(ports)
    paths = {kind: url.removeprefix(gateway.base) for kind, url in urls.items()}
    for port in ports:
        for path in paths.values():
            wait_until(f"the server at {port}", FOLLOWED, lambda: serves(f"http://127.0.0.1:{port}{path}"))
    return {kind: proxy.base + path for kind, path in paths.items()}


def serves(url: str) -> bool:
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, ping, headers), timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


def run(asked: argparse.Namespace, work: Path, replicas: int = 1) -> dict[str, dict[str, Score]]:
    suite = Suite(asked.cache.resolve())
    fixture = asked.fixture_bin.resolve()
    kinds = [kind for kind in UPSTREAMS if asked.upstream in (None, kind)]
    revisions = [revision for revision in REVISIONS if asked.revision in (None, revision)]
    logs = work / "logs"
    logs.mkdir(parents=True)
    with Processes(logs) as processes:
        servers = {kind: upstream(kind, fixture, processes) for kind in kinds}
        if asked.direct:
            urls = {kind: server.url for kind, server in servers.items() if server.url}
        else:
            stdio = [server for server in servers.values() if not server.url]
            env = {"AUTH_REQUIRED": "false"}
            if replicas > 1:
                env |= {"REPLICA_URL": "http://127.0.0.1:0"} | ({"DATABASE_URL": asked.database} if asked.database else {})
            gateway = Gateway.start(asked.gateway_bin.resolve(), processes, work, stdio, env)
            urls = {kind: gateway.publish(server, prefix="none").url for kind, server in servers.items()}
            if replicas > 1:
                urls = spread(gateway, replicas, processes, urls)
        results: dict[str, dict[str, Score]] = {revision: {} for revision in revisions}
        jobs = [(revision, kind) for kind in urls for revision in revisions]
        with ThreadPoolExecutor(max_workers=2) as pool:
            scores = pool.map(
                lambda job: suite.run(urls[job[1]], job[0], work / "out" / job[0] / job[1], asked.scenario), jobs
            )
            for (revision, kind), score in zip(jobs, scores):
                results[revision][kind] = score
    return results


def run_clients(asked: argparse.Namespace, work: Path) -> dict[str, Score]:
    """The suite's client scenarios: it serves, a plain client asks the gateway, and it checks what reaches it."""
    suite = Suite(asked.cache.resolve())
    logs = work / "logs"
    logs.mkdir(parents=True)
    with Processes(logs) as processes:
        env = {"AUTH_REQUIRED": "false"}
        gateway = Gateway.start(asked.gateway_bin.resolve(), processes, work, [], env)
        client = Path(__file__).resolve().parent / "peers" / "conformance_client.py"
        command = f"{sys.executable} {client} --gateway {gateway.base} --token {gateway.token}"
        revisions = [revision for revision in REVISIONS if asked.revision in (None, revision)]
        return {
            revision: suite.run_clients(command, revision, work / "out" / revision, asked.scenario)
            for revision in revisions
        }


def figures_of(results: dict[str, dict[str, Score]]) -> dict[str, Any]:
    return {
        revision: {kind: score.as_json() for kind, score in by_kind.items()} for revision, by_kind in results.items()
    }


def report(results: dict[str, dict[str, Score]], only: str | None) -> int:
    """Prints the figures and the reasons of failures; gives the number of failed scored scenarios."""
    failures = passed = 0
    for revision, by_kind in results.items():
        for kind, score in by_kind.items():
            wanted = [name for name in score.failed if only in (None, name)]
            failures += len(wanted)
            passed += len(score.passed)
            rest = f"{len(score.unscored_passed)}/{len(score.unscored_passed) + len(score.unscored_failed)}"
            total = len(score.passed) + len(score.failed)
            print(f"{revision} {kind:7} {len(score.passed)}/{total} passed (not scored: {rest})")
            for name in [*wanted, *score.unscored_failed]:
                mark = "FAILED" if name in score.failed else "not scored, failed"
                for reason in score.reasons[name][:4] or ["no checks"]:
                    print(f"  {mark} {name}: {reason[:400]}")
    print(f"conformance: {passed} passed, {failures} failed")
    return failures


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway-bin", type=Path, help="the gateway to test")
    parser.add_argument("--direct", action="store_true", help="no gateway: the suite talks to the fixture")
    parser.add_argument("--fixture-bin", type=Path, required=True, help="the peer built from e2e/fixture")
    parser.add_argument("--work", type=Path, required=True, help="folder for this run's data and logs")
    parser.add_argument("--out", type=Path, help="where the figures go, as JSON")
    default = Path(__file__).resolve().parent.parent / "target" / "e2e"
    parser.add_argument("--cache", type=Path, default=default, help="where install.sh put the suite")
    parser.add_argument("--upstream", choices=[*UPSTREAMS, "none"], help="only this upstream")
    parser.add_argument("--clients", action="store_true", help="also the suite's client scenarios")
    parser.add_argument("--revision", choices=REVISIONS, help="only this requirement set")
    parser.add_argument("--scenario", help="only this scenario")
    parser.add_argument("--replicas", type=int, default=1, help="run also against so many processes without affinity")
    parser.add_argument("--database", help="their DATABASE_URL, a fresh one; SQLite without it")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run that succeeded")
    asked = parser.parse_args()
    if not asked.direct and asked.gateway_bin is None:
        parser.error("--gateway-bin or --direct is needed")
    return asked


def main() -> int:
    asked = options()
    asked.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="conformance-", dir=asked.work)).resolve()
    try:
        results = run(asked, work) if asked.upstream != "none" else {}
        spread_out = run(asked, work / "replicas", asked.replicas) if asked.replicas > 1 and results and not asked.direct else {}
        clients = run_clients(asked, work / "clients") if asked.clients and not asked.direct else {}
    except (StartFailed, RuntimeError, OSError) as error:
        print(f"conformance: {error}\nlogs are kept in {work / 'logs'}")
        return 1
    if asked.out:
        figures = {"server": figures_of(results), "client": {revision: score.as_json() for revision, score in clients.items()}}
        if spread_out:
            figures["server_replicas"] = figures_of(spread_out)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(figures, indent=2) + "\n")
    failures = report(results, asked.scenario)
    if spread_out:
        print(f"against {asked.replicas} processes without affinity:")
        failures += report(spread_out, asked.scenario)
    if clients:
        print("the gateway as a client:")
        failures += report({revision: {"client": score} for revision, score in clients.items()}, asked.scenario)
    if failures or asked.keep:
        print(f"logs are kept in {work}")
    else:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
