"""A pipeline with a real LLM service, whose provider is a server of this test run, and a client in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pipecat.frames.frames import Frame, FunctionCallResultFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies

from rtvi_plugins import Session
from rtvi_plugins.pipecat import RTVIProcessor, processor_for
from tests.pipecat.fake_llm import Call, FakeLLM, serving
from tests.pipecat.memory import PipelineClient, Stage, connect
from tests.whole.harness import whole


class Talk(PipelineClient):
    """A client that talks with an LLM. `llm`: the provider; `results`: the frames that carried results of tools."""

    llm: FakeLLM
    results: list[FunctionCallResultFrame]

    def told(self) -> list[tuple[str, Any]]:
        """List what was said about function calls, in order."""
        return [(m["type"], m["data"]) for m in self.received if m["type"].startswith("llm-function-call")]

    async def give(self, tool_call_id: str, name: str, result: Any, **more: Any) -> str:
        """Send the result of a function; gives the id of the message."""
        data = {"function_name": name, "tool_call_id": tool_call_id, "arguments": {}, "result": result}
        return await self.send("llm-function-call-result", data | more)


@asynccontextmanager
async def talking(
    *script: str | list[Call],
    rtvi: RTVIProcessor | None = None,
    prepare: Callable[[RTVIProcessor, OpenAILLMService], Any] | None = None,
    **connection: Any,
) -> AsyncIterator[Talk]:
    """Open a session of the whole bot whose LLM follows a script.

    prepare: registers functions; by default the bot's own tools. What it gives are the tools of the context.
    """
    rtvi = rtvi or processor_for(whole())(session=Session("memory"))
    async with serving(*script) as llm:
        settings = OpenAILLMService.Settings(model="fake")
        service = OpenAILLMService(api_key="none", base_url=llm.base_url, settings=settings)
        tools = (prepare or (lambda rtvi, service: rtvi.register_tools(service)))(rtvi, service)
        context = LLMContext(tools=tools) if tools is not None else LLMContext()
        params = LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
        pair = LLMContextAggregatorPair(context, user_params=params)
        results: list[FunctionCallResultFrame] = []

        async def note(_: Stage, frame: Frame) -> None:
            if isinstance(frame, FunctionCallResultFrame):
                results.append(frame)

        stages = [pair.user(), service, Stage(note), pair.assistant()]
        try:
            async with connect(rtvi, stages=stages, **connection) as client:
                client.__class__ = Talk
                assert isinstance(client, Talk)
                client.llm, client.results = llm, results
                yield client
        finally:
            await service._client.close()  # the service leaves its connections to the garbage collector
