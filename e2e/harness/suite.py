"""The protocol's own conformance suite: which scenarios it has, how it is run, and what came out.

Passed is a scenario without a failed check.
"""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.processes import run_bounded

SUITE_LIMIT = 400
CLIENT_LIMIT = 60


@dataclass
class Score:
    """What came out of one run of the suite."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unscored_passed: list[str] = field(default_factory=list)
    unscored_failed: list[str] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": len(self.passed),
            "total": len(self.passed) + len(self.failed),
            "failed": self.failed,
            "unscored": {
                "passed": len(self.unscored_passed),
                "total": len(self.unscored_passed) + len(self.unscored_failed),
                "failed": self.unscored_failed,
            },
        }


class Suite:
    """The installed suite."""

    def __init__(self, cache: Path) -> None:
        modules = cache / "node" / "node_modules"
        self.package = modules / "@modelcontextprotocol" / "conformance"
        self.command = [str(modules / ".bin" / "node"), str(self.package / "dist" / "index.js")]

    def scored(self, revision: str, leg: str = "server") -> set[str]:
        """The scenarios that count; the requirement file has them as a plain list below `server:` and `client:`."""
        section = re.search(rf"^{leg}:\n((?:(?: .*|#.*)?\n)*)", self._requirements(revision), re.MULTILINE)
        return set(re.findall(r"^\s+- (\S+)", section.group(1), re.MULTILINE)) if section else set()

    def _requirements(self, revision: str) -> str:
        return (self.package / "requirements" / f"{revision}.yaml").read_text()

    def run_clients(self, command: str, revision: str, out: Path, scenario: str | None) -> Score:
        """Has the suite start the command for each client scenario that is not about obtaining tokens."""
        scored = {name for name in self.scored(revision, "client") if not name.startswith("auth/")}
        extra = re.findall(r"^\s+- scenario: (\S+)\n\s+leg: client$", self._requirements(revision), re.MULTILINE)
        names = [name for name in sorted({*scored, *extra}) if not name.startswith("auth/")]
        names = [name for name in names if scenario in (None, name)]
        troubles = {}
        for name in names:
            what = ["--scenario", name, "--spec-version", revision, "-o", str(out)]
            try:
                output, errors = run_bounded([*self.command, "client", "--command", command, *what], {}, CLIENT_LIMIT)
            except subprocess.TimeoutExpired:
                output, errors = "", f"the scenario took longer than {CLIENT_LIMIT} s"
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.log").write_text(output + errors)
            troubles[name] = "Client exited with code" in errors
        score = self.judge(out, scored.intersection(names))
        for name in [name for name in score.passed if troubles[name]]:
            score.passed.remove(name)
            score.failed.append(name)
            score.reasons[name] = ["the client gave up"]
        return score

    def run(self, url: str, revision: str, out: Path, scenario: str | None) -> Score:
        what = ["--requirements", revision]
        if scenario:
            what = ["--scenario", scenario, "--spec-version", revision]
        command = [*self.command, "server", "--url", url, *what, "-o", str(out)]
        try:
            output, errors = run_bounded(command, {}, SUITE_LIMIT)
        except subprocess.TimeoutExpired:
            output, errors = "", f"the suite took longer than {SUITE_LIMIT} s"
        out.mkdir(parents=True, exist_ok=True)
        (out / "suite.log").write_text(output + errors)
        return self.judge(out, self.scored(revision))

    def judge(self, out: Path, scored: set[str]) -> Score:
        score = Score()
        seen = set()
        for file in sorted(out.glob("**/checks.json")):
            name = re.sub(r"^server-", "", file.parent.name, count=1)
            name = re.sub(r"-\d{4}-\d{2}-\d{2}T.*$", "", name)
            checks = json.loads(file.read_text())
            reasons = [
                f"{check.get('id')}: {check.get('errorMessage', '')}" for check in checks if check["status"] == "FAILURE"
            ]
            seen.add(name)
            score.reasons[name] = reasons
            passed, failed = (score.passed, score.failed) if name in scored else (score.unscored_passed, score.unscored_failed)
            (failed if reasons or not checks else passed).append(name)
        for name in sorted(scored - seen):
            score.failed.append(name)
            score.reasons[name] = ["the suite wrote no result"]
        return score
