"""Hostile messages, failing stages, clients that leave: answered once, told in plain words, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from typing import Any

import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    ErrorFrame,
    Frame,
    LLMTextFrame,
    TextFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rtvi_plugins.pipecat import RTVIAction, RTVIActionArgument, RTVIProcessor
from rtvi_plugins.pipecat.session import PipelineSession
from rtvi_plugins.testing import RequestError
from tests.pipecat.memory import PipelineClient, Stage, connect

LABEL = "rtvi-ai"


def bot(**handlers: Any) -> RTVIProcessor:
    """Make a processor with an action `s.<name>` for each handler."""
    rtvi = RTVIProcessor()
    for name, handler in handlers.items():
        rtvi.register_action(RTVIAction("s", name, [RTVIActionArgument("value", True)], handler=handler))
    return rtvi


async def echo(processor: Any, service: str, arguments: dict[str, Any]) -> Any:
    return arguments.get("value")


# -- hostile messages -------------------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def call(value: Any) -> dict[str, Any]:
    data = {"t": "s.echo", "d": {"value": value}}
    return {"label": LABEL, "type": "client-message", "id": "x1", "data": data}


ANSWERED: dict[str, tuple[Any, str]] = {
    "fine": (call({"a": None}), ""),
    "nan": (call(float("nan")), "not JSON"),
    "infinity": (call([float("-inf")]), "not JSON"),
    "deep": (call(nested(70)), "nested more than 64 deep"),
    "deeper-than-recursion": (call(nested(500)), "not JSON|nested"),
    "huge": (call("x" * 1_200_000), "too large"),
    "bytes": (call(b"abc"), "not JSON"),
    "object": (call(object()), "not JSON"),
    "data-list": ({"label": LABEL, "type": "client-message", "id": "x1", "data": [1]}, "data: expected object"),
    "no-t": ({"label": LABEL, "type": "client-message", "id": "x1", "data": {"d": 1}}, "t: expected string"),
    "type-number": ({"label": LABEL, "type": 3, "id": "x1"}, "type: expected string"),
    "no-type": ({"label": LABEL, "id": "x1"}, "type: expected string"),
    "unknown-type": ({"label": LABEL, "type": "x" * 5000, "id": "x1"}, "Unsupported type x{100}$"),
}


@pytest.mark.parametrize(("message", "refused"), ANSWERED.values(), ids=ANSWERED)
async def test_hostile_messages_are_answered_once(message: Any, refused: str) -> None:
    async with connect(bot(echo=echo)) as client:
        await client.send_raw(message)
        await client.settle()
        (answer,) = client.answers("x1")
        if refused:
            with pytest.raises(RequestError, match=refused):
                raise RequestError(answer["data"])
        else:
            assert answer["data"] == {"t": "s.echo", "d": {"a": None}}
        assert await client.call("s.echo", value=1) == 1


UNADDRESSED: dict[str, tuple[Any, str]] = {
    "list": ([1, 2], "expected an object"),
    "text": ("hello", "expected an object"),
    "none": (None, "expected an object"),
    "no-id": ({"label": LABEL, "type": "client-message", "data": {"t": "s.echo"}}, "id: missing"),
    "id-number": ({"label": LABEL, "type": "client-message", "id": 3, "data": {"t": "s.echo"}}, "id: expected string"),
    "id-list-and-nan": ({"label": LABEL, "type": "x", "id": [], "data": {"a": float("nan")}}, "not JSON"),
}


@pytest.mark.parametrize(("message", "told"), UNADDRESSED.values(), ids=UNADDRESSED)
async def test_what_has_no_id_is_told_by_an_error_that_is_not_fatal(message: Any, told: str) -> None:
    async with connect(bot(echo=echo)) as client:
        await client.send_raw(message)
        await client.settle()
        (error,) = client.of("error")
        assert told in error["data"]["error"]
        assert error["data"]["fatal"] is False
        assert await client.call("s.echo", value=1) == 1


@pytest.mark.parametrize("message", [{}, {"label": "other", "type": "client-message", "id": "x"}, {"type": "x"}])
async def test_messages_of_others_are_ignored(message: Any) -> None:
    async with connect(bot(echo=echo)) as client:
        await client.send_raw(message)
        await client.settle()
        assert client.types() == ["bot-ready"]


@pytest.mark.parametrize("value", ["a\ud800", "\udc00b", "\ude00\ud83d", {"\ud800": 1}], ids=ascii)
async def test_half_of_a_surrogate_pair_is_read_as_on_every_host(value: Any) -> None:
    async with connect(bot(echo=echo)) as client:
        await client.send_raw(call(value))
        await client.settle()
        (answer,) = client.answers("x1")
        assert "\ufffd" in str(answer["data"]["d"])
        # Even in an id: nobody can match the answer, but there is one.
        await client.send_raw({**call(float("nan")), "id": "\ud800"})
        await client.settle()
        assert client.answers("\ufffd")[0]["type"] == "error-response"


async def test_a_flood_is_answered_in_full_and_holds_up_nobody() -> None:
    """3000 at once: each answered exactly once, refused where too many wait; the pipeline goes on meanwhile."""
    async with connect(bot(echo=echo), timeout=30) as client:
        beat = asyncio.create_task(client.output.next(TextFrame))
        for number in range(3000):
            await client.send("client-message", {"t": "s.echo", "d": {"value": number}}, f"n{number}")
        await client.worker.queue_frame(TextFrame("beat"))
        await beat
        while len(client.received) < 3001:
            await asyncio.sleep(0.01)
        await client.settle()
        answers = Counter(message["id"] for message in client.received[1:])
        assert answers == Counter(f"n{number}" for number in range(3000))
        refused = [m for m in client.received if m["type"] == "error-response"]
        assert {m["data"]["code"] for m in refused} <= {"busy"}
        assert await client.call("s.echo", value="still") == "still"


async def test_a_flood_of_client_ready() -> None:
    """Each gets its `bot-ready`, or is refused while too many wait for the bot."""
    rtvi = bot()
    may_go = asyncio.Event()

    @rtvi.event_handler("on_client_ready")
    async def on_client_ready(processor: RTVIProcessor) -> None:
        await may_go.wait()
        await processor.set_bot_ready()

    async with connect(rtvi, ready=False, by_hand=True) as client:
        for number in range(400):
            await client.send("client-ready", {"version": "2.1.0"}, f"r{number}")
        await client.settle()
        may_go.set()
        while len(client.received) < 400:
            await asyncio.sleep(0.01)
        told = Counter(message["id"] for message in client.received)
        assert told == Counter(f"r{number}" for number in range(400))
        assert set(client.types()) == {"bot-ready", "error-response"}


# -- the frame loop ---------------------------------------------------------------------------------------------------


release = threading.Event()
"""What the slow actions wait for."""


async def wait(processor: Any, service: str, arguments: dict[str, Any]) -> bool:
    while not release.is_set():
        await asyncio.sleep(0.01)
    return True


def block_a_thread(processor: Any, service: str, arguments: dict[str, Any]) -> bool:
    return release.wait(120)


@pytest.mark.parametrize("handler", [wait, block_a_thread])
@pytest.mark.parametrize("by_hand", [True, False], ids=["by-hand", "rtvi_processor"])
async def test_a_long_action_delays_no_frame(by_hand: bool, handler: Any) -> None:
    release.clear()
    async with connect(bot(slow=handler, echo=echo), by_hand=by_hand) as client:
        slow = asyncio.create_task(client.call("s.slow"))
        await asyncio.sleep(0.05)
        passed = asyncio.create_task(client.output.next(TextFrame))
        await client.worker.queue_frame(TextFrame("hi"))
        await passed
        assert await client.call("s.echo", value=2) == 2
        assert not slow.done()
        release.set()
        assert await slow is True


async def test_a_long_event_handler_delays_no_frame() -> None:
    rtvi = bot(echo=echo)
    may_go = asyncio.Event()

    @rtvi.event_handler("on_client_message")
    async def on_client_message(processor: RTVIProcessor, message: Any) -> None:
        await may_go.wait()
        await processor.send_server_response(message, "done")

    async with connect(rtvi) as client:
        asked = asyncio.create_task(client.ask("hello"))
        await asyncio.sleep(0)
        passed = asyncio.create_task(client.output.next(TextFrame))
        await client.settle()
        await client.worker.queue_frame(TextFrame("hi"))
        await passed
        assert await client.call("s.echo", value=3) == 3
        assert not asked.done()
        may_go.set()
        assert await asked == "done"


# -- failing stages ---------------------------------------------------------------------------------------------------


async def break_on_break(stage: Stage, frame: Frame) -> None:
    if isinstance(frame, TextFrame) and frame.text == "break":
        raise ValueError("https://user:secret@provider.example/v1 refused sk-1234")
    if isinstance(frame, TextFrame) and frame.text == "error":
        await stage.push_error("key sk-1234 is invalid")


@pytest.mark.parametrize("text", ["break", "error"])
@pytest.mark.parametrize("by_hand", [True, False], ids=["by-hand", "rtvi_processor"])
async def test_a_stage_that_fails_is_told_without_its_insides(by_hand: bool, text: str) -> None:
    rtvi = bot(echo=echo)
    stage = Stage(break_on_break)
    rtvi.attach_stages({"llm": stage})
    async with connect(rtvi, by_hand=by_hand, stages=[stage]) as client:
        await client.worker.queue_frame(TextFrame(text))
        await client.settle()
        (error,) = client.of("error")
        told = "The llm stage failed"
        assert error["data"] == {
            "error": told,
            "message": told,
            "fatal": False,
            "category": "internal",
            "code": "stage-failed",
        }
        assert await client.call("s.echo", value=1) == 1


async def test_a_stage_without_a_name_fails() -> None:
    async with connect(bot(), stages=[Stage(break_on_break)]) as client:
        await client.worker.queue_frame(TextFrame("error"))
        await client.settle()
        assert [m["data"]["error"] for m in client.of("error")] == ["A stage of the bot failed"]


async def test_a_fatal_failure_is_told_before_the_end() -> None:
    async with connect(bot()) as client:
        error = ErrorFrame("sk-1234")
        error.fatal = True  # as an argument it is deprecated, and still what some services do
        await client.output.push_frame(error, FrameDirection.UPSTREAM)
        while not client.worker.has_finished():
            await asyncio.sleep(0.005)
        (told,) = client.of("error")
        assert told["data"]["fatal"] is True
        assert "sk-1234" not in str(client.received)


# -- clients that leave -----------------------------------------------------------------------------------------------


async def test_a_client_leaves_in_mid_action_and_in_mid_speech() -> None:
    ended: list[str] = []

    async def for_ever(processor: Any, service: str, arguments: dict[str, Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("action")

    rtvi = bot(forever=for_ever)
    async with connect(rtvi) as client:
        await client.worker.queue_frames(
            [BotStartedSpeakingFrame(), LLMTextFrame("I was about to"), UserStartedSpeakingFrame()]
        )
        await client.send("client-message", {"t": "s.forever"})
        await client.send("client-message", {"t": "nobody answers"})
        waiting = asyncio.create_task(rtvi.handle_function_call("f", "call_1", {}, result_callback=ended.append))
        await client.settle()
        await waiting
    assert ended[0] == {"error": "The client has gone"}
    assert ended[1:] == ["action"]
    session = client.processor
    assert not session._running
    assert not session._workers
    assert not session._calls


async def test_a_handler_that_will_not_end_does_not_keep_the_pipeline() -> None:
    async def stubborn(processor: Any, service: str, arguments: dict[str, Any]) -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async with connect(bot(stubborn=stubborn)) as client:
        await client.send("client-message", {"t": "s.stubborn"})
        await client.settle()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 60, "the handler would take three minutes"
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)


async def test_a_processor_that_never_ran_is_cleaned_up() -> None:
    rtvi = bot(echo=echo)
    await rtvi.send_server_message("kept")
    await rtvi.cleanup()
    assert not rtvi.session_processor._workers


# -- many sessions ----------------------------------------------------------------------------------------------------


def alive() -> Counter[str]:
    gc.collect()
    kinds = (FrameProcessor, PipelineSession, PipelineClient, Frame)
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds))


async def one_session() -> None:
    async with connect(bot(echo=echo, slow=wait), stages=[Stage(break_on_break)]) as client:
        assert await client.call("s.echo", value=1) == 1
        await client.send("client-message", {"t": "s.slow"})
        await client.worker.queue_frame(TextFrame("error"))
        await client.settle()


async def test_thirty_sessions_in_turn_leave_nothing() -> None:
    """No task, no processor, no frame: what the first session left is all that thirty leave."""
    await one_session()
    tasks, before = len(asyncio.all_tasks()), alive()
    for _ in range(30):
        await one_session()
    assert len(asyncio.all_tasks()) == tasks == 1
    assert alive() - before == Counter()
