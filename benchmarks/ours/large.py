"""What `rtvi check` does with a large manifest, in process, and what PyYAML's C loader does. Argument: the services.

Plugins are found and imported beforehand. Every time, the file is read anew and bound with empty caches, as the command
does. `measure CASE` does it once and gives its milliseconds.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.peers import talking
from rtvi_plugins import Handlers, hookimpl
from rtvi_plugins.binding import load_bots
from rtvi_plugins.binding.bot import bind
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.manifest.load import load_manifests
from rtvi_plugins.manifest.source import read_source
from rtvi_plugins.schema import compiler

OPTIONS, ACTIONS = 10, 10

TYPES = (
    "{type: number, minimum: %d, maximum: 450, default: 175, unit: words/min, description: Speed of speech.}",
    "{type: string, maxLength: %d, default: Welcome, description: What the bot says first.}",
    "{type: integer, minimum: 1, maximum: %d, default: 1, description: How many.}",
    "{type: string, enum: [alba, bruno, c%d], default: alba, description: Who speaks.}",
    "{type: bool, default: false, description: Whether number %d is on.}",
)


def write_manifest(services: int) -> str:
    """Generate the manifest: the schemas vary from service to service, so that few are equal."""
    lines = ["manifest: 1", "bot: large", "description: A bot that can do a great deal.", "services:"]
    for s in range(services):
        lines += [f"  service_{s}:", "    plugin: large", f"    description: Service number {s}.", "    options:"]
        for o in range(OPTIONS):
            lines.append(f"      option_{o}: {TYPES[o % len(TYPES)] % (10 + s % 50)}")
        lines.append("    actions:")
        for a in range(ACTIONS):
            lines += [
                f"      action_{a}:",
                f"        description: Does number {a} of service {s}.",
                "        timeout: 20s",
                "        arguments:",
                f"          message: {{type: string, maxLength: {100 + s}, description: What to say.}}",
                f"          count: {{type: integer, minimum: {a}, default: {a}, description: How often.}}",
                "        result: {type: object, properties: {done: {type: boolean}}, required: [done]}",
            ]
    return "\n".join(lines) + "\n"


class Plugin:
    """Supplies a handler for everything: options in the original form, actions in the typed one."""

    def __init__(self, services: int) -> None:
        self._services = services

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        """Give the handlers of all services."""
        return [_handlers_of(f"service_{s}") for s in range(self._services)]


def _handlers_of(service: str) -> Handlers:
    collection = Handlers(service)
    for o in range(OPTIONS):

        @collection.option(f"option_{o}")
        async def apply(processor: Any, service: str, option: Any) -> None:
            """Do nothing."""

    for a in range(ACTIONS):

        @collection.action(f"action_{a}")
        async def act(processor: Any, *, message: str, count: int = 1) -> dict[str, bool]:  # noqa: ARG001
            return {"done": True}

    return collection


def _load(content: bytes) -> object:
    return yaml.load(content, Loader=yaml.CSafeLoader)


def _load_without_collector(content: bytes) -> object:
    gc.disable()
    try:
        return _load(content)
    finally:
        gc.enable()


def cases(services: int, path: Path) -> dict[str, Callable[[], object]]:
    """Give what is measured: all of it, its parts, and the loader."""
    path.write_text(write_manifest(services), encoding="utf-8")
    content = path.read_bytes()
    host = PluginHost.discover({"large": Plugin(services)}, only=())
    bots, problems = load_bots([path], host=host, environ={})
    if problems or len(bots) != 1:
        raise ValueError([problem.render() for problem in problems[:5]])
    loaded, _ = load_manifests([path], shipped={}, environ={})
    return {
        "check": partial(load_bots, [path], host=host, environ={}),
        "values": partial(read_source, str(path), content),
        "models": partial(load_manifests, [path], shipped={}, environ={}),
        "bot": partial(bind, loaded[0], host),
        "loader": partial(_load, content),
        "loader-without-collector": partial(_load_without_collector, content),
    }


def milliseconds(work: Callable[[], object]) -> dict[str, object]:
    """Measure with empty caches. What the work returns is let go only afterwards."""
    for cached in (compiler._compiled, compiler._compiled_large):  # noqa: SLF001
        cached.cache_clear()
    # What this process holds besides is none of the collector's business: a new process would not hold it. It collects
    # in full whenever so much has come since the last time as a quarter of what there was then: now, of nothing.
    gc.collect()
    gc.freeze()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    kept = work()
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    del kept
    gc.unfreeze()
    return {"cpu_ms": cpu_s * 1e3, "wall_ms": wall_s * 1e3}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        known = cases(int(sys.argv[1]), Path(temporary) / "large.yaml")
        line = talking.Line()
        line.say({"cases": sorted(known)})
        line.listen({"measure": lambda case: milliseconds(known[case])})
