"""Functions the client executes: how calls end otherwise than well, and the original API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import ActionError, FunctionCallResultFrame, RTVIProcessor
from rtvi_plugins.processor import functions

from .harness import RESULT, STOPPED, assert_idle, function, made, raised, session

HERE = {"lat": 60.2, "lon": 24.9}


# -- calls that end otherwise -----------------------------------------------------------------------------------------


async def test_a_client_that_does_not_answer_is_given_up() -> None:
    processor = made(function("slow", timeout=0.02))
    async with session(processor) as client:
        error = await raised(processor.call_function("slow"))
        assert isinstance(error, ActionError)
        assert (error.text, error.code) == ("The client did not answer slow within 0.02 s", "timeout")
        (stopped,) = client.data(STOPPED)
        assert stopped["cancelled"] is True
        late = {"function_name": "slow", "tool_call_id": stopped["tool_call_id"], "result": 1}
        assert (await client.refused(RESULT, late)).code == "unknown-call"


async def test_a_cancelled_caller_ends_the_call() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        told = await client.waiting_call()
        calling.cancel()
        assert isinstance(await raised(calling), asyncio.CancelledError)
        (stopped,) = client.data(STOPPED)
        assert stopped == {"tool_call_id": told["tool_call_id"], "function_name": "anything", "cancelled": True}
        assert not client.processor._calls


@pytest.mark.standalone("a pipeline that has ended carries no frames: tests/pipecat/test_faults.py has the outcomes")
async def test_everybody_is_told_when_the_client_leaves() -> None:
    outcomes: list[Any] = []

    async def take(result: Any) -> None:
        outcomes.append(result)

    async with session() as client:
        processor = client.processor
        calling = [asyncio.create_task(processor.call_function("anything")) for _ in range(3)]
        await processor.handle_function_call("anything", "call_1", {}, result_callback=take)
        await processor.handle_function_call("anything", "call_2", {}, result_callback=outcomes.append)
        await processor.handle_function_call("anything", "call_3", {})
        await asyncio.sleep(0)
        assert len(processor._calls or {}) == 6
    for task in calling:
        error = await raised(task)
        assert isinstance(error, ActionError)
        assert (error.text, error.code) == ("The client has gone", "cancelled")
    assert outcomes == [{"error": "The client has gone"}] * 2
    frames = [frame for frame in client.port.frames if isinstance(frame, FunctionCallResultFrame)]
    assert {frame.tool_call_id for frame in frames} == {"call_1", "call_2", "call_3"}
    assert [frame.result for frame in frames] == [{"error": "The client has gone"}] * 3


async def test_nothing_begins_once_the_client_has_gone() -> None:
    outcomes: list[Any] = []
    async with session() as client:
        processor = client.processor

        async def stubborn() -> None:
            """Tries again and again, as handlers do."""
            while len(outcomes) < 3:
                outcomes.append(await raised(processor.call_function("anything")))

        trying = asyncio.create_task(stubborn())
        await client.waiting_call()
    await trying
    assert [str(error) for error in outcomes] == ["The client has gone"] * 3
    outcomes.clear()
    await processor.handle_function_call("anything", "call_9", {}, result_callback=outcomes.append)
    assert outcomes == [{"error": "The client has gone"}]
    assert_idle(processor)


@pytest.mark.standalone("a pipeline that has ended carries no frames: tests/pipecat/test_faults.py has the outcomes")
async def test_an_outcome_on_its_way_arrives_though_the_client_leaves() -> None:
    outcomes: list[Any] = []

    async def take_slowly(result: Any) -> None:
        await asyncio.sleep(0.01)
        outcomes.append(result)

    async with session() as client:
        await client.processor.handle_function_call("anything", "c1", {}, result_callback=take_slowly)
        await client.give("c1", "anything", 1)
        await client.settle()
        again = {"function_name": "anything", "tool_call_id": "c1", "result": 2}
        assert (await client.refused(RESULT, again)).code == "unknown-call"
    assert outcomes == [1]
    assert client.port.frames == [FunctionCallResultFrame("anything", "c1", {}, 1)]


async def test_a_time_out_arrives_though_the_client_leaves_at_that_moment() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        await client.waiting_call()
        ((_, call),) = (client.processor._calls or {}).items()
        functions._expire(client.processor, call)
        client.processor.finish("disconnected")
    error = await raised(calling)
    assert isinstance(error, ActionError)
    assert error.code == "timeout"


async def test_a_callback_that_hangs_does_not_keep_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtvi_plugins.processor.functions.LEAVING_S", 0.02)
    outcomes: list[Any] = []

    async def hang(_result: Any) -> None:
        await asyncio.Event().wait()

    async def cancel_itself(_result: Any) -> None:
        raise asyncio.CancelledError

    async with session() as client:
        for number, callback in enumerate([hang, cancel_itself, outcomes.append]):
            await client.processor.handle_function_call("anything", f"c{number}", {}, result_callback=callback)
    assert outcomes == [{"error": "The client has gone"}]


# -- the original API -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [True, False], ids=["async-callback", "plain-callback"])
@pytest.mark.parametrize("version", [None, "1.1.0", "2.1.0"])
async def test_an_llm_call_gives_its_result_to_the_callback_and_one_frame(version: str | None, is_async: bool) -> None:
    outcomes: list[Any] = []

    async def take(result: Any) -> None:
        await asyncio.sleep(0)
        outcomes.append(result)

    async with session(version=version) as client:
        await client.processor.handle_function_call(
            function_name="get_location",
            tool_call_id="call_7",
            arguments={},
            llm=object(),
            context=object(),
            result_callback=take if is_async else outcomes.append,
        )
        await client.give("call_7", "get_location", HERE)
        await client.settle()
        assert outcomes == [HERE]
        assert client.port.frames == [FunctionCallResultFrame("get_location", "call_7", {"accuracy": "coarse"}, HERE)]


async def test_an_llm_hears_what_is_wrong_with_its_arguments() -> None:
    outcomes: list[Any] = []
    async with session() as client:
        for arguments in ({"accuracy": "exact"}, ["fine"]):
            await client.processor.handle_function_call(
                "get_location", "call_1", arguments, result_callback=outcomes.append
            )
        assert client.told("llm-") == []
        assert [frame.result for frame in client.port.frames if isinstance(frame, FunctionCallResultFrame)] == outcomes
    unfit, unread = outcomes
    assert unfit["error"].startswith("Invalid arguments for get_location: accuracy: ")
    assert unread["error"] == "The arguments are not a JSON object"  # as an LLM service's own call is told


async def test_an_undeclared_function_takes_and_gives_anything() -> None:
    outcomes: list[Any] = []
    async with session() as client:
        await client.processor.handle_function_call("dance", "c1", {"steps": 3}, result_callback=outcomes.append)
        await client.give("c1", "dance", [1, "two"])
        await client.settle()
    assert outcomes == [[1, "two"]]


async def test_a_callback_that_fails_loses_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_result: Any) -> None:
        raise RuntimeError("callback")

    async with session() as client:
        await client.processor.handle_function_call("anything", "c1", {}, result_callback=fail)
        await client.give("c1", "anything", 1)
        await client.settle()
        assert [type(frame) for frame in client.port.frames] == [FunctionCallResultFrame]
        assert client.told("error") == []
    assert "the result_callback of function call c1 failed" in caplog.text


async def test_a_time_out_reaches_the_callback_and_the_pipeline() -> None:
    processor: RTVIProcessor = made(function("slow", timeout=0.01))
    told = asyncio.get_running_loop().create_future()
    async with session(processor) as client:
        await processor.handle_function_call("slow", "c1", {}, result_callback=told.set_result)
        outcome = await told
        assert outcome == {"error": "The client did not answer slow within 0.01 s"}
        await client.settle()
        assert client.port.frames == [FunctionCallResultFrame("slow", "c1", {}, outcome)]
