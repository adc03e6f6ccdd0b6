"""The eight frames: their form, and what becomes of each. Source: Pipecat's RTVI frames; rtvi-protocol 8."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import rtvi_plugins
from rtvi_plugins import (
    Frame,
    FrameDirection,
    RTVIClientMessageFrame,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICancelJobGroupFrame,
    RTVIUICommandFrame,
    RTVIUIEventFrame,
    RTVIUIJobGroupFrame,
    RTVIUISnapshotFrame,
    SystemFrame,
)
from rtvi_plugins.protocol.frames import (
    UIJobCompletedData,
    UIJobGroupCompletedData,
    UIJobGroupStartedData,
    UIJobUpdateData,
)

from .harness import Recording, session

REQUIRED = dataclasses.MISSING

FORMS: dict[str, dict[str, Any]] = {
    "RTVIServerMessageFrame": {"data": REQUIRED},
    "RTVIUICommandFrame": {"command": "", "payload": None},
    "RTVIUIJobGroupFrame": {"data": None},
    "RTVIUIEventFrame": {"msg_id": "", "event": "", "payload": None},
    "RTVIUISnapshotFrame": {"msg_id": "", "tree": None},
    "RTVIUICancelJobGroupFrame": {"msg_id": "", "job_id": "", "reason": None},
    "RTVIClientMessageFrame": {"msg_id": REQUIRED, "type": REQUIRED, "data": None},
    "RTVIServerResponseFrame": {"client_msg": REQUIRED, "data": None, "error": None},
}
"""Name → fields in order, with their defaults."""

TREE = {"root": {"ref": "e1", "role": "generic"}, "captured_at": 1}


@pytest.mark.parametrize("name", FORMS)
def test_frames_have_the_form_that_plugins_know(name: str) -> None:
    kind = getattr(rtvi_plugins, name)
    assert {field.name: field.default for field in dataclasses.fields(kind)} == FORMS[name]
    assert list(FORMS[name]) == [field.name for field in dataclasses.fields(kind)]
    assert issubclass(kind, SystemFrame)
    given = {field: object() for field, default in FORMS[name].items() if default is REQUIRED}
    frame = kind(**given)
    assert frame == kind(*given.values())
    for field, default in FORMS[name].items():
        assert getattr(frame, field) == given.get(field, default)


ASKED = RTVIClientMessageFrame("m7", "ask", {"q": 1})

ANY: list[Any] = [0, False, "", [], {}, {"a": None}, "text"]
OUT: list[Any] = [
    pytest.param(RTVIServerMessageFrame(data), ("server-message", None, {"data": data}), id=f"server-message-{data!r}")
    for data in ANY
]
OUT += [
    pytest.param(
        RTVIServerResponseFrame(ASKED, {"a": None}),
        ("server-response", "m7", {"data": {"t": "ask", "d": {"a": None}}}),
        id="response",
    ),
    pytest.param(
        RTVIServerResponseFrame(ASKED, 0),
        ("server-response", "m7", {"data": {"t": "ask", "d": 0}}),
        id="falsy-response",
    ),
    pytest.param(RTVIServerResponseFrame(ASKED), ("server-response", "m7", {"data": {"t": "ask"}}), id="bare-response"),
    pytest.param(
        RTVIUICommandFrame("show_map", {"room": "x"}),
        ("ui-command", None, {"data": {"command": "show_map", "payload": {"room": "x"}}}),
        id="command",
    ),
    pytest.param(
        RTVIUICommandFrame("blink"),
        ("ui-command", None, {"data": {"command": "blink", "payload": {}}}),
        id="bare-command",
    ),
    pytest.param(
        RTVIUIJobGroupFrame(UIJobGroupStartedData(job_id="g", workers=["a"], at=5)),
        (
            "ui-job-group",
            None,
            {"data": {"kind": "group_started", "job_id": "g", "workers": ["a"], "cancellable": True, "at": 5}},
        ),
        id="group-started",
    ),
    pytest.param(
        RTVIUIJobGroupFrame(UIJobUpdateData(job_id="g", worker_name="a", data={"n": None}, at=6)),
        (
            "ui-job-group",
            None,
            {"data": {"kind": "job_update", "job_id": "g", "worker_name": "a", "data": {"n": None}, "at": 6}},
        ),
        id="job-update",
    ),
    pytest.param(
        RTVIUIJobGroupFrame(UIJobCompletedData(job_id="g", worker_name="a", status="completed", response=0, at=7)),
        (
            "ui-job-group",
            None,
            {
                "data": {
                    "kind": "job_completed",
                    "job_id": "g",
                    "worker_name": "a",
                    "status": "completed",
                    "response": 0,
                    "at": 7,
                }
            },
        ),
        id="job-completed",
    ),
    pytest.param(
        RTVIUIJobGroupFrame(UIJobGroupCompletedData(job_id="g", at=8)),
        ("ui-job-group", None, {"data": {"kind": "group_completed", "job_id": "g", "at": 8}}),
        id="group-completed",
    ),
]


@pytest.mark.parametrize("direction", FrameDirection)
@pytest.mark.parametrize(("frame", "message"), OUT)
async def test_an_outbound_frame_is_one_message(
    frame: Frame, message: tuple[Any, ...], direction: FrameDirection
) -> None:
    type_, id_, rest = message
    async with session() as client:
        before = len(client.received)
        await client.processor.push_frame(frame, direction)
        expected = {"label": "rtvi-ai", "type": type_} | ({"id": id_} if id_ else {}) | rest
        assert client.received[before:] == [expected]
        assert client.port.frames == []


@pytest.mark.parametrize("text", ["No tea today", ""])
async def test_a_response_with_an_error_is_an_error_response(text: str) -> None:
    async with session() as client:
        await client.processor.push_frame(RTVIServerResponseFrame(ASKED, data="ignored", error=text))
        (answer,) = client.answers("m7")
        assert answer["type"] == "error-response"
        assert answer["data"]["error"] == text


async def test_a_group_frame_without_data_is_nothing() -> None:
    async with session() as client:
        before = len(client.received)
        await client.processor.push_frame(RTVIUIJobGroupFrame())
        assert client.received[before:] == []


@pytest.mark.standalone("a pipeline takes Pipecat's frames alone: tests/pipecat/test_frames.py")
async def test_other_frames_go_on_through_the_pipeline() -> None:
    class OwnFrame(Frame):
        pass

    async with session() as client:
        recording = Recording(client)
        before = len(client.received)
        frames = [OwnFrame(), RTVIUIEventFrame("m1", "x"), RTVIUISnapshotFrame("m2", {}), ASKED]
        frames.append(RTVIUICancelJobGroupFrame("m3", "g"))
        for frame in frames:
            await client.processor.push_frame(frame, FrameDirection.UPSTREAM)
        await client.processor.push_frame(frames[0])
        assert recording.order == [*(("port upstream", frame) for frame in frames), ("port downstream", frames[0])]
        assert client.received[before:] == []


IN = [
    pytest.param(
        ("ui-event", {"event": "dragged", "payload": [1]}),
        RTVIUIEventFrame("m1", "dragged", [1]),
        "on_ui_message",
        id="event",
    ),
    pytest.param(
        ("ui-snapshot", {"tree": TREE}),
        RTVIUISnapshotFrame("m1", TREE),
        "on_ui_message",
        id="snapshot",
    ),
    pytest.param(
        ("ui-cancel-job-group", {"job_id": "g", "reason": "bored"}),
        RTVIUICancelJobGroupFrame("m1", "g", "bored"),
        "on_ui_message",
        id="cancel",
    ),
    pytest.param(
        ("client-message", {"t": "ask", "d": {"a": None}}),
        RTVIClientMessageFrame("m1", "ask", {"a": None}),
        "on_client_message",
        id="client-message",
    ),
]


@pytest.mark.parametrize(("message", "frame", "event"), IN)
async def test_an_inbound_message_is_a_frame_first_and_then_an_event(
    message: tuple[str, Any], frame: Frame, event: str
) -> None:
    async with session() as client:
        recording = Recording(client, "on_ui_message", "on_client_message")
        await client.send(*message, "m1")
        await client.settle()
        assert recording.order == [("port downstream", frame), (event, frame)]
