"""`python -m benchmarks [--smoke] [--json FILE] [SUBJECT ...]`: measure, print the table, ratios first."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.timing import FULL, SMOKE, Result, as_table

SUBJECTS = ("dispatch", "ws", "sessions", "imports", "check")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen subjects; 0 when they ran, whatever their verdicts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this package against the floor.")
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all when none is named"
    )
    parser.add_argument("--smoke", action="store_true", help="do little of each: it shows that they run, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.subjects) - set(SUBJECTS))
    if unknown:
        parser.error(f"unknown subject: {', '.join(unknown)}; choose from {', '.join(SUBJECTS)}")
    plan = SMOKE if given.smoke else FULL
    machine = describe_machine()
    print(f"{machine['python']} on {machine['system']}, {machine['cpus']} CPUs ({machine['cpu']}); "
          f"{plan.rounds} rounds, garbage collector {machine['gc']}", flush=True)  # fmt: skip
    results: list[Result] = []
    for subject in SUBJECTS:
        if not given.subjects or subject in given.subjects:
            print(f"measuring {subject} ...", file=sys.stderr, flush=True)
            results += importlib.import_module(f"benchmarks.{subject}").measure(plan)
    print(as_table(results))
    if given.json:
        figures = {"machine": machine, "rounds": plan.rounds, "is_smoke": plan.is_smoke}
        figures["results"] = [result.as_dict() for result in results]
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def describe_machine() -> dict[str, object]:
    """Say where the figures come from."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.system(),
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "gc": f"on {gc.get_threshold()}" if gc.isenabled() else "off",
    }


if __name__ == "__main__":
    sys.exit(main())
