"""Runs the suite: `python tests/run.py [quick]`, and says meanwhile what runs and how far it is.

What drives browsers and what runs commands run beside the rest, since tests wait more than they work; what plays and
hears sound runs alone after them, since a busy machine drops some of it. `quick` leaves out browsers, sound, Pipecat's
pipelines and whatever takes more than a few seconds: the manifest, binding and the processor, and a look at the server.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
QUIET_S: Final = 30
"""After so long without a finished line, the unfinished one is shown."""

QUICK: Final = (
    *("-m", "not browser and not sound and not slow and not pipelines"),
    *("tests/meta", "tests/protocol", "tests/schema", "tests/manifest", "tests/binding", "tests/processor"),
    *("tests/responders", "tests/jobs", "tests/server/test_handshake.py", "tests/server/test_actions.py"),
    *("tests/server/test_start.py", "tests/server/test_access.py"),
)
BROWSERS: Final = ("-m", "browser and not sound", "-p", "no:cacheprovider")
APART: Final = (
    *("tests/benchmarks", "tests/cli", "tests/docs", "tests/edge", "tests/packages"),
    "tests/whole/test_memory.py",
)
"""Tests that mostly wait for processes that they start."""
COMMANDS: Final = ("-m", "not browser and not sound", "-p", "no:cacheprovider", *APART)
REST: Final = ("-m", "not browser and not sound", *(f"--ignore={path}" for path in APART))
SOUND: Final = ("-m", "sound")


@dataclass
class Part:
    """One run of pytest. What it says while it runs is shown line by line; its report is kept until `finish`."""

    name: str
    arguments: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)
    _line: str = ""
    _shown: float = 0.0
    _report: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shown = self.began
        command = [sys.executable, "-m", "pytest", *self.arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while said := self._process.stdout.read(1):
            self._line += said
            if said == "\n":
                line, self._line = self._line, ""
                if self._report or _begins_report(line):
                    self._report.append(line)
                elif line.strip():
                    self.show(line)

    def show(self, line: str) -> None:
        """Show a line of this part, with how long it has been running."""
        self._shown = time.monotonic()
        minutes, seconds = divmod(int(self._shown - self.began), 60)
        _write(f"{self.name:>8} {minutes:2}:{seconds:02} {line.rstrip()}\n")

    def is_running(self) -> bool:
        """Say whether it still runs; show an unfinished line that has been waiting for long."""
        if self._line and not self._report and time.monotonic() - self._shown > QUIET_S:
            self.show(f"{self._line} …")
        return self._reader.is_alive()

    def finish(self) -> bool:
        """Wait for the end, write the report, and say whether all went well."""
        self._reader.join()
        code = self._process.wait()
        _write("".join(self._report) + self._line)
        return code == 0


def _begins_report(line: str) -> bool:
    return line.startswith("=====") and "test session starts" not in line


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def run(*parts: Part) -> bool:
    """Let parts run beside each other; say whether all went well. Each report is written when its part has ended."""
    left = list(parts)
    is_well = True
    while left:
        for part in [part for part in left if not part.is_running()]:
            is_well &= part.finish()
            left.remove(part)
        time.sleep(0.1)
    return is_well


def main(which: str = "all") -> int:
    """Run a choice of tests; give the exit code."""
    if which == "quick":
        return 0 if run(Part("quick", QUICK)) else 1
    _write("three parts run beside each other, then sound; each line tells the part, its minutes, and how far it is\n")
    is_well = run(Part("rest", REST), Part("commands", COMMANDS), Part("browsers", BROWSERS))
    return 0 if run(Part("sound", SOUND)) and is_well else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
