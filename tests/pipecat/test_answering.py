"""Texts where nothing answers: refused as on the standalone host; where something may, they go into the pipeline."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import Frame, LLMMessagesAppendFrame
from pipecat.pipeline.parallel_pipeline import ParallelPipeline
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.service_switcher import ServiceSwitcher
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.aggregators.llm_text_processor import LLMTextProcessor
from pipecat.processors.filters.identity_filter import IdentityFilter
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from rtvi_plugins import hookimpl
from rtvi_plugins.pipecat import RTVIProcessor
from rtvi_plugins.pipecat.answering import may_answer
from rtvi_plugins.testing import RequestError
from tests.pipecat.building import Folder, running
from tests.pipecat.memory import connect

REFUSED = {
    "send-text": ({"content": "Hello?"}, "no-responder", "This bot has no responder for text"),
    "append-to-context": ({"role": "user", "content": "Hello?"}, "no-responder", "This bot keeps no context"),
    "send-file": (
        {"content": "See", "file": {"format": "a/b", "source": {"type": "url", "url": "https://x.example/a"}}},
        "unsupported-type",
        "This bot does not take send-file",
    ),
}


class Mute(TTSService):
    """A TTS stage of an application's own."""

    async def run_tts(self, text: str, context_id: str) -> Any:
        yield None


class Own(FrameProcessor):
    """A stage of an application's own, which takes texts by itself."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMMessagesAppendFrame):
            await self.push_frame(frame, direction)


class Stages:
    @staticmethod
    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return {"own": Own, "mute": Mute}


NOBODY = {
    "nothing": "pipeline: {}",
    "speech": "pipeline: {tts: mute}",
    "hearing": "pipeline: {stt: {use: openai, args: {api_key: x}}}",
    "a list": "pipeline: {stages: [transport.input, mute, transport.output]}",
    "a list with a filter": """
        pipeline:
          stages:
            - transport.input
            - context.user
            - {use: "pipecat.processors.filters.identity_filter:IdentityFilter"}
            - transport.output
            - context.assistant
    """,
}
SOMEBODY = {
    "an LLM": "pipeline: {llm: {use: openai, args: {api_key: x}}}",
    "the responder": "pipeline: {}\nruntime: {responder: echo}",
    "a stage of one's own": "pipeline: {stages: [transport.input, own, transport.output]}",
}


@pytest.mark.parametrize("text", NOBODY.values(), ids=NOBODY)
async def test_nobody_answers(tmp_path: Path, text: str) -> None:
    bot = Folder(tmp_path).bot("services: {a: {}}\n" + textwrap.dedent(text), {"stages": Stages})
    async with running(bot) as (client, _):
        assert (await client.request("describe-bot"))["answers_text"] is False
        for type_, (data, code, said) in REFUSED.items():
            with pytest.raises(RequestError, match=said) as refused:
                await client.request(type_, data)
            assert refused.value.code == code


@pytest.mark.parametrize("text", SOMEBODY.values(), ids=SOMEBODY)
async def test_somebody_answers(tmp_path: Path, text: str) -> None:
    async with running(Folder(tmp_path).bot("services: {a: {}}\n" + textwrap.dedent(text), {"stages": Stages})) as (
        client,
        _,
    ):
        assert (await client.request("describe-bot"))["answers_text"] is True


async def test_a_bot_with_only_a_responder(tmp_path: Path) -> None:
    async with running(Folder(tmp_path).bot("runtime: {responder: echo}\npipeline: {}")) as (client, _):
        assert await client.send_text("hello") == "hello"


class Listens(BaseInputTransport):
    pass


class Sends(BaseOutputTransport):
    pass


def _transports() -> list[FrameProcessor]:
    return [Listens(TransportParams()), Sends(TransportParams())]


def _llm() -> OpenAILLMService:
    return OpenAILLMService(api_key="x", settings=OpenAILLMService.Settings(model="m"))


def _pair() -> list[FrameProcessor]:
    pair = LLMContextAggregatorPair(LLMContext())
    return [pair.user(), pair.assistant()]


KINDS: dict[str, tuple[Callable[[], list[FrameProcessor]], bool]] = {
    "transports": (_transports, False),
    "aggregators": (_pair, False),
    "an RTVI processor": (lambda: [RTVIProcessor()], False),
    "a service that hears": (lambda: [OpenAISTTService(api_key="x")], False),
    "a service that speaks": (lambda: [Mute()], False),
    "what makes sentences": (lambda: [LLMTextProcessor(), IdentityFilter()], False),
    "silent ones in parallel": (lambda: [ParallelPipeline([IdentityFilter()], [Mute()])], False),
    "an LLM": (lambda: [_llm()], True),
    "an LLM in parallel": (lambda: [ParallelPipeline([IdentityFilter()], [_llm()])], True),
    "a switcher of LLMs": (lambda: [ServiceSwitcher([_llm(), _llm()])], True),
    "a switcher of voices": (lambda: [ServiceSwitcher([Mute(), Mute()])], False),
    "a stage of one's own": (lambda: [Own()], True),
}


@pytest.mark.parametrize(("make", "answers"), KINDS.values(), ids=KINDS)
async def test_kinds_of_stages(make: Callable[[], list[FrameProcessor]], answers: bool) -> None:
    assert may_answer(Pipeline([*make(), *_transports()])) is answers


async def test_a_pipeline_made_by_hand() -> None:
    """Its stages are looked at when it begins; the transport in memory counts as a stage of one's own."""
    async with connect(RTVIProcessor()) as client:
        assert (await client.request("describe-bot"))["answers_text"] is True
    rtvi = RTVIProcessor()
    rtvi.attach_stages({"tts": Mute()}, are_all=True)
    async with connect(rtvi) as client:
        assert (await client.request("describe-bot"))["answers_text"] is False
        with pytest.raises(RequestError, match="no responder"):
            await client.request("send-text", {"content": "Hello?"})
