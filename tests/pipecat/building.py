"""Bots from manifests written inside tests, and the pipeline of one session, run with a transport in memory."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins import Bot, Problem, Session, StartupError
from rtvi_plugins.binding.bot import BUILT_IN, load_bots
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.pipecat import RTVIProcessor, processor_for
from rtvi_plugins.pipecat.building import Built, build
from rtvi_plugins.testing.client import Client
from tests.pipecat.memory import Input, Output


class Folder:
    """Writes manifests into a folder, and loads them with the given plugins and none of those installed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(
        self, text: str, plugins: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> tuple[Bot | None, tuple[Problem, ...]]:
        file = self.path / "bot.yaml"
        file.write_text("manifest: 1\nbot: test\n" + textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        host = PluginHost.discover({**BUILT_IN, **(plugins or {})}, only=())
        bots, problems = load_bots([file], host=host, environ=environ or {})
        return (bots[0] if bots else None), problems

    def bot(
        self, text: str, plugins: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Bot:
        bot, problems = self.load(text, plugins, environ)
        if bot is None or problems:
            raise StartupError(problems)
        return bot

    def problems(self, text: str, plugins: Mapping[str, object] | None = None) -> list[str]:
        """Give the problems as lines, without the folder; lines count from the first one of `text`."""
        _, problems = self.load(text, plugins)
        return [
            f"{p.location.line - 2}:{p.location.column}: {p.render().partition(': ')[2]}"
            if p.location.path.startswith(str(self.path))
            else p.render()
            for p in problems
        ]


class Transport:
    """The two ends of a pipeline; the client is in the same process."""

    def __init__(self) -> None:
        self._input = Input()
        self.client = Client(self._input.receive, version="2.1.0", timeout=120)
        self._output = Output(self.client)

    def input(self) -> Input:
        return self._input

    def output(self) -> Output:
        return self._output


def rtvi_of(bot: Bot) -> RTVIProcessor:
    return processor_for(bot)(session=Session("test"))


def build_one(bot: Bot, rtvi: RTVIProcessor | None = None) -> Built:
    return build(bot.pipeline, bot, rtvi or rtvi_of(bot), Transport())  # type: ignore[arg-type]


@asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[tuple[Client, Built]]:
    """Run one session of a bot's pipeline, and give its client, for whom the bot is ready."""
    rtvi, transport = rtvi_of(bot), Transport()
    built = build(bot.pipeline, bot, rtvi, transport)  # type: ignore[arg-type]
    worker = PipelineWorker(built.pipeline, rtvi_processor=rtvi, **{**built.worker, "idle_timeout_secs": None})
    runner = WorkerRunner(handle_sigint=False)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_started(*_: Any) -> None:
        started.set()

    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), 10)
        await transport.client.ready()
        yield transport.client, built
    finally:
        await worker.cancel()
        await task
        transport.client.close()
