"""Judging work without the clock of the machine: in processor time, as a multiple of a reference in the same run.

A machine that is slower, or busy with something else, takes longer for both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

HANG_S: Final = 120
"""What waits for so long waits for ever. Only a failing test waits that long."""

_DOCUMENT: Final = [{"name": f"n{number}", "values": [number, None, True, 0.5, "text"]} for number in range(5_000)]


def reference() -> object:
    """Do the work that everything is compared with: about 20 ms on the machine that wrote this."""
    read = json.loads(json.dumps(_DOCUMENT))
    return sum(len(item["values"]) for item in read for _ in range(10))


def cost(work: Callable[[], Any], *, runs: int = 1) -> float:
    """Return the processor time of this thread that some work takes, the least of some runs."""
    least = float("inf")
    for _ in range(runs):
        began = time.thread_time()
        work()
        least = min(least, time.thread_time() - began)
    return least


def times_reference(work: Callable[[], Any]) -> float:
    """Return how many times the reference's processor time some work takes, both measured now."""
    return cost(work) / cost(reference, runs=3)


def slowness() -> float:
    """Return how many times longer than on a quiet machine the reference takes now, waiting included; at least 1.

    A test that lets things happen at once, some before a time limit and some after, stretches its limits by this.
    """
    began = time.monotonic()
    for _ in range(10):
        reference()
    return max(1.0, (time.monotonic() - began) / 10 / 0.02)
