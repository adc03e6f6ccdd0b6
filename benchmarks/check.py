"""What `rtvi check` does with a manifest of 200 services, 10 options and 10 actions each, against PyYAML's C loader.

In process, plugins found and imported beforehand. Every round reads the file anew and binds it with empty caches, as
the command does. The lines below the first say where the time goes.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.timing import Plan, Result, compare, cpu_time
from rtvi_plugins import Handlers, hookimpl
from rtvi_plugins.binding import load_bots
from rtvi_plugins.binding.bot import bind
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.manifest.load import load_manifests
from rtvi_plugins.manifest.source import read_source
from rtvi_plugins.schema import compiler

AIM = 2.0
SERVICES, OPTIONS, ACTIONS = 200, 10, 10

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


def _milliseconds(work: Callable[[], object]) -> float:
    """Measure with empty caches. What the work returns is let go only afterwards."""
    for cached in (compiler._compiled, compiler._compiled_large):  # noqa: SLF001
        cached.cache_clear()
    # What this process holds besides is none of the collector's business: a new process would not hold it.
    gc.collect()
    gc.freeze()
    kept: list[object] = []
    seconds = cpu_time(lambda: kept.append(work()))
    kept.clear()
    gc.unfreeze()
    return seconds * 1e3


def measure(plan: Plan) -> list[Result]:
    """Measure the whole, then its parts."""
    services = 20 if plan.is_smoke else SERVICES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        path.write_text(write_manifest(services), encoding="utf-8")
        content = path.read_bytes()
        host = PluginHost.discover({"large": Plugin(services)}, only=())
        bots, problems = load_bots([path], host=host, environ={})
        assert len(bots) == 1, [problem.render() for problem in problems[:5]]
        assert not problems
        del bots
        loaded, _ = load_manifests([path], shipped={}, environ={})

        def c_loader() -> object:
            return yaml.load(content, Loader=yaml.CSafeLoader)

        def c_loader_without_collector() -> object:
            gc.disable()
            try:
                return c_loader()
            finally:
                gc.enable()

        everything = partial(load_bots, [path], host=host, environ={})
        parts: dict[str, tuple[Callable[[], object], float | None]] = {
            "all of it": (everything, AIM),
            "of that: YAML to values and places": (partial(read_source, str(path), content), None),
            "of that: the file to models": (partial(load_manifests, [path], shipped={}, environ={}), None),
            "of that: models and plugins to a bot": (partial(bind, loaded[0], host), None),
        }
        name = f"{services} x {OPTIONS} x {ACTIONS}"
        results = [
            compare(
                "check", f"{name}, {case}", partial(_milliseconds, work), partial(_milliseconds, c_loader),
                plan=plan, unit="ms", aim=aim,
            )
            for case, (work, aim) in parts.items()
        ]  # fmt: skip
        results.append(
            compare(
                "check", f"{name}, all of it; loader without collector", partial(_milliseconds, everything),
                partial(_milliseconds, c_loader_without_collector), plan=plan, unit="ms",
            )
        )  # fmt: skip
        return results
