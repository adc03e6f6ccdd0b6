"""Nothing stands between the stages that a manifest lists, and the client is told of whole sentences all the same."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import AggregatedTextFrame, Frame, InterruptionFrame, LLMTextFrame, StartFrame, TextFrame
from pipecat.pipeline.base_pipeline import BasePipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins import Bot, hookimpl
from rtvi_plugins.pipecat import make_worker
from rtvi_plugins.pipecat.input import TAKES_FILES
from rtvi_plugins.pipecat.sentences import Sentences
from rtvi_plugins.testing.client import Client
from tests.pipecat.building import Folder
from tests.pipecat.fake_llm import serving
from tests.pipecat.memory import Input

HAS_OUTPUT = TAKES_FILES
"""Before 1.13 Pipecat's observer keeps text that nothing speaks until the bot speaks."""


class Sends(BaseOutputTransport):
    """The end of a real transport; the client is in the same process."""

    def __init__(self, client: Client) -> None:
        super().__init__(TransportParams())
        self._client = client

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send_message(self, frame: Any) -> None:
        self._client.receive(frame.message)


class Transport(BaseTransport):
    def __init__(self, version: str) -> None:
        super().__init__()
        self._input = Input()
        self.client = Client(self._input.receive, version=version, timeout=120)
        self._output = Sends(self.client)
        self._register_event_handler("on_client_disconnected")

    def input(self) -> Any:
        return self._input

    def output(self) -> Any:
        return self._output


class Caption(FrameProcessor):
    """A stage of an application's own, which looks at every text and may change it."""

    def __init__(self, *, loud: bool = False) -> None:
        super().__init__()
        self.seen: list[TextFrame] = []
        self._is_loud = loud

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame) and direction is FrameDirection.DOWNSTREAM:
            self.seen.append(frame)
            if self._is_loud:
                frame.text = frame.text.upper()
        await self.push_frame(frame, direction)


class Plugin:
    @staticmethod
    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return {"caption": Caption}


@asynccontextmanager
async def running(bot: Bot, version: str = "2.1.0") -> AsyncIterator[tuple[Client, PipelineWorker]]:
    transport = Transport(version)
    worker = make_worker(bot, transport, idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_started(*_: Any) -> None:
        started.set()

    task = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), 10)
        await transport.client.ready()
        yield transport.client, worker
    finally:
        await worker.cancel()
        await task
        transport.client.close()
        for stage in stages_of(worker):
            if isinstance(stage, OpenAILLMService):
                await stage._client.close()  # the service leaves its connections to the garbage collector


LLM = """{{id: llm, use: openai_llm, args: {{api_key: k, base_url: "{url}"}}, settings: {{model: m}}}}"""
LIST = """
    services: {{a: {{}}}}
    pipeline:
      stages:
        - transport.input
        - context.user
        - {llm}
        - {{use: caption, id: before, args: {{loud: {loud}}}}}
        - transport.output
        - {{use: caption, id: after}}
        - context.assistant
"""
SHORT = """
    services: {{a: {{}}}}
    pipeline: {{llm: {llm}}}
"""


def manifest(text: str, url: str, *, loud: str = "false") -> str:
    return textwrap.dedent(text.format(llm=LLM.format(url=url).replace("openai_llm", _name(text)), loud=loud))


def _name(text: str) -> str:
    return "openai_llm" if text is LIST else "openai"


async def said(client: Client, worker: PipelineWorker, text: str = "Hello?") -> str:
    ended = asyncio.create_task(client.next("bot-llm-stopped"))
    await asyncio.sleep(0)
    await client.send("send-text", {"content": text})
    await ended
    for _ in range(3):
        assert await worker.flush_pipeline()
    return "".join(m["data"]["text"] for m in client.received if m["type"] == "bot-llm-text")


def outputs(client: Client) -> list[str]:
    return [m["data"]["text"].strip() for m in client.received if m["type"] == "bot-output"]


def stages_of(worker: PipelineWorker) -> list[FrameProcessor]:
    inner = worker.pipeline.processors[-2]
    assert isinstance(inner, BasePipeline)
    return inner.processors[1:-1]


ANSWER = "Good morning. The spa is open"
SENTENCES = ["Good morning.", "The spa is open"]


async def test_own_stages_see_what_the_llm_says(tmp_path: Path) -> None:
    async with serving(ANSWER) as llm:
        bot = Folder(tmp_path).bot(manifest(LIST, llm.base_url), {"plugin": Plugin})
        async with running(bot) as (client, worker):
            assert await said(client, worker) == ANSWER
            before, after = (stage for stage in stages_of(worker) if isinstance(stage, Caption))
            for caption in (before, after):
                assert {type(frame) for frame in caption.seen} == {LLMTextFrame}
                assert "".join(frame.text for frame in caption.seen) == ANSWER
            assert outputs(client) == (SENTENCES if HAS_OUTPUT else [])


async def test_only_what_is_listed_is_in_the_pipeline(tmp_path: Path) -> None:
    async with serving(ANSWER) as llm:
        bot = Folder(tmp_path).bot(manifest(LIST, llm.base_url), {"plugin": Plugin})
        async with running(bot) as (_, worker):
            names = [type(stage).__name__ for stage in stages_of(worker)]
    listed = ["Input", "LLMUserAggregator", "OpenAILLMService", "Caption", "Sends", "Caption", "LLMAssistantAggregator"]
    assert names == listed


async def test_what_is_told_is_what_went_out(tmp_path: Path) -> None:
    """The client hears what the LLM said by `bot-llm-text`, and by `bot-output` what became of it."""
    async with serving(ANSWER, "Yes.") as llm:
        bot = Folder(tmp_path).bot(manifest(LIST, llm.base_url, loud="true"), {"plugin": Plugin})
        async with running(bot) as (client, worker):
            assert await said(client, worker) == ANSWER
            assert outputs(client) == ([one.upper() for one in SENTENCES] if HAS_OUTPUT else [])
            await said(client, worker, "Really?")
            context = (await llm.request(1))["messages"]
            assert [m["content"] for m in context if m["role"] == "assistant"] == [ANSWER.upper()]


@pytest.mark.skipif(not HAS_OUTPUT, reason="needs Pipecat 1.13")
@pytest.mark.parametrize("text", [LIST, SHORT], ids=["list", "short"])
@pytest.mark.parametrize("version", ["1.2.0", "2.1.0"])
async def test_what_clients_are_told_of_an_answer(tmp_path: Path, version: str, text: str) -> None:
    async with serving(ANSWER) as llm:
        bot = Folder(tmp_path).bot(manifest(text, llm.base_url), {"plugin": Plugin})
        async with running(bot, version) as (client, worker):
            await said(client, worker)
            told = [m["data"] for m in client.received if m["type"] == "bot-output"]
            assert [data["text"].strip() for data in told] == SENTENCES
            if version == "1.2.0":
                assert [(data["spoken"], data["aggregated_by"]) for data in told] == [(False, "sentence")] * 2
            else:
                assert [(d["will_be_spoken"], d["output_type"], d["spoken_status"]) for d in told] == [
                    (False, "sentence", "new")
                ] * 2
            types = [m["type"] for m in client.received]
            assert types.count("bot-llm-started") == types.count("bot-llm-stopped") == 1


async def test_a_stage_that_makes_sentences_is_left_to_it(tmp_path: Path) -> None:
    processor = "pipecat.processors.aggregators.llm_text_processor:LLMTextProcessor"
    text = LIST.replace("- transport.output", f'- {{{{use: "{processor}"}}}}\n        - transport.output')
    async with serving(ANSWER) as llm:
        manifest_ = textwrap.dedent(text.format(llm=LLM.format(url=llm.base_url), loud="false"))
        async with running(Folder(tmp_path).bot(manifest_, {"plugin": Plugin})) as (client, worker):
            await said(client, worker)
            assert outputs(client) == (SENTENCES if HAS_OUTPUT else [])


async def _of(sentences: Sentences, *frames: Frame) -> list[str]:
    return [found.text.strip() for frame in frames for found in await sentences.of(frame)]


async def test_an_interruption_drops_what_is_incomplete() -> None:
    sentences = Sentences()
    assert await _of(sentences, LLMTextFrame("One. Tw"), InterruptionFrame(), LLMTextFrame("Three. F")) == [
        "One.",
        "Three.",
    ]


async def test_sentences_of_a_stage_silence_these() -> None:
    sentences = Sentences()
    assert await _of(sentences, AggregatedTextFrame("One.", "sentence"), LLMTextFrame("Two. Three")) == []
