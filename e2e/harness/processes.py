"""Processes of one run: started in groups of their own, waited for by what they say, ended with the run.

Only processes that were started here are ever signalled.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# How often a condition is looked at again while it is waited for.
LOOK_AGAIN = 0.03


class StartFailed(Exception):
    """A process ended or stayed silent before it was ready; the text holds the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def wait_until(what: str, limit: float, condition: Callable[[], object], pause: float = LOOK_AGAIN) -> None:
    """Waits until the condition holds, for at most `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise StartFailed(f"{what}: not after {limit:g} s")
        time.sleep(pause)


@dataclass
class Started:
    """One running process and the files that hold what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def first_line(self) -> str | None:
        """The first complete line on its standard output."""
        line, end, _ = self.output.read_text(errors="replace").partition("\n")
        return line if end else None

    def log_tail(self, lines: int = 20) -> str:
        """The end of what it printed, without the lines about answered requests."""
        texts = [path.read_text(errors="replace") for path in (self.output, self.errors)]
        telling = [line for line in "\n".join(texts).splitlines() if '"target":"access"' not in line]
        return "\n".join(telling[-lines:]).strip()

    def wait_ready(self, limit: float, condition: Callable[[], object]) -> None:
        """Waits until the condition holds; fails at once when the process ends before that."""

        def ready_or_ended() -> bool:
            return bool(condition()) or self.process.poll() is not None

        try:
            wait_until(self.name, limit, ready_or_ended)
        except StartFailed as error:
            raise StartFailed(f"{error}\n{self.log_tail()}") from None
        if not condition():
            raise StartFailed(f"{self.name}: ended with status {self.process.returncode}\n{self.log_tail()}")

    def stop(self, limit: float = 10) -> int:
        """Ends the process politely, its whole group forcibly, and gives its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        end_group(self.process)
        return status


@dataclass
class Processes:
    """Everything that a run started; use it in a `with` block."""

    logs: Path
    started: list[Started] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Started:
        output, errors = self.logs / f"{name}.out", self.logs / f"{name}.err"
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=clean_environment(env),
                cwd=cwd or self.logs,
                start_new_session=True,
            )
        self.started.append(Started(name, process, output, errors))
        return self.started[-1]

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_reason: object) -> None:
        for started in reversed(self.started):
            started.stop()


def run_bounded(command: Sequence[str], env: Mapping[str, str], limit: float) -> tuple[str, str]:
    """Runs a command to its end and gives what it printed; past the limit its whole group is ended."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(env),
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=limit)
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[Any]) -> None:
    """Ends what is left of a process group that was started here."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a peer needs of our environment, so that no setting of the caller leaks into a run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(extra or {})
