"""Aim 6: dispatch takes no longer in a bot with more services, actions and plugins; binding grows with their number.

Judged is a client that calls ten actions, wherever they lie in the bot. One that calls every single one of them, in
turn, meets data that no cache of the processor holds any more, and so does everything that runs there: that stands
beside.
"""

from __future__ import annotations

from functools import partial

from benchmarks.lines import Line
from benchmarks.parties import Party, ours
from benchmarks.timing import Plan, Sample, take_turns

SIZES = (10, 1_000, 10_000)
SMOKE_SIZES = (10, 100, 1_000)
MOST_DISPATCH = 1.1
MOST_BINDING = 1.25
OWN_ROUNDS = 15


def _bind(party: Party, size: int, times: int) -> Sample:
    """Bind, often enough to see a figure. Gives the microseconds for each action."""
    return {"us": sum(party.ask("bind", size)["cpu_s"] for _ in range(times)) * 1e6 / times / size}


def measure(plan: Plan) -> list[Line]:
    """Measure dispatch in all sizes, and then their binding."""
    sizes = SMOKE_SIZES if plan.is_smoke else SIZES
    least, middle, most = sizes
    number = plan.times(10_000)
    lines: list[Line] = []
    with ours("ours.linear", *map(str, sizes)) as party:
        contestants = {
            f"{which}-{size}": partial(party.run, f"{which}-{size}", number)
            for size in sizes
            for which in ("ten", "all")
        }
        rounds = take_turns(contestants, plan.rounds if plan.is_smoke else OWN_ROUNDS)
        for which, told in (("ten", "calls to 10 actions"), ("all", "calls to all actions")):
            for size in sizes[1:]:
                line = rounds.compare(
                    6, "linear", f"dispatch, {told} of {size:,}",
                    ours=f"{which}-{size}", against=f"{which}-{least}", measure="cpu_us", unit="µs",
                    bound=MOST_DISPATCH if which == "ten" else None,
                )  # fmt: skip
                lines.append(line.named(f"a bot of {least}"))
        binding = take_turns(
            {str(size): partial(_bind, party, size, max(1, middle // size)) for size in sizes[1:]},
            plan.rounds if plan.is_smoke else 7,
        )
        line = binding.compare(
            6, "linear", f"reading and binding, an action of {most:,}",
            ours=str(most), against=str(middle), measure="us", unit="µs", bound=MOST_BINDING,
        )  # fmt: skip
        lines.append(line.named(f"an action of {middle:,}"))
    return lines
