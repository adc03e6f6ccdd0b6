"""Aim 8: how long one message keeps the event loop, whatever it holds: a megabyte of every shape, on every way in.

Judged is the worst message of all that a session takes, and the worst of all that it refuses. Beside it stands the time
that `orjson.loads` needs for the same text. The pipeline is measured where Pipecat takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

from benchmarks.environments import CURRENT
from benchmarks.lines import Line
from benchmarks.parties import Party, ours
from benchmarks.timing import Plan, Sample, take_turns

MOST_MS = {"taken": 30.0, "refused": 60.0}
FLOOR = "orjson.loads"
SMOKE_SCALE = 0.02


def measure(plan: Plan) -> list[Line]:
    """Measure both hosts, where both are there."""
    scale = SMOKE_SCALE if plan.is_smoke else 1.0
    hosts = ["standalone"]
    if CURRENT in plan.peers and find_spec("pipecat"):
        hosts.append("pipeline")
    return [line for host in hosts for line in _of(host, scale)]


def _of(host: str, scale: float) -> list[Line]:
    with ours("hostile.measure", host, name=f"hostile.{host}") as party:
        figures: dict[str, float] = {}
        told = _once(party, scale, figures)
        lines = []
        for what, most in MOST_MS.items():
            contestants: dict[str, Callable[[], Sample]] = {
                "ours": partial(told, f"{what}_ms"),
                FLOOR: partial(told, f"{what}_floor_ms"),
            }
            rounds = take_turns(contestants, 1, warm_up=False)
            case = f"{host}, the worst of {figures['messages']:.0f} messages, {what}"
            lines.append(
                rounds.compare(
                    8, "hostile", case, against=FLOOR, measure="ms", unit="ms", judged="ours", bound=most,
                    note=str(figures[f"{what}_case"]),
                )
            )  # fmt: skip
        return lines


def _once(party: Party, scale: float, figures: dict[str, float]) -> Callable[[str], Sample]:
    """Ask once for everything; what it gives answers each single question."""

    def told(name: str) -> Sample:
        if not figures:
            figures.update(party.ask("measure", scale))
        return {"ms": figures[name]}

    return told
