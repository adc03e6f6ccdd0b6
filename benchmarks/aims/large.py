"""Aim 5: what `rtvi check` does with a manifest of 200 services, 10 options and 10 actions each.

It is held against PyYAML's C loader, which reads the same file and does nothing with it. In process first, with the
parts of ours in lines of their own, which say where the time goes; then the command as a whole process, against one
that loads the same file with the C loader.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.aims.startup import interpreter, process
from benchmarks.lines import Line
from benchmarks.ours.large import ACTIONS, OPTIONS, write_manifest
from benchmarks.parties import ours
from benchmarks.timing import Plan, take_turns

MOST_OVER_LOADER = 1.3
SERVICES = 200

LOADER, WITHOUT = "C loader alone", "C loader, no collector"
CASES = {
    "ours": "check",
    LOADER: "loader",
    WITHOUT: "loader-without-collector",
    "YAML to values and places": "values",
    "the file to models": "models",
    "models and plugins to a bot": "bot",
}

PLUGIN = """
from benchmarks.ours.large import Plugin

plugin = Plugin({services})
"""


def measure(plan: Plan) -> list[Line]:
    """Measure the whole, its parts, and the command as a process."""
    services = 20 if plan.is_smoke else SERVICES
    name = f"{services} x {OPTIONS} x {ACTIONS}"
    with ours("ours.large", str(services)) as party:
        rounds = take_turns(
            {contestant: partial(party.ask, "measure", case) for contestant, case in CASES.items()}, plan.rounds
        )
    told = partial(rounds.compare, 5, "large", measure="cpu_ms", unit="ms")
    return [
        told(f"{name}, in process", against=LOADER, bound=MOST_OVER_LOADER, wall="wall_ms"),
        told(f"{name}, in process", against=WITHOUT),
        *(told(f"{name}, of that: {part}", ours=part, against=LOADER) for part in list(CASES)[3:]),
        _whole_process(plan, services, f"{name}, rtvi check, whole process"),
    ]


def _whole_process(plan: Plan, services: int, case: str) -> Line:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "large.yaml").write_text(write_manifest(services), encoding="utf-8")
        (folder / "large_plugin.py").write_text(PLUGIN.format(services=services), encoding="utf-8")
        info = folder / "large_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: large-plugin\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text("[rtvi_plugins]\nlarge = large_plugin:plugin\n", encoding="utf-8")
        check = ["-m", "rtvi_plugins", "check", "large.yaml"]
        load = ["-c", "import yaml; yaml.load(open('large.yaml', 'rb').read(), Loader=yaml.CSafeLoader)"]
        rounds = take_turns(
            {
                "ours": partial(process, interpreter(plan), check, folder, "1 manifest is fine"),
                LOADER: partial(process, interpreter(plan), load, folder),
            },
            plan.rounds,
        )
    return rounds.compare(5, "large", case, against=LOADER, measure="wall_ms", unit="ms")
