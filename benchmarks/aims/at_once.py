"""Aim 4: a hundred actions of 5 ms each, sent at once by one client; when the last is answered, by the clock.

Over WebSocket to real servers, and in process. Pipecat 0.0.108 runs actions one after another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import uvloop

from benchmarks.aims.sessions import start
from benchmarks.client import WebSocketClient, close_all
from benchmarks.environments import CURRENT, ORIGINAL
from benchmarks.lines import Line
from benchmarks.parties import ours, peer
from benchmarks.timing import Plan, Rounds, Sample, take_turns
from benchmarks.traffic import make_requests, open_sessions, round_trips

MOST_MS = 12.0
NUMBER = 100
OWN_ROUNDS = 15


def measure(plan: Plan) -> list[Line]:
    """Measure on the wire, then in process."""
    theirs = [name for name in (ORIGINAL, CURRENT) if name in plan.peers]
    rounds = plan.rounds if plan.is_smoke else OWN_ROUNDS
    case = f"{NUMBER} actions of 5 ms at once"
    return [
        *_lines(_over_websocket(theirs, rounds), f"{case}, WebSocket", theirs),
        *_lines(_in_process(theirs, rounds), f"{case}, in process", theirs),
    ]


def _lines(rounds: Rounds, case: str, theirs: list[str]) -> list[Line]:
    lines = [rounds.alone(4, "at once", case, measure="wall_ms", unit="ms", bound=MOST_MS)]
    told = partial(rounds.compare, 4, "at once", case, measure="wall_ms", unit="ms", judged="speedup")
    return lines + [told(against=name) for name in theirs]


def _over_websocket(theirs: list[str], rounds: int) -> Rounds:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        contestants: dict[str, Callable[[], Sample]] = {}
        clients: list[WebSocketClient] = []
        for name in ("ours", *theirs):
            server = stack.enter_context(start(name))
            (client,) = runner.run(open_sessions(1, server.port, "protobuf", "2.1.0" if name == "ours" else "1.0.0"))
            clients.append(client)
            contestants[name] = partial(
                _all_at_once, runner, client, "action" if name == ORIGINAL else "client-message"
            )
        taken = take_turns(contestants, rounds)
        runner.run(close_all(clients))
    return taken


def _all_at_once(runner: asyncio.Runner, client: WebSocketClient, dialect: str) -> Sample:
    requests = make_requests("protobuf", dialect, "pause")
    began = time.perf_counter()
    runner.run(round_trips([client], requests, NUMBER, depth=NUMBER, is_ordered=False))
    return {"wall_ms": (time.perf_counter() - began) * 1e3}


def _in_process(theirs: list[str], rounds: int) -> Rounds:
    with ExitStack() as stack:
        mine = stack.enter_context(ours("ours.dispatch", "uvloop"))
        contestants: dict[str, Callable[[], Sample]] = {"ours": partial(mine.run, "client-message-ours-pauses", NUMBER)}
        for name in theirs:
            contestants[name] = partial(stack.enter_context(peer(name)).run, "minimal-pauses", NUMBER)
        return take_turns(contestants, rounds)
