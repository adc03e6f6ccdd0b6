"""The eight frames: this project's and Pipecat's, pushed anywhere, heard anywhere, each one message and no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pipecat.frames.frames import Frame, TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection as PipecatDirection
from pipecat.processors.frameworks.rtvi import frames as theirs
from pipecat.processors.frameworks.rtvi import models

from rtvi_plugins.pipecat import RTVIProcessor
from rtvi_plugins.pipecat.border import from_pipecat, to_direction, to_pipecat
from rtvi_plugins.protocol import frames as ours
from rtvi_plugins.testing import RequestError
from tests.pipecat.memory import PipelineClient, Stage, connect

OWNERS = {"ours": ours, "pipecats": theirs}
DATA = {"ours": ours, "pipecats": models}
TREE = {"root": {"ref": "e1", "role": "generic", "children": [{"ref": "e7", "role": "button"}]}, "captured_at": 5}


# -- translation ------------------------------------------------------------------------------------------------------


def pairs() -> dict[str, tuple[Any, Any]]:
    message = {"msg_id": "m1", "type": "t", "data": [1, None]}
    started = {"job_id": "g", "workers": ["a"], "label": "l", "cancellable": False, "at": 3}
    done = {"job_id": "g", "worker_name": "a", "status": "completed", "response": {"x": None}, "at": 4}
    made = {
        "RTVIServerMessageFrame": {"data": {"a": None}},
        "RTVIUICommandFrame": {"command": "toast", "payload": {"title": "hi"}},
        "RTVIUIEventFrame": {"msg_id": "m2", "event": "e", "payload": 3},
        "RTVIUICancelJobGroupFrame": {"msg_id": "m3", "job_id": "g", "reason": "r"},
        "RTVIClientMessageFrame": message,
    }
    found = {name: (getattr(ours, name)(**kw), getattr(theirs, name)(**kw)) for name, kw in made.items()}
    asked = (ours.RTVIClientMessageFrame(**message), theirs.RTVIClientMessageFrame(**message))
    for name, kw in {"response": {"data": 5}, "refusal": {"error": "no"}}.items():
        found[name] = (
            ours.RTVIServerResponseFrame(asked[0], **kw),
            theirs.RTVIServerResponseFrame(asked[1], **kw),
        )
    for name, kw in {"UIJobGroupStartedData": started, "UIJobCompletedData": done}.items():
        found[name] = (
            ours.RTVIUIJobGroupFrame(getattr(ours, name)(**kw)),
            theirs.RTVIUIJobGroupFrame(getattr(models, name)(**kw)),
        )
    tree = models.UISnapshotData.model_validate({"tree": TREE}).tree
    found["RTVIUISnapshotFrame"] = (ours.RTVIUISnapshotFrame("m4", TREE), theirs.RTVIUISnapshotFrame("m4", tree))
    return found


PAIRS = pairs()


def content(frame: Any) -> Any:
    """Give a frame's fields, those of frames and models inside it too, without Pipecat's own bookkeeping."""
    if hasattr(frame, "model_dump"):
        return (type(frame).__module__, frame.model_dump())
    if not hasattr(frame, "__dataclass_fields__"):
        return frame
    known = getattr(ours, type(frame).__name__).__dataclass_fields__
    return (type(frame), {name: content(getattr(frame, name)) for name in known})


@pytest.mark.parametrize(("own", "pipecats"), PAIRS.values(), ids=PAIRS)
def test_translation(own: Any, pipecats: Any) -> None:
    assert content(to_pipecat(own)) == content(pipecats)
    assert content(from_pipecat(pipecats)) == content(own)
    assert to_pipecat(pipecats) is pipecats
    assert from_pipecat(own) is own


def test_every_frame_has_a_counterpart() -> None:
    names = {name for name in vars(theirs) if name.startswith("RTVI") and name.endswith("Frame")}
    only_pipecats = {"RTVIConfigureObserverFrame", "RTVISendTextFrame"}  # no counterpart: they concern the observer
    # `RTVIActionFrame` is of Pipecat 0.0.x; today's Pipecat has none (tests/pipecat/test_ported.py).
    own = {name for name in vars(ours) if name.startswith("RTVI")} - {"RTVIActionFrame"}
    assert names - only_pipecats == own
    assert {type(pipecats).__name__ for _, pipecats in PAIRS.values()} == own


def test_what_no_pipeline_takes() -> None:
    with pytest.raises(TypeError, match="SystemFrame is no frame that a pipeline takes"):
        to_pipecat(ours.SystemFrame())
    assert to_direction(ours.FrameDirection.UPSTREAM) is PipecatDirection.UPSTREAM
    assert to_direction(PipecatDirection.DOWNSTREAM) is PipecatDirection.DOWNSTREAM


# -- to the client ----------------------------------------------------------------------------------------------------


async def from_session(client: PipelineClient, frame: Any) -> None:
    await client.processor.push_frame(frame)


async def from_rtvi(client: PipelineClient, frame: Any) -> None:
    await client.rtvi.push_frame(frame)


async def from_rtvi_upstream(client: PipelineClient, frame: Any) -> None:
    await client.rtvi.push_frame(frame, ours.FrameDirection.UPSTREAM)


async def from_worker(client: PipelineClient, frame: Any) -> None:
    await client.worker.queue_frame(to_pipecat(frame))


async def from_stage(client: PipelineClient, frame: Any) -> None:
    await client.output.push_frame(to_pipecat(frame), PipecatDirection.UPSTREAM)


PUSHES = {
    "session": from_session,
    "processor": from_rtvi,
    "processor-upstream": from_rtvi_upstream,
    "worker": from_worker,
    "stage-upstream": from_stage,
}


def outbound(owner: str) -> list[Any]:
    frames, data = OWNERS[owner], DATA[owner]
    return [
        frames.RTVIServerMessageFrame(data={"n": 1, "none": None}),
        frames.RTVIServerMessageFrame(data=False),
        frames.RTVIUICommandFrame("toast", {"title": "hi"}),
        frames.RTVIUICommandFrame("wave"),
        frames.RTVIUIJobGroupFrame(data.UIJobGroupStartedData(job_id="g", workers=["a"], label="l", at=7)),
        frames.RTVIUIJobGroupFrame(data.UIJobUpdateData(job_id="g", worker_name="a", data={"x": None}, at=7)),
        frames.RTVIUIJobGroupFrame(data.UIJobCompletedData(job_id="g", worker_name="a", status="completed", at=7)),
        frames.RTVIUIJobGroupFrame(data.UIJobGroupCompletedData(job_id="g", at=7)),
        frames.RTVIUIJobGroupFrame(),
    ]


EXPECTED = [
    ("server-message", {"n": 1, "none": None}),
    ("server-message", False),
    ("ui-command", {"command": "toast", "payload": {"title": "hi"}}),
    ("ui-command", {"command": "wave", "payload": {}}),
    (
        "ui-job-group",
        {"kind": "group_started", "job_id": "g", "workers": ["a"], "label": "l", "cancellable": True, "at": 7},
    ),
    ("ui-job-group", {"kind": "job_update", "job_id": "g", "worker_name": "a", "data": {"x": None}, "at": 7}),
    ("ui-job-group", {"kind": "job_completed", "job_id": "g", "worker_name": "a", "status": "completed", "at": 7}),
    ("ui-job-group", {"kind": "group_completed", "job_id": "g", "at": 7}),
]


@pytest.mark.parametrize("push", PUSHES.values(), ids=PUSHES)
@pytest.mark.parametrize("owner", OWNERS)
async def test_frames_become_one_message_each(owner: str, push: Any) -> None:
    async with connect(RTVIProcessor()) as client:
        for frame in outbound(owner):
            await push(client, frame)
            await client.settle()
        told = [(m["type"], m["data"]) for m in client.received if m["type"] != "bot-ready"]
        assert told == EXPECTED
        assert all("id" not in message for message in client.received[1:])


async def test_a_job_group_frame_says_what_clients_count_on() -> None:
    """Pipecat lets `workers` and `at` be left out; clients cannot do without them."""
    async with connect(RTVIProcessor()) as client:
        await client.worker.queue_frame(theirs.RTVIUIJobGroupFrame(models.UIJobGroupStartedData(job_id="g")))
        await client.settle()
        data = client.received[-1]["data"]
        assert data["workers"] == []
        assert data["at"] > 1_700_000_000_000


async def test_what_is_no_json_is_not_sent_and_the_session_goes_on() -> None:
    async with connect(RTVIProcessor()) as client:
        for push in (from_worker, from_stage):
            await push(client, theirs.RTVIServerMessageFrame(data={"f": object()}))
            await client.settle()
        assert client.types() == ["bot-ready"]
        for value in (1, "text", [1], {}, None):  # of any kind, and the observer lives on
            await client.worker.queue_frame(theirs.RTVIServerMessageFrame(data=value))
        await client.settle()
        assert client.server_messages == [1, "text", [1], {}, None]
        # What JavaScript would write of it, and pydantic does: other stages say it in metrics.
        await client.worker.queue_frame(theirs.RTVIServerMessageFrame(data=[float("nan"), 1]))
        await client.settle()
        assert client.server_messages[5:] == [[None, 1]]


# -- from the client --------------------------------------------------------------------------------------------------


async def test_what_comes_in_passes_the_pipeline_and_the_handlers_frame_first() -> None:
    rtvi = RTVIProcessor()
    seen: list[Any] = []

    async def look(stage: Stage, frame: Frame) -> None:
        if type(frame).__module__ == theirs.__name__:
            seen.append(frame)

    for event in ("on_client_message", "on_ui_message"):

        @rtvi.event_handler(event)
        async def on_message(processor: Any, message: Any) -> None:
            assert processor is rtvi
            seen.append(message)

    async with connect(rtvi, stages=[Stage(look)]) as client:
        await client.send("client-message", {"t": "hello", "d": {"a": None}}, "m1")
        await client.settle()
        await rtvi.send_server_response(seen[-1], "fine")
        await client.send("ui-event", {"event": "clicked", "payload": [1]}, "m2")
        await client.send("ui-snapshot", {"tree": TREE}, "m3")
        await client.send("ui-cancel-job-group", {"job_id": "g", "reason": "r"}, "m4")
        await client.settle()
    frames = [item for item in seen if isinstance(item, Frame)]
    messages = [item for item in seen if not isinstance(item, Frame)]
    assert [(f.msg_id, getattr(f, "type", None)) for f in frames] == [
        ("m1", "hello"),
        ("m2", None),
        ("m3", None),
        ("m4", None),
    ]
    assert frames[0].data == {"a": None}
    assert (frames[1].event, frames[1].payload) == ("clicked", [1])
    assert isinstance(frames[2].tree, models.A11ySnapshot)
    assert frames[2].tree.root.children[0].role == "button"
    assert (frames[3].job_id, frames[3].reason) == ("g", "r")
    assert messages == [
        models.ClientMessage(msg_id="m1", type="hello", data={"a": None}),
        models.UIEventMessage(id="m2", data=models.UIEventData(event="clicked", payload=[1])),
        models.UISnapshotMessage(id="m3", data=models.UISnapshotData.model_validate({"tree": TREE})),
        models.UICancelJobGroupMessage(id="m4", data=models.UICancelJobGroupData(job_id="g", reason="r")),
    ]


def answering(owner: str, field: str) -> Stage:
    """Make a stage that answers client messages with a frame of either kind."""

    async def answer(stage: Stage, frame: Frame) -> None:
        if isinstance(frame, theirs.RTVIClientMessageFrame):
            message = frame if owner == "pipecats" else from_pipecat(frame)
            given = {field: "no" if field == "error" else [frame.type, frame.data]}
            response = OWNERS[owner].RTVIServerResponseFrame(message, **given)
            await stage.push_frame(to_pipecat(response))

    return Stage(answer)


@pytest.mark.parametrize("owner", OWNERS)
async def test_a_stage_answers(owner: str) -> None:
    async with connect(RTVIProcessor(), stages=[answering(owner, "data")]) as client:
        id_ = await client.send("client-message", {"t": "hello", "d": 1})
        again = await client.send("client-message", {"t": "hello"}, "same")
        await client.send("client-message", {"t": "hello"}, "same")
        await client.settle()
        (answer,) = client.answers(id_)
        assert answer["data"] == {"t": "hello", "d": ["hello", 1]}
        assert [a["type"] for a in client.answers(again)] == ["server-response"] * 2
        assert not client.processor._unanswered


@pytest.mark.parametrize("owner", OWNERS)
async def test_a_stage_refuses(owner: str) -> None:
    async with connect(RTVIProcessor(), stages=[answering(owner, "error")]) as client:
        with pytest.raises(RequestError, match=r"^no$"):
            await client.ask("hello")
        assert not client.processor._unanswered


class Quick(RTVIProcessor):
    """One whose client messages wait for an answer 50 ms, not 10 s."""

    def __init__(self) -> None:
        base = RTVIProcessor.session_class
        body = {"limits": {**base.limits, "message_timeout": 0.05}, "__slots__": ()}
        self.session_class = type("QuickSession", (base,), body)  # type: ignore[misc]
        super().__init__()


async def test_two_stages_answer_and_the_client_hears_one() -> None:
    """Nor does the clock for an answer strike when there was one, or a late one come through when it struck."""
    both = [answering("pipecats", "data"), answering("ours", "data")]
    async with connect(Quick(), stages=both) as client:
        id_ = await client.send("client-message", {"t": "hello"})
        await asyncio.sleep(0.1)
        assert [message["type"] for message in client.answers(id_)] == ["server-response"]
    async with connect(Quick()) as client:
        with pytest.raises(RequestError, match="Nobody answered message 'hello'") as caught:
            await client.ask("hello")
        assert caught.value.code == "unanswered"
        late = theirs.RTVIServerResponseFrame(theirs.RTVIClientMessageFrame("c2", "hello"), data=1)
        await client.worker.queue_frame(late)
        await client.settle()
        assert [message["type"] for message in client.answers("c2")] == ["error-response"]


ANSWERS = {
    "method": lambda rtvi, message: rtvi.send_server_response(message, 1),
    "method-refusing": lambda rtvi, message: rtvi.send_error_response(message, "no"),
    "frame": lambda rtvi, message: rtvi.push_frame(theirs.RTVIServerResponseFrame(message, 1)),
    "frame-of-ours": lambda rtvi, message: rtvi.push_frame(ours.RTVIServerResponseFrame(message, 1)),
    "session": lambda rtvi, message: rtvi.session_processor.send_server_response(message.msg_id, 1),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_handler_answers(answer: Any) -> None:
    rtvi = Quick()

    @rtvi.event_handler("on_client_message")
    async def on_client_message(processor: Any, message: models.ClientMessage) -> None:
        await answer(processor, message)

    async with connect(rtvi) as client:
        id_ = await client.send("client-message", {"t": "hello"})
        await asyncio.sleep(0.1)
        assert [m["data"] for m in client.answers(id_)] in ([{"t": "hello", "d": 1}], [refused("no")])


def refused(text: str) -> dict[str, str]:
    return {"error": text, "code": "action-failed", "category": "action"}


async def test_handlers_come_and_go() -> None:
    rtvi = RTVIProcessor()
    seen: list[str] = []

    def plain(processor: Any, message: models.ClientMessage) -> None:
        seen.append(message.type)

    def unused(processor: Any) -> None:
        raise AssertionError

    rtvi.add_event_handler("on_client_message", plain)
    rtvi.add_event_handler("on_before_push_frame", unused)
    rtvi.remove_event_handler("on_before_push_frame", unused)
    rtvi.remove_event_handler("on_client_message", unused)
    async with connect(rtvi) as client:
        await client.send("client-message", {"t": "one"})
        await client.settle()
        rtvi.remove_event_handler("on_client_message", plain)
        await client.send("client-message", {"t": "two"})
        await client.settle()
    assert seen == ["one"]


async def test_other_frames_pass_untouched() -> None:
    async with connect(RTVIProcessor()) as client:
        frame = TextFrame("hi")
        await client.worker.queue_frame(frame)
        await client.settle()
        assert client.output.of(TextFrame) == [frame]


STAGES: dict[str, tuple[Any, bool, bool]] = {
    "of-pipecat-alone": ({"a": Pipeline([])}, True, False),
    "of-ones-own": ({"a": Pipeline([]), "b": answering("pipecats", "data")}, True, True),
    "perhaps-others": ({"a": Pipeline([])}, False, True),
}


@pytest.mark.parametrize(("stages", "are_all", "may_answer"), STAGES.values(), ids=STAGES)
async def test_where_no_stage_may_answer_an_unknown_message_is_refused_at_once(
    stages: Any, are_all: bool, may_answer: bool
) -> None:
    """Whoever builds the whole pipeline knows; `message_timeout` is not waited for."""
    rtvi = Quick()
    rtvi.attach_stages(stages, are_all=are_all)
    async with connect(rtvi) as client:
        with pytest.raises(RequestError, match="Nobody answered" if may_answer else "Unknown message 'hello'"):
            await client.ask("hello")


async def test_a_handler_answers_where_no_stage_may() -> None:
    rtvi = Quick()
    rtvi.attach_stages({}, are_all=True)
    rtvi.add_event_handler("on_client_message", lambda rtvi, message: rtvi.send_server_response(message, 1))
    async with connect(rtvi) as client:
        assert await client.ask("hello") == 1
