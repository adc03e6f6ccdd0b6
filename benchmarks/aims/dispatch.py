"""Aim 1: one action from JSON text in to JSON text out, in process, against the checked floor and every peer.

The floor reads, looks up, checks the arguments, calls and writes, and does nothing else. In flight: 100 handlers wait
before the first may answer, which Pipecat 0.0.108 cannot do; at once: 100 requests are sent without waiting for
answers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.environments import CURRENT, ORIGINAL
from benchmarks.lines import TIMES, Line
from benchmarks.lines import number as figure
from benchmarks.parties import Party, ours, peer
from benchmarks.timing import Plan, Sample, take_turns

MOST_OVER_FLOOR = 1.5
LEAST_OVER_PIPECAT: dict[str, float | None] = {"minimal": 20.0, "as-shipped": 50.0, "alone": None}
WIRINGS = {"minimal": "minimal wiring", "as-shipped": "as shipped", "alone": "processor alone"}
DIALECTS = ("action", "client-message")
LOOPS = ("uvloop", "asyncio")
HOWS = {"one": "one at a time", "in-flight": "100 in flight"}

OWN_ROUNDS = 25
"""Rounds against the floor: they are short, and the bound is near."""


def measure(plan: Plan) -> list[Line]:
    """Measure against the floor on both loops, then against the peers on the loop that all of them run by default."""
    lines: list[Line] = []
    with ExitStack() as stack:
        mine = {loop: stack.enter_context(ours("ours.dispatch", loop)) for loop in LOOPS}
        for loop, party in mine.items():
            for dialect in DIALECTS:
                lines += [_over_floor(plan, party, loop, dialect, how) for how in HOWS]
        peers = {name: stack.enter_context(peer(name)) for name in sorted(plan.peers)}
        if peers:
            for how, case in (("one", "one at a time"), ("at-once", "100 at once")):
                lines += _over_peers(plan, mine["asyncio"], peers, how, case)
    return lines


def _over_floor(plan: Plan, party: Party, loop: str, dialect: str, how: str) -> Line:
    number = plan.times(50) * 100
    rounds = take_turns(
        {
            "ours": partial(party.run, f"{dialect}-ours-{how}", number),
            "floor": partial(party.run, f"{dialect}-floor-{how}", number),
        },
        plan.rounds if plan.is_smoke else OWN_ROUNDS,
    )
    return rounds.compare(
        1, "dispatch", f"{dialect}, {HOWS[how]}, {loop}",
        against="floor", measure="cpu_us", unit="µs", bound=MOST_OVER_FLOOR, wall="wall_us",
    )  # fmt: skip


def _over_peers(plan: Plan, mine: Party, peers: dict[str, Party], how: str, case: str) -> list[Line]:
    number = plan.times(10) * 100
    contestants: dict[str, Callable[[], Sample]] = {}
    for dialect in DIALECTS:
        # The same process does two dialects; the peers are compared with the one they speak.
        for who in ("ours", "floor"):
            contestants[f"{who} {dialect}"] = partial(mine.run, f"{dialect}-{who}-{how}", number * 5)
    bounds: dict[str, float | None] = {}
    for name, party in peers.items():
        if name in (ORIGINAL, CURRENT):
            for wiring, told in WIRINGS.items():
                contestants[f"{name} {told}"] = partial(party.run, f"{wiring}-{how}", number)
                bounds[f"{name} {told}"] = LEAST_OVER_PIPECAT[wiring] if how == "one" else None
        else:
            contestants[name] = partial(party.run, how, number)
            bounds[name] = None
    rounds = take_turns(contestants, plan.rounds)
    lines = []
    for name, bound in bounds.items():
        dialect = "action" if name.startswith(ORIGINAL) else "client-message"
        told_of = partial(
            rounds.compare, 1, "peers", f"{dialect}, {case}, asyncio",
            against=name, measure="cpu_us", unit="µs", judged="speedup",
        )  # fmt: skip
        # How much there is to be had: nobody is faster than the floor.
        most = told_of(ours=f"floor {dialect}").spread.median
        note = f"the floor: {figure(most)}{TIMES}"
        lines.append(told_of(ours=f"ours {dialect}", bound=bound, wall="wall_us", note=note))
    return lines
