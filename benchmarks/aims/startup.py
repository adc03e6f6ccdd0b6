"""Aim 5: start-up as whole processes, interpreter included, by the clock: `rtvi check`, and what importing costs.

The typical manifest has 30 actions of 3 plugins, which are real distributions in a folder on the path. The environment
has this package and what it needs, and nothing else; in a smoke run it is the current one.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.distributions import install_plugins, manifest_of
from benchmarks.environments import OWN, python_of
from benchmarks.lines import Line
from benchmarks.parties import ROOT
from benchmarks.timing import Plan, Sample, take_turns

MOST_CHECK_MS = 250.0
MOST_IMPORT_MS = 150.0
PLUGINS, ACTIONS = ("alpha", "beta", "gamma"), 10

IMPORTS = {
    "import rtvi_plugins": ("import rtvi_plugins", MOST_IMPORT_MS),
    "what a plugin imports": ("from rtvi_plugins import Handlers, hookimpl", MOST_IMPORT_MS),
    "everything public": ("from rtvi_plugins import *", None),
}
"""What is imported, and how much more than an interpreter that does nothing it may take. The bound is our own."""


def interpreter(plan: Plan) -> str:
    """Give the interpreter to start: that of an environment with nothing but this package; in a smoke run, this one."""
    return sys.executable if plan.is_smoke else str(python_of(OWN))


def process(python: str, arguments: Sequence[str], path: Path | None = None, expected: str = "") -> Sample:
    """Run an interpreter until it ends. Gives the milliseconds by the clock and of CPU. `path` is put on its path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(path or ""), str(ROOT))))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without byte code every start compiles the package anew
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [python, *arguments], check=False, capture_output=True, text=True, cwd=path or ROOT, env=environment
    )
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or expected not in done.stdout:
        raise ValueError(f"{' '.join(arguments)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_ms": wall_s * 1e3, "cpu_ms": cpu_s * 1e3}


def measure(plan: Plan) -> list[Line]:
    """Measure the command, then the imports; byte code is written by the round that does not count."""
    python = interpreter(plan)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        install_plugins(path, list(PLUGINS), ACTIONS)
        (path / "typical.yaml").write_text(manifest_of(list(PLUGINS), ACTIONS), encoding="utf-8")
        command = ["-m", "rtvi_plugins", "check", "typical.yaml"]
        contestants: dict[str, Callable[[], Sample]] = {
            "ours": partial(process, python, command, path, "1 manifest is fine"),
            "empty interpreter": partial(process, python, ["-c", "pass"]),
        }
        contestants |= {case: partial(process, python, ["-c", code]) for case, (code, _) in IMPORTS.items()}
        rounds = take_turns(contestants, plan.rounds)
    case = f"rtvi check, {ACTIONS * len(PLUGINS)} actions, {len(PLUGINS)} plugins, whole process"
    told = partial(rounds.compare, 5, "start-up", against="empty interpreter", measure="wall_ms", unit="ms")
    return [
        rounds.alone(5, "start-up", case, measure="wall_ms", unit="ms", bound=MOST_CHECK_MS),
        *(told(case=case, ours=case, judged="more", bound=bound) for case, (_, bound) in IMPORTS.items()),
    ]
