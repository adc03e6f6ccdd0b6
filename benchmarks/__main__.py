"""The command of the suite: `python -m benchmarks [--smoke] [SUBJECT ...]`, and `... report`; see --help."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments import CURRENT, HOSTED, OWN, PEERS, SMOKE_PEERS, prepare
from benchmarks.lines import Line, as_table
from benchmarks.machine import describe_machine, file_name, load
from benchmarks.report import page
from benchmarks.timing import ROUNDS, SMOKE_ROUNDS, Plan

SUBJECTS = (
    "dispatch", "websocket", "sessions", "growth", "at_once", "startup", "large", "plugins", "linear", "pipecat_host",
    "hostile",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen subjects; 0 when they ran, whatever their verdicts."""
    given = _parse(arguments)
    if given.subjects == ["report"]:
        print(f"{len(page.write())} files written")
        return 0
    plan = Plan(
        rounds=SMOKE_ROUNDS if given.smoke else ROUNDS,
        scale=0.02 if given.smoke else 1.0,
        is_smoke=given.smoke,
        peers=given.peers,
    )
    prepare(plan.peers | ({HOSTED} if CURRENT in plan.peers else set()) | (set() if plan.is_smoke else {OWN}))
    machine = describe_machine()
    where = f"{machine['python']} on {machine['system']}, {machine['cpus']} CPUs ({machine['cpu']})"
    print(f"{where}; {plan.rounds} rounds; peers: {', '.join(sorted(plan.peers)) or 'none'}", flush=True)
    began, lines, seconds = load(), [], {}
    for subject in SUBJECTS:
        if not given.subjects or subject in given.subjects:
            print(f"measuring {subject} ...", file=sys.stderr, flush=True)
            start = time.perf_counter()
            lines += importlib.import_module(f"benchmarks.aims.{subject}").measure(plan)
            seconds[subject] = round(time.perf_counter() - start, 1)
    print(as_table(lines))
    if plan.is_smoke:
        print("a smoke run shows that everything runs: its figures and verdicts mean nothing")
    print(summary(lines), "; ".join(f"{subject} {took:g} s" for subject, took in seconds.items()), sep="\n")
    file = given.json
    if file is None and not plan.is_smoke and not given.subjects and plan.peers == frozenset(PEERS):
        file = page.RESULTS / f"{file_name(machine)}.json"
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = {
            "measured": time.strftime("%Y-%m-%d"),
            "machine": machine,
            "load_before": began,
            "rounds": plan.rounds,
            "is_smoke": plan.is_smoke,
            "peers": sorted(plan.peers),
            "seconds": seconds,
            "lines": [line.as_dict() for line in lines],
        }
        file.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def summary(lines: Sequence[Line]) -> str:
    """Count the verdicts."""
    met, missed = (sum(line.verdict == verdict for line in lines) for verdict in ("met", "missed"))
    return f"{met} bounds met, {missed} missed, {len(lines) - met - missed} lines that only inform"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this package, its peers and the floor in turns. `report` writes docs/performance.md from "
        "the newest results.",
    )
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all when none is named. Or: report"
    )
    parser.add_argument("--smoke", action="store_true", help="do little of each: it shows that they run, not how fast")
    parser.add_argument(
        "--peers", metavar="NAMES",
        help=f"all, none, or some of {', '.join(PEERS)}, with commas; made under .bench/ when missing. "
        f"Left out: all, and with --smoke {', '.join(SMOKE_PEERS)}",
    )  # fmt: skip
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the figures there; a full run of everything writes benchmarks/results/ by itself",
    )
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.subjects) - set(SUBJECTS))
    if unknown and given.subjects != ["report"]:
        parser.error(f"unknown subject: {', '.join(unknown)}; choose from {', '.join(SUBJECTS)}")
    if given.peers is None:
        given.peers = SMOKE_PEERS if given.smoke else frozenset(PEERS)
    else:
        named = {"all": frozenset(PEERS), "none": frozenset()}.get(given.peers, frozenset(given.peers.split(",")))
        if strangers := sorted(named - set(PEERS)):
            parser.error(f"unknown peer: {', '.join(strangers)}; choose from {', '.join(PEERS)}")
        given.peers = named
    return given


if __name__ == "__main__":
    sys.exit(main())
