"""What the worst messages cost one host: in processor time of the loop's thread. Argument: `standalone` or `pipeline`.

`measure SCALE` gives the worst message that was taken and the worst that was refused, in ms and as multiples of what
`orjson.loads` needs for the same text in the same run. Every message is sent thrice where it is a bad one: the least
counts, since the first may meet a cold cache and the collector any.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import Mapping

import orjson

from benchmarks.hostile.hosts import InPipeline, Standalone, send, session
from benchmarks.hostile.shapes import Case, cases
from benchmarks.peers import talking

SUSPICIOUS_S = 0.01


def floor(text: str) -> float:
    """Give the seconds that `orjson.loads` needs for a text, the least of three."""
    least = float("inf")
    for _ in range(3):
        began = time.thread_time()
        with contextlib.suppress(ValueError):
            orjson.loads(text)
        least = min(least, time.thread_time() - began)
    return least


async def measured(opened: Standalone | InPipeline, case: Case) -> tuple[bool, float] | None:
    """Give whether a message was refused, and the seconds that it took; None where this host has no such way."""
    told = await send(opened, case)
    if told is None:
        return None
    seconds = told.seconds
    for _ in range(2 if seconds > SUSPICIOUS_S else 0):
        gc.collect()
        again = await send(opened, case)
        seconds = min(seconds, again.seconds if again else seconds)
    return told.is_refused, seconds


async def worst(host: str, scale: float) -> dict[str, object]:
    """Send everything there is."""
    found: dict[bool, tuple[float, float, str]] = {False: (0.0, 1.0, ""), True: (0.0, 1.0, "")}
    number = 0
    async with session(host) as opened:
        for case in cases(scale):
            told = await measured(opened, case)
            if told is not None:
                number += 1
                is_refused, seconds = told
                if seconds > found[is_refused][0]:
                    found[is_refused] = (seconds, floor(case.text), case.name)
    figures: dict[str, object] = {"messages": number}
    for is_refused, name in ((False, "taken"), (True, "refused")):
        seconds, least, case_name = found[is_refused]
        figures |= {f"{name}_ms": seconds * 1e3, f"{name}_floor_ms": least * 1e3, f"{name}_case": case_name}
    return figures


def measure(host: str, scale: str) -> Mapping[str, object]:
    """Answer one question."""
    return asyncio.run(worst(host, float(scale)))


if __name__ == "__main__":
    if sys.argv[2:]:
        print(json.dumps(measure(sys.argv[1], sys.argv[2]), indent=1))
    else:
        line = talking.Line()
        line.say({"cases": [sys.argv[1]]})
        line.listen({"measure": lambda scale: measure(sys.argv[1], scale)})
