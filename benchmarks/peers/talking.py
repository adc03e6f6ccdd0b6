"""How the suite talks to every contestant, peers and ourselves: lines over stdin and stdout, each answer one of JSON.

    run CASE N   do N actions and check their answers; gives {"cpu_s": ..., "wall_s": ...} of the actions alone
    figures      give {"cpu_s": ..., "rss_kib": ..., "blocks": ...} of this process
    collect      collect garbage first, then the same

Only the standard library is imported here: the peers run in environments of their own, which have nothing of ours.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

ARGUMENTS = {"query": "spa", "limit": 3}
RESULT = [{"text": "spa", "score": 3}]
"""What every contestant is asked, and what the right answer carries."""

Work = Callable[[], Coroutine[Any, Any, Iterable[tuple[object, object]]]]
Case = Callable[[int], Work]
"""number of actions → what does them, which gives (id, result) of each answer, read after the clock has stopped."""


async def search(query: str, limit: int) -> list[dict[str, Any]]:
    """Answer without waiting: the action of every contestant."""
    return [{"text": query, "score": limit}]


async def pause(query: str, limit: int) -> list[dict[str, Any]]:
    """Answer after 5 ms."""
    await asyncio.sleep(0.005)
    return [{"text": query, "score": limit}]


async def linger(query: str, limit: int) -> list[dict[str, Any]]:
    """Answer after half a second."""
    await asyncio.sleep(0.5)
    return [{"text": query, "score": limit}]


class Line:
    """Our end of the line. What libraries print goes to stderr from now on, where it is in nobody's way."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        self._handlers: dict[str, Callable[..., Mapping[str, object]]] = {"figures": figures, "collect": collected}

    def say(self, message: Mapping[str, object]) -> None:
        """Send one line."""
        self._out.write(json.dumps(message) + "\n")

    def listen(self, handlers: Mapping[str, Callable[..., Mapping[str, object]]] | None = None) -> None:
        """Answer lines until there are no more. A fault is answered too: {"error": ...}."""
        known = self._handlers | dict(handlers or {})
        for line in sys.stdin:
            word, *rest = line.split()
            try:
                self.say(known[word](*rest))
            except Exception as error:
                self.say({"error": f"{type(error).__name__}: {error}"})
                raise

    def listen_beside(self) -> None:
        """Answer in a thread, beside an event loop that serves. The process ends with the last line."""

        def listening() -> None:
            try:
                self.listen()
            finally:
                os._exit(0)

        threading.Thread(target=listening, daemon=True).start()


def figures() -> dict[str, object]:
    """Tell the CPU seconds this process used, the KiB it holds, and the blocks that Python has allocated."""
    status = Path("/proc/self/statm")
    if status.exists():
        rss_kib = int(status.read_text().split()[1]) * resource.getpagesize() / 1024
    else:
        rss_kib = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # only grows, which serves as well here
    return {"cpu_s": time.process_time(), "rss_kib": rss_kib, "blocks": sys.getallocatedblocks()}


def collected() -> dict[str, object]:
    """Collect garbage, then tell the figures."""
    gc.collect()
    return figures()


def answer_runs(
    cases: Mapping[str, Case],
    runner: asyncio.Runner,
    others: Mapping[str, Callable[..., Mapping[str, object]]] | None = None,
) -> None:
    """Do what the suite asks until it hangs up.

    runner: its loop keeps what a case left there; others: more words to answer, beside `run`.
    """

    def run(case: str, times: str) -> dict[str, object]:
        number = int(times)
        work = cases[case](number)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        answers = runner.run(work())
        cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
        check(answers, number)
        return {"cpu_s": cpu_s, "wall_s": wall_s}

    line = Line()
    line.say({"cases": sorted(cases)})
    line.listen({"run": run, **(others or {})})
    # What libraries left running has nothing to say any more.
    os._exit(0)


def check(answers: Iterable[tuple[object, object]], number: int) -> None:
    """See that each request was answered once, and rightly."""
    ids = set()
    count = 0
    for id_, result in answers:
        ids.add(id_)
        count += 1
        if result != RESULT:
            raise ValueError(f"a wrong answer: {str(result)[:200]}")
    if not len(ids) == count == number:
        raise ValueError(f"{number} requests, {count} answers, {len(ids)} ids")


def message(type_: str, id_: str, data: Mapping[str, object] | None = None) -> str:
    """Give one RTVI message as JSON text."""
    whole: dict[str, object] = {"label": "rtvi-ai", "type": type_, "id": id_}
    return json.dumps(whole if data is None else whole | {"data": data}, separators=(",", ":"))


def action(id_: str, name: str = "search") -> str:
    """Give a legacy `action` request."""
    listed = [{"name": key, "value": value} for key, value in ARGUMENTS.items()]
    return message("action", id_, {"service": "knowledge", "action": name, "arguments": listed})


def client_message(id_: str, name: str = "search") -> str:
    """Give the same request as a `client-message`."""
    return message("client-message", id_, {"t": f"knowledge.{name}", "d": ARGUMENTS})


def answer_of(text: str | bytes) -> tuple[object, object]:
    """Read (id, result) of either dialect's answer."""
    read = json.loads(text)
    data = read.get("data") or {}
    if read["type"] == "action-response":
        return read["id"], data.get("result")
    if read["type"] == "server-response":
        return read["id"], data.get("d")
    raise ValueError(f"not an answer: {str(read)[:200]}")
