"""A contestant in a process of its own, and the line it is asked over (see `peers/talking.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.environments import HOSTED, PEERS, python_of

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(__file__).parent / "peers"


class PartyError(Exception):
    """A contestant failed, or gave a wrong answer. The text carries what it wrote to stderr."""


class Party:
    """A running contestant. `hello`: the first thing it said: its cases, or its port."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: Any) -> None:
        self.name = name
        self._process = process
        self._errors = errors
        self.hello = self._read()

    @property
    def port(self) -> int:
        """The port of a server."""
        return int(self.hello["port"])

    def ask(self, *words: object) -> dict[str, float]:
        """Ask one thing. Raises PartyError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(" ".join(map(str, words)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died: reading tells why
        return self._read()

    def run(self, case: str, number: int) -> dict[str, float]:
        """Let it do a case `number` times. Gives microseconds of each: `cpu_us`, `wall_us`; and `wall_ms` of all."""
        told = self.ask("run", case, number)
        return {
            "cpu_us": told["cpu_s"] * 1e6 / number,
            "wall_us": told["wall_s"] * 1e6 / number,
            "wall_ms": told["wall_s"] * 1e3,
        }

    def figures(self, *, collected: bool = False) -> dict[str, float]:
        """Ask for `cpu_s`, `rss_kib` and `blocks`, after a garbage collection if wanted."""
        return self.ask("collect" if collected else "figures")

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in told:
            raise PartyError(f"{self.name}: {told['error']}\n{self.complaints()}")
        return told

    def complaints(self) -> str:
        """Give the end of what it wrote to stderr."""
        self._errors.seek(0)
        return str(self._errors.read())[-4000:]


@contextmanager
def party(name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Iterator[Party]:
    """Run a contestant until the block ends."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
            env={**os.environ, **(environment or {})},
        ) as process,
    ):  # fmt: skip
        try:
            yield Party(name, process, errors)
        finally:
            process.kill()


@contextmanager
def ours(module: str, *arguments: str, name: str = "") -> Iterator[Party]:
    """Run a module of this suite, in this environment. `name`: what it is called in the results."""
    with party(name or module, [sys.executable, "-m", f"benchmarks.{module}", *arguments]) as running:
        yield running


@contextmanager
def peer(name: str, script: str | None = None) -> Iterator[Party]:
    """Run a peer's script in the peer's environment."""
    path = SCRIPTS / (script or PEERS[name])
    # Warnings are the peers' own business: 0.0.108 warns that its actions are deprecated, which is why it is here.
    # The one that measures this package too needs the suite's own bot.
    found = {"PYTHONPATH": str(ROOT)} if name == HOSTED else None
    with party(name, [str(python_of(name)), "-W", "ignore", str(path)], environment=found) as running:
        yield running
