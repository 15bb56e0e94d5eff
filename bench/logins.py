#!/usr/bin/env python3
"""What the time of an answer tells of an account: logins that fail, and requests that must not say who is known.

Every kind is tried as often, in random turns, so that what else the machine does falls on all of them alike. The floor under
failed logins (FAILED_LOGIN_MIN_RESPONSE_MS) is off, so that it is the work that is compared; Argon2id is as in
production. Prints medians, and fails where two of a group are further apart than allowed.

    cargo build --release && python3 bench/logins.py --gateway-bin target/release/contextforge
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

ADMIN = "admin@example.com"
PASSWORD = "Correct-horse-battery-staple-9"
WRONG = "not-the-password-1"


class Gateway:
    """A gateway on a fresh database, and one connection to it."""

    def __init__(self, program, work, memory):
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "JWT_SECRET_KEY": "9c2f6a1e5b7d4830-bench-signing-key-4f1d8a",
            "AUTH_ENCRYPTION_SECRET": "v8-bench-encryption-secret_that-is-long_7Rw2",
            "PLATFORM_ADMIN_PASSWORD": PASSWORD,
            "PORT": "0",
            "LOG_LEVEL": "error",
            "RATE_LIMIT_LOGIN": "0",
            "PASSWORD_RESET_RATE_LIMIT": "0",
            "FAILED_LOGIN_MIN_RESPONSE_MS": "0",
        }
        if memory:
            variables |= {"ARGON2ID_MEMORY_COST": str(memory), "ARGON2ID_TIME_COST": "1"}
        command = [program, "--data-dir", str(work / "data"), "serve"]
        self.process = subprocess.Popen(command, cwd=work, env=variables, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.strip().startswith("MCP endpoint"):
                authority = re.search(r"http://([^/]+)/mcp", line).group(1)
                break
        else:
            raise SystemExit("the gateway did not start")
        self.connection = http.client.HTTPConnection(authority, timeout=60)

    def send(self, method, path, body, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        began = time.perf_counter()
        self.connection.request(method, path, json.dumps(body), headers)
        reply = self.connection.getresponse()
        text = reply.read()
        return reply.status, text, (time.perf_counter() - began) * 1000

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def expect(answer, *statuses):
    if answer[0] not in statuses:
        raise SystemExit(f"answered {answer[0]}: {answer[1][:300]!r}")
    return answer


def prepare(gateway):
    """Four accounts: one to try passwords at, one that is switched off, one that is locked, one that stays."""
    login = expect(gateway.send("POST", "/auth/login", {"email": ADMIN, "password": PASSWORD}), 200)
    token = json.loads(login[1])["access_token"]
    for name in ("known", "disabled", "locked"):
        account = {"email": f"{name}@example.com", "password": PASSWORD, "full_name": name}
        expect(gateway.send("POST", "/auth/email/admin/users", account, token), 201)
    off = {"is_active": False}
    expect(gateway.send("PUT", "/auth/email/admin/users/disabled@example.com", off, token), 200)
    for _ in range(20):
        expect(gateway.send("POST", "/auth/login", {"email": "locked@example.com", "password": WRONG}), 401)
    expect(gateway.send("POST", "/auth/login", {"email": "locked@example.com", "password": PASSWORD}), 401)
    return token


def measure(gateway, token, tries):
    """The times of every kind, and for each group which kinds must not be told apart."""
    def login(name, password):
        return lambda: gateway.send("POST", "/auth/login", {"email": f"{name}@example.com", "password": password})

    def forgot(name):
        return lambda: gateway.send("POST", "/auth/email/forgot-password", {"email": f"{name}@example.com"})

    groups = {
        "login": {
            "unknown user": login("nobody", WRONG),
            "wrong password": login("known", WRONG),
            "disabled, right password": login("disabled", PASSWORD),
            "disabled, wrong password": login("disabled", WRONG),
            "locked, right password": login("locked", PASSWORD),
            "locked, wrong password": login("locked", WRONG),
        },
        "forgotten password": {"unknown address": forgot("nobody"), "known address": forgot("known")},
    }
    times = {group: {kind: [] for kind in kinds} for group, kinds in groups.items()}
    bodies = {group: set() for group in groups}
    for n in range(tries):
        if n % 4 == 0:
            # The account that passwords are tried at is not to be locked meanwhile.
            expect(gateway.send("POST", "/auth/email/admin/users/known@example.com/unlock", {}, token), 200)
        # What is done beside one request must not fall on the same one after it each time.
        turns = [(group, kind, ask) for group, kinds in groups.items() for kind, ask in kinds.items()]
        random.shuffle(turns)
        for group, kind, ask in turns:
            status, text, took = ask()
            bodies[group].add((status, text))
            times[group][kind].append(took)
    return times, bodies


def report(times, bodies, apart):
    fine = True
    for group, kinds in times.items():
        medians = {kind: statistics.median(took) for kind, took in kinds.items()}
        for kind, took in kinds.items():
            quartiles = statistics.quantiles(took, n=4)
            print(f"{group:20} {kind:26} median {medians[kind]:8.3f} ms  quartiles {quartiles[0]:.3f} {quartiles[2]:.3f}")
        spread = max(medians.values()) - min(medians.values())
        same = len(bodies[group]) == 1
        fine = fine and spread <= apart and same
        print(f"{group:20} medians are {spread:.3f} ms apart (at most {apart}); answers are {'the same' if same else 'NOT the same'}")
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway-bin", required=True)
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--apart", type=float, default=5.0, help="milliseconds between two medians of a group")
    parser.add_argument("--memory", type=int, help="KiB for one pass of Argon2id; little shows the rest of the work better")
    options = parser.parse_args()
    program = str(pathlib.Path(options.gateway_bin).resolve())
    with tempfile.TemporaryDirectory(prefix="contextforge-logins.") as work:
        gateway = Gateway(program, pathlib.Path(work), options.memory)
        try:
            token = prepare(gateway)
            fine = report(*measure(gateway, token, options.tries), options.apart)
        finally:
            gateway.stop()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
