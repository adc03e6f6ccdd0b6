"""Aim 7: a request answered inside a running Pipecat pipeline, and how long it keeps other frames.

Pipecat's own side is a bare `client-message` whose handler checks nothing; ours is the same message as an action, with
its arguments and result checked, in the same pipeline as shipped and in the same process.
"""

from __future__ import annotations

from functools import partial

from benchmarks.environments import CURRENT, HOSTED
from benchmarks.lines import Line
from benchmarks.parties import peer
from benchmarks.timing import Plan, take_turns

MOST = 1.1
MOST_DELAY_MS = 2.0


def measure(plan: Plan) -> list[Line]:
    """Measure on the current release, when it takes part."""
    if CURRENT not in plan.peers:
        return []
    number = plan.times(10) * 100
    lines: list[Line] = []
    with peer(HOSTED, "pipecat_host.py") as party:
        stock = f"stock {CURRENT}"
        for how, case in (("one", "one at a time"), ("at-once", "100 at once")):
            contestants = {
                "ours": partial(party.run, f"ours-{how}", number),
                stock: partial(party.run, f"stock-{how}", number),
            }
            rounds = take_turns(contestants, plan.rounds)
            line = rounds.compare(
                7, "pipeline", f"client-message, {case}",
                against=stock, measure="cpu_us", unit="µs", bound=MOST, wall="wall_us",
            )  # fmt: skip
            lines.append(line)
        contestants = {"ours": partial(party.ask, "delays-ours"), stock: partial(party.ask, "delays-stock")}
        rounds = take_turns(contestants, plan.rounds)
        lines.append(
            rounds.alone(
                7,
                "pipeline",
                "how much longer the longest of a frame takes during an action of 0.5 s",
                measure="more_ms",
                unit="ms",
                bound=MOST_DELAY_MS,
            )
        )
        lines.append(
            rounds.alone(
                7,
                "pipeline",
                "the same of the stock processor",
                name=stock,
                measure="more_ms",
                unit="ms",
            )
        )
    return lines
