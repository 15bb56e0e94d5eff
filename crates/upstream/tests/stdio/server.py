"""A server for the tests of stdio links. The first argument says how it behaves, the second is a port to report to."""
import json
import os
import signal
import socket
import subprocess
import sys

mode, port = sys.argv[1], int(sys.argv[2])
version = "2025-06-18"
cancelled, held, seen = [], [], []


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def report():
    """A connection to the test: it ends when this process does."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"{os.getpid()}\n".encode())
    return connection


def discover(ident):
    if mode in ("modern", "slow"):
        capabilities = {"tools": {"listChanged": True}, "prompts": {"listChanged": False}, "resources": {}}
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities,
                  "instructions": "be kind", "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "py"}}}
        send(id=ident, result=result)
    elif mode == "touchy":
        sys.exit(9)
    elif mode != "silent":
        send(id=ident, error={"code": -32602, "message": "Invalid request parameters", "data": ""})


def ask(method):
    send(id="q", method=method)
    answer = receive()
    return answer.get("result", answer.get("error", {}).get("code"))


def call(ident, method, params):
    answer = lambda result: send(id=ident, result=result)
    if method == "hold":
        held.append((ident, params["n"]))
        if len(held) == 3:
            for ident, n in reversed(held):
                send(id=ident, result={"n": n})
    elif method == "params":
        answer(params)
    elif method == "progress":
        token = params["_meta"]["progressToken"]
        for step in (1, 2):
            send(method="notifications/progress", params={"progressToken": token, "progress": step})
        send(method="notifications/progress", params={"progressToken": 10**6, "progress": 9})
        if not params.get("hang"):
            answer({"done": True})
    elif method == "hang":
        pass
    elif method == "cancelled":
        answer({"cancelled": cancelled})
    elif method == "seen":
        answer({"seen": seen})
    elif method == "changed":
        send(method="notifications/tools/list_changed")
        answer({})
    elif method == "ask":
        answer({"ping": ask("ping"), "sampling": ask("sampling/createMessage")})
    elif method == "noise":
        print("Listening for \x1b[31mmessages\nnull\n{\"a\": 1}\n\n", flush=True)
        print(json.dumps([{"jsonrpc": "2.0", "id": ident, "result": {"batched": True}}]), flush=True)
    elif method == "environment":
        answer({"names": sorted(os.environ), "cwd": os.getcwd(), "key": os.environ.get("KEY")})
    elif method == "crash":
        os._exit(3)
    elif method == "long":
        sys.stdout.write("x" * (1 << 20))
        sys.stdout.flush()
    elif method == "flood":
        for n in range(20000):
            sys.stderr.write(f"line {n} " + "y" * (5000 if n % 1000 == 0 else 20) + "\n")
        sys.stderr.write("the last\n")
        answer({})
    elif method == "grandchild":
        stubborn = ("import signal, socket, os; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
                    f"s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'%d\\n' % os.getpid()); s.recv(1)")
        subprocess.Popen([sys.executable, "-c", stubborn])
        answer({})
    elif method == "escape":
        gone, tell = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.write(tell, b"!")
            report().recv(1)
            os._exit(0)
        os.read(gone, 1)
        os._exit(4)


if mode in ("slow", "reporting"):
    connection = report()
if mode == "slow":
    connection.recv(1)
if mode == "broken":
    sys.exit(7)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = report()
while True:
    message = receive()
    method, ident = message.get("method"), message.get("id")
    seen.append(method)
    if method == "server/discover":
        discover(ident)
    elif method == "initialize" and mode in ("modern", "slow"):
        send(id=ident, error={"code": -32022, "message": "no handshakes here"})
    elif method == "initialize":
        capabilities = {"tools": {"listChanged": True}}
        send(id=ident, result={"protocolVersion": version, "capabilities": capabilities, "serverInfo": {"name": "old"}})
    elif method == "notifications/cancelled":
        cancelled.append(message["params"]["requestId"])
    elif ident is not None:
        call(ident, method, message.get("params", {}))
