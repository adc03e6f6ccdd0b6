"""Aim 5: 200 installed plugins, found, imported and asked, against an interpreter that imports their modules directly.

Both import this package first and are whole processes, by the clock.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.aims.startup import interpreter, process
from benchmarks.distributions import install_plugins
from benchmarks.lines import Line
from benchmarks.timing import Plan, take_turns

MOST_MORE_MS = 150.0
NUMBER, ACTIONS = 200, 2

DISCOVERED = """
from rtvi_plugins.binding.bot import discover_plugins
host = discover_plugins()
assert not host.problems, host.problems
print(sum(plugin.name.startswith("plugin_") for plugin in host.plugins), len(host.handlers()))
"""
IMPORTED = """
from rtvi_plugins.binding.bot import discover_plugins
import importlib
print(sum(bool(importlib.import_module(f"benchmark_plugin_{n}").rtvi_handlers()) for n in range(%d)))
"""


def measure(plan: Plan) -> list[Line]:
    """Install them into a folder, and measure; byte code is written by the round that does not count."""
    number = 20 if plan.is_smoke else NUMBER
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        install_plugins(path, [f"plugin_{n}" for n in range(number)], ACTIONS)
        contestants = {
            "ours": partial(process, interpreter(plan), ["-c", DISCOVERED], path, f"{number} "),
            "imported directly": partial(process, interpreter(plan), ["-c", IMPORTED % number], path, f"{number}\n"),
        }
        rounds = take_turns(contestants, plan.rounds)
    case = f"{number} installed plugins discovered"
    line = rounds.compare(
        5, "plugins", case, against="imported directly", measure="wall_ms", unit="ms", judged="more", bound=MOST_MORE_MS
    )
    return [line]
