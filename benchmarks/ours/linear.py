"""One action in bots of different sizes, in one process. Arguments: the sizes, in actions.

Every ten actions have a service of their own and every hundred a plugin, so that services, actions and plugins grow
together. `ten-N` calls the same ten actions, spread over the bot of N actions; `all-N` calls as many different ones as
there are.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.ours.dispatch import ours_one
from benchmarks.peers import talking
from rtvi_plugins import Bot, Handlers, StartupError, hookimpl, load_bots
from rtvi_plugins.hooks.host import PluginHost

PER_SERVICE, PER_PLUGIN = 10, 100


class Plugin:
    """Supplies the handlers of ten services."""

    def __init__(self, services: Iterable[int]) -> None:
        self._services = services

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        """Give the handlers of all its services."""
        return [_handlers_of(number) for number in self._services]


def _handlers_of(service: int) -> Handlers:
    collection = Handlers(f"service_{service}")
    for number in range(PER_SERVICE):

        @collection.action(f"search_{number}")
        async def search(processor: Any, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001
            return await talking.search(query, limit)

    return collection


def write_manifest(actions: int) -> str:
    """Write the manifest of a bot with so many actions. No two argument schemas in a service are equal."""
    lines = ["manifest: 1", "bot: linear", "services:"]
    for service in range(actions // PER_SERVICE):
        lines += [f"  service_{service}:", f"    plugin: plugin_{service // PER_SERVICE}", "    actions:"]
        for number in range(PER_SERVICE):
            lines += [
                f"      search_{number}:",
                "        arguments:",
                f"          query: {{type: string, minLength: 1, maxLength: {100 + service}}}",
                f"          limit: {{type: integer, minimum: 1, maximum: {50 + number}}}",
                "        result: {type: array, items: {type: object}}",
            ]
    return "\n".join(lines) + "\n"


def load(actions: int) -> tuple[Bot, float]:
    """Bind the bot. Gives the seconds that reading and binding its file took."""
    services = range(actions // PER_SERVICE)
    plugins = {
        f"plugin_{start // PER_SERVICE}": Plugin(services[start : start + PER_SERVICE])
        for start in services[::PER_SERVICE]
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "linear.yaml"
        path.write_text(write_manifest(actions), encoding="utf-8")
        host = PluginHost.discover(plugins, only=())
        start = time.process_time()
        bots, problems = load_bots([path], host=host, environ={})
        seconds = time.process_time() - start
    if problems:
        raise StartupError(problems)
    return bots[0], seconds


def _case(bot: Bot, actions: int, called: int) -> talking.Case:
    """Call `called` different actions, from all over the bot, one after the other."""
    names = [divmod(n * actions // called, PER_SERVICE) for n in range(called)]

    def case(number: int) -> talking.Work:
        texts = []
        for n in range(number):
            service, action = names[n % called]
            data = {"t": f"service_{service}.search_{action}", "d": talking.ARGUMENTS}
            texts.append(talking.message("client-message", str(n), data))

        async def work() -> Iterable[tuple[object, object]]:
            return map(talking.answer_of, await ours_one(bot, texts))

        return work

    return case


def cases(bots: dict[int, Bot]) -> dict[str, talking.Case]:
    """Give the two cases of every size."""
    return {
        f"{which}-{size}": _case(bot, size, 10 if which == "ten" else size)
        for size, bot in bots.items()
        for which in ("ten", "all")
    }


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        talking.answer_runs(
            cases({size: load(size)[0] for size in sizes}), runner,
            {"bind": lambda size: {"cpu_s": load(int(size))[1]}},
        )  # fmt: skip
