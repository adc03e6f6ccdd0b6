"""Aim 3, second half: nothing grows over a million messages, or over 20,000 sessions that come and go.

What is held is the blocks that Python has allocated, which count every object, and the resident memory, which knows of
everything else. Both are read after a garbage collection, first when a tenth is done: until then pools and caches fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop

from benchmarks.client import close_all
from benchmarks.lines import Line, Spread
from benchmarks.parties import Party, ours
from benchmarks.timing import Plan
from benchmarks.traffic import make_requests, open_sessions, round_trips

MESSAGES, CONNECTIONS, DEPTH = 1_000_000, 100, 8
SESSIONS, AT_ONCE = 20_000, 20
STEPS = 20
WARM_UP_STEPS = 2

MOST_KIB = 1024.0
"""What the allocator may keep besides: pages it has not given back. A leak of two bytes a message would show."""

MOST_BLOCKS = 1000.0
"""What may come and go by chance: a leak of one object in a thousand messages would show."""


async def _come_and_go(port: int, number: int) -> None:
    requests = make_requests("JSON")
    for _ in range(number // AT_ONCE):
        clients = await open_sessions(AT_ONCE, port, "JSON")
        await round_trips(clients, requests, AT_ONCE)
        await close_all(clients)


def measure(plan: Plan) -> list[Line]:
    """Send the messages over connections that stay, then open and close the sessions."""
    lines: list[Line] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        messages = plan.times(MESSAGES) // STEPS
        with ours("ours.servers", "ours") as server:
            clients = runner.run(open_sessions(CONNECTIONS, server.port, "JSON"))
            requests = make_requests("JSON")
            lines += _watch(
                server, messages, "messages", lambda: runner.run(round_trips(clients, requests, messages, depth=DEPTH))
            )
            runner.run(close_all(clients))
        sessions = max(plan.times(SESSIONS) // STEPS, AT_ONCE)
        with ours("ours.servers", "ours") as server:
            lines += _watch(server, sessions, "sessions", lambda: runner.run(_come_and_go(server.port, sessions)))
    return lines


def _watch(server: Party, portion: int, what: str, work: Callable[[], object]) -> list[Line]:
    """Do the work step by step, and read what is held in between."""
    held: dict[str, list[tuple[float, float]]] = {"rss_kib": [], "blocks": []}
    for step in range(1, STEPS + 1):
        work()
        figures = server.figures(collected=True)
        for measure_, points in held.items():
            points.append((step * portion, figures[measure_]))
    lines = []
    for measure_, unit, bound in (("rss_kib", "KiB", MOST_KIB), ("blocks", "blocks", MOST_BLOCKS)):
        points = held[measure_]
        grown = points[-1][1] - points[WARM_UP_STEPS - 1][1]
        case = f"{unit} more after {STEPS * portion:,} {what}"
        lines.append(
            Line(
                3, "growth", case, "", grown, None, unit, "ours", Spread(grown, grown, grown), bound=bound,
                note=f"of {points[-1][1]:,.0f}", series=tuple(points),
            )
        )  # fmt: skip
    return lines
