"""The processes that are measured: the echo server, nginx before it, the gateway before it. All on loopback."""

import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import time

from endpoint import Endpoint

ADMIN = "admin@example.com"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A child that is ended by its own id, and whose output is kept in a file."""

    def __init__(self, name, command, work, env=None):
        self.name, self.log = name, pathlib.Path(work) / f"{name}.log"
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(command, cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_for(self, port, path="/", seconds=60):
        """Returns when the port answers HTTP with anything."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            if get(port, path) is not None:
                return
            time.sleep(0.001)
        raise SystemExit(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def resident_kib(self):
        """Memory of the process and its children, in KiB."""
        total = 0
        for pid in [self.child.pid, *children(self.child.pid)]:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        return total

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def get(port, path):
    """Status of a GET, or nothing while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def echo(program, work, tools, legacy=False):
    port = free_port()
    name = f"echo-{'legacy' if legacy else 'modern'}-{tools}"
    options = ["--port", str(port), "--tools", str(tools), *(["--legacy"] if legacy else [])]
    process = Process(name, [program, *options], work)
    process.wait_for(port)
    process.port, process.url = port, f"http://127.0.0.1:{port}/mcp"
    return process


NGINX = """
worker_processes auto;
pid {work}/nginx-{port}.pid;
error_log {work}/nginx-{port}-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {work}/nginx-body;
    proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi;
    scgi_temp_path {work}/nginx-scgi;
    upstream echo {{
        server 127.0.0.1:{upstream};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 64 16k;
        }}
    }}
}}
"""


def nginx(upstream, work):
    """nginx as a plain reverse proxy that keeps its connections open."""
    port = free_port()
    config = pathlib.Path(work) / f"nginx-{port}.conf"
    config.write_text(NGINX.format(work=work, port=port, upstream=upstream.port))
    process = Process(f"nginx-{port}", ["nginx", "-p", str(work), "-c", str(config), "-g", "daemon off;"], work)
    process.wait_for(port)
    process.url = f"http://127.0.0.1:{port}/mcp"
    return process


class Gateway:
    """One gateway on a data folder of its own, with everything on that is on by default."""

    def __init__(self, program, work, name):
        self.program, self.work, self.name = program, pathlib.Path(work), name
        self.data = self.work / name
        self.secret = secrets.token_urlsafe(48)
        self.port = free_port()
        self.process = None

    def environment(self):
        settings = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "JWT_SECRET_KEY": self.secret,
            "AUTH_ENCRYPTION_SECRET": self.secret[::-1],
            "PLATFORM_ADMIN_EMAIL": ADMIN,
            "PLATFORM_ADMIN_PASSWORD": "Bench-" + self.secret[:24] + "-1!",
            # The upstream is on this machine.
            "SSRF_ALLOW_LOCALHOST": "true",
        }
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return kept | settings

    def start(self):
        """Starts and returns the seconds until /health answered."""
        began = time.perf_counter()
        command = [self.program, "--data-dir", str(self.data), "serve", "--quiet"]
        self.process = Process(self.name, command, self.work, self.environment())
        self.process.wait_for(self.port, "/health")
        return time.perf_counter() - began

    def stop(self):
        if self.process:
            self.process.stop()

    def token(self):
        command = [self.program, "--data-dir", str(self.data), "token", "create", "--username", ADMIN, "--admin"]
        command += ["--exp", "600", "--secret", self.secret, "--algo", "HS256"]
        done = subprocess.run(command, cwd=self.work, env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    def rest(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status not in (200, 201):
            raise SystemExit(f"{method} {path} was answered {reply.status}: {text[:500]!r}")
        return json.loads(text)

    def register(self, name, upstream):
        """Adds an upstream and returns its id."""
        body = {"name": name, "url": upstream.url, "transport": "STREAMABLEHTTP", "visibility": "public"}
        return self.rest("POST", "/gateways", body)["id"]

    def serve_tools_of(self, name, gateway_id):
        """Makes a virtual server of every tool of one upstream; returns its MCP endpoint."""
        tools = self.rest("GET", f"/tools?limit=0&gateway_id={gateway_id}")
        chosen = [tool["id"] for tool in tools if tool.get("gatewayId") == gateway_id]
        server = {"name": name, "associated_tools": chosen}
        made = self.rest("POST", "/servers", {"server": server, "visibility": "public"})
        return Endpoint(f"http://127.0.0.1:{self.port}/servers/{made['id']}/mcp", self.token())
