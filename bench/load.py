"""One run of wrk: a prepared request at a number of connections for a few seconds."""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def run(url, body, headers, connections, seconds):
    """Requests per second and latencies in milliseconds. Any failed request ends the benchmark."""
    threads = min(2, connections)
    command = ["wrk", "--latency", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s"]
    command += ["-s", str(HERE / "post.lua"), url, "--", str(body), *(f"{name}:{value}" for name, value in headers.items())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    return parse(done.stdout + done.stderr, url)


def parse(output, url):
    trouble = re.search(r"Non-2xx.*|Socket errors: (?!connect 0, read 0, write 0, timeout 0).*", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if trouble or not rate:
        raise SystemExit(f"wrk on {url}: {trouble[0] if trouble else output}")
    quantile = dict(re.findall(r"(50|99)%\s+([\d.]+(?:us|ms|s|m))", output))
    return {"rps": float(rate[1]), "p50": milliseconds(quantile["50"]), "p99": milliseconds(quantile["99"])}
