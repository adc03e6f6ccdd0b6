"""What Pipecat's own processor and observer do is still done: speech, texts, metrics, files, keys, audio, the UI."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from pipecat.bus.ui.messages import BusUICommandMessage
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    InputTransportStartAudioStreamingFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMConfigureOutputFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
    MetricsFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    UserImageRawFrame,
    UserMuteStartedFrame,
    UserMuteStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frameworks.rtvi import models

from rtvi_plugins.pipecat import RTVIObserver, RTVIObserverParams, RTVIProcessor, RTVIUIEventFrame
from rtvi_plugins.pipecat.input import TAKES_FILES
from tests.pipecat.memory import connect

if TAKES_FILES:
    from pipecat.frames.frames import UserFileRawFrame
else:  # Pipecat 1.12: `test_files_where_pipecat_takes_none`
    UserFileRawFrame = UserImageRawFrame

PNG = base64.b64encode(b"not really").decode()


# -- from the pipeline to the client ----------------------------------------------------------------------------------


def spoken(kind: type[TranscriptionFrame] | type[InterimTranscriptionFrame]) -> Any:
    return lambda: kind(text="hello", user_id="u", timestamp="t")


def context() -> Frame:
    return LLMContextFrame(LLMContext([{"role": "user", "content": "hello"}]))


def metrics() -> Frame:
    return MetricsFrame(data=[TTFBMetricsData(processor="p", value=0.5)])


SINCE_2 = {"bot-interrupted", "user-input"}
SINCE_1 = SINCE_2 | {"user-mute-started", "user-mute-stopped", "ui-command", "ui-job-group"}
HEARD = {"text": "hello", "user_id": "u", "timestamp": "t"}
TOLD: dict[str, tuple[Any, list[tuple[str, Any]]]] = {
    "user-speaking": (UserStartedSpeakingFrame, [("user-started-speaking", None)]),
    "user-silent": (UserStoppedSpeakingFrame, [("user-stopped-speaking", None)]),
    "bot-speaking": (BotStartedSpeakingFrame, [("bot-started-speaking", None)]),
    "bot-silent": (BotStoppedSpeakingFrame, [("bot-stopped-speaking", None)]),
    "muted": (UserMuteStartedFrame, [("user-mute-started", None)]),
    "unmuted": (UserMuteStoppedFrame, [("user-mute-stopped", None)]),
    "interrupted": (InterruptionFrame, [("bot-interrupted", None)]),
    "heard": (spoken(TranscriptionFrame), [("user-transcription", {**HEARD, "final": True})]),
    "hearing": (spoken(InterimTranscriptionFrame), [("user-transcription", {**HEARD, "final": False})]),
    "asked": (context, [("user-llm-text", {"text": "hello"})]),
    "llm-started": (LLMFullResponseStartFrame, [("bot-llm-started", None)]),
    "llm-text": (
        lambda: LLMTextFrame("Hello there."),
        [("bot-llm-text", {"text": "Hello there."}), ("bot-transcription", {"text": "Hello there."})],
    ),
    "llm-stopped": (LLMFullResponseEndFrame, [("bot-llm-stopped", None)]),
    "tts-started": (TTSStartedFrame, [("bot-tts-started", None)]),
    "tts-stopped": (TTSStoppedFrame, [("bot-tts-stopped", None)]),
    "metrics": (metrics, [("metrics", {"ttfb": [{"processor": "p", "value": 0.5}]})]),
    "empty-metrics": (lambda: MetricsFrame(data=[]), []),
}


@pytest.mark.parametrize("version", [None, "1.2.0", "2.1.0"], ids=["0.3", "1", "2"])
@pytest.mark.parametrize("by_hand", [True, False], ids=["by-hand", "rtvi_processor"])
async def test_what_happens_is_told(by_hand: bool, version: str | None) -> None:
    """Each generation hears what it knows, once, placed either way."""
    unknown = {None: SINCE_1, "1.2.0": SINCE_2}.get(version, set())
    async with connect(RTVIProcessor(), by_hand=by_hand, version=version) as client:
        for make, expected in TOLD.values():
            client.received.clear()
            await client.worker.queue_frame(make())
            await client.settle()
            told = [(m["type"], m.get("data")) for m in client.received if m["type"] != "user-input"]
            assert told == [(type_, data) for type_, data in expected if type_ not in unknown]


async def test_newer_clients_hear_of_input_as_such() -> None:
    async with connect(RTVIProcessor(), version="2.2.0") as client:
        await client.worker.queue_frame(spoken(TranscriptionFrame)())
        await client.settle()
        if "user-input" in {kind.model_fields["type"].default for kind in vars(models).values() if is_message(kind)}:
            assert [m["data"] for m in client.of("user-input")] == [
                {**HEARD, "input_type": "transcription", "final": True}
            ]


def is_message(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, models.BaseModel) and "type" in kind.model_fields


async def test_parameters_of_the_observer_count() -> None:
    params = RTVIObserverParams(bot_llm_enabled=False)
    async with connect(RTVIProcessor(), rtvi_observer_params=params) as client:
        for frame in (LLMFullResponseStartFrame(), TTSStartedFrame()):
            await client.worker.queue_frame(frame)
        await client.settle()
        assert client.types() == ["bot-ready", "bot-tts-started"]


async def test_an_observer_of_ones_own_is_the_only_one() -> None:
    rtvi = RTVIProcessor()
    observer = RTVIObserver(rtvi, params=RTVIObserverParams(bot_tts_enabled=False))
    async with connect(rtvi, by_hand=True, observers=[observer]) as client:
        assert client.worker.rtvi is rtvi
        for frame in (LLMFullResponseStartFrame(), TTSStartedFrame()):
            await client.worker.queue_frame(frame)
        await client.settle()
        assert client.types() == ["bot-ready", "bot-llm-started"]


async def test_the_worker_knows_the_processor() -> None:
    rtvi = RTVIProcessor()
    async with connect(rtvi) as client:
        assert client.worker.rtvi is rtvi


# -- from the client to the pipeline ----------------------------------------------------------------------------------


def append(content: str, *, run: bool) -> tuple[Any, dict[str, Any]]:
    return LLMMessagesAppendFrame, {"messages": [{"role": "user", "content": content}], "run_llm": run}


def skip(flag: bool) -> tuple[Any, dict[str, Any]]:
    return LLMConfigureOutputFrame, {"skip_tts": flag}


STOP: tuple[Any, dict[str, Any]] = (InterruptionFrame, {})
IMAGE = {"format": "image/png", "name": "a.png", "source": {"type": "bytes", "bytes": PNG, "width": None}}
NOTE = {"format": "application/pdf", "source": {"type": "url", "url": "pipecat:7", "bytes": "AAAA"}}
NAMED = {"format": "text/plain", "name": "n", "source": {"type": "bytes", "bytes": f"data:text/plain;base64,{PNG}"}}
PUSHED: dict[str, tuple[str, Any, list[tuple[Any, dict[str, Any]]]]] = {
    "text": ("send-text", {"content": "hi"}, [STOP, append("hi", run=True)]),
    "text-with-empty-options": ("send-text", {"content": "hi", "options": {}}, [STOP, append("hi", run=True)]),
    "text-with-null-options": ("send-text", {"content": "hi", "options": None}, [STOP, append("hi", run=True)]),
    "text-for-later": (
        "send-text",
        {"content": "hi", "options": {"run_immediately": False}},
        [append("hi", run=False)],
    ),
    "text-answered-in-silence": (
        "send-text",
        {"content": "hi", "options": {"audio_response": False}},
        [STOP, skip(True), append("hi", run=True), skip(False)],
    ),
    "append-to-context": (
        "append-to-context",
        {"role": "user", "content": "hi"},
        [append("hi", run=False)],
    ),
    "append-to-context-and-run": (
        "append-to-context",
        {"role": "user", "content": "hi", "run_immediately": True},
        [STOP, append("hi", run=True)],
    ),
    "image": (
        "send-file",
        {"content": "what?", "file": IMAGE},
        [STOP, (UserImageRawFrame, {"text": "what?", "image": b"not really", "format": "image/png", "run_llm": True})],
    ),
    "file-by-address": (
        "send-file",
        {"content": "read", "file": NOTE, "options": {"run_immediately": False, "custom_options": {"a": 1}}},
        [
            (
                UserFileRawFrame,
                {"text": "read", "file": "pipecat:7", "type": "url", "run_llm": False, "custom_options": {"a": 1}},
            )
        ],
    ),
    "file-as-data-address": (
        "send-file",
        {"content": "read", "file": NAMED, "options": {"run_immediately": False}},
        [(UserFileRawFrame, {"file": f"data:text/plain;base64,{PNG}", "type": "bytes", "filename": "n"})],
    ),
    "keys": (
        "dtmf",
        {"buttons": ["4", "#"]},
        [(InputDTMFFrame, {"button": "4"}), (InputDTMFFrame, {"button": "#"})],
    ),
    "key-of-2.0": ("dtmf", {"button": "*"}, [(InputDTMFFrame, {"button": "*"})]),
    "audio": (
        "raw-audio",
        {"base64Audio": "AAAB", "sampleRate": 16000, "numChannels": 1},
        [(InputAudioRawFrame, {"audio": b"\0\0\1", "sample_rate": 16000, "num_channels": 1})],
    ),
    "audio-batch": (
        "raw-audio-batch",
        {"base64AudioBatch": ["AAAB", None, "", "AAAC"], "sampleRate": 8000, "numChannels": 2},
        [
            (InputAudioRawFrame, {"audio": b"\0\0\1", "sample_rate": 8000, "num_channels": 2}),
            (InputAudioRawFrame, {"audio": b"\0\0\2"}),
        ],
    ),
    "audio-nothing": ("raw-audio-batch", {"base64AudioBatch": [], "sampleRate": 8000, "numChannels": 2}, []),
}
KINDS = (
    InterruptionFrame, LLMMessagesAppendFrame, LLMConfigureOutputFrame, UserImageRawFrame, UserFileRawFrame,
    InputDTMFFrame, InputAudioRawFrame,
)  # fmt: skip


if not TAKES_FILES:
    PUSHED = {name: case for name, case in PUSHED.items() if case[0] != "send-file"}


@pytest.mark.parametrize("data", [{"content": "what?", "file": IMAGE}, {"content": "read", "file": NOTE}])
async def test_files_where_pipecat_takes_none(data: Any) -> None:
    async with connect(RTVIProcessor()) as client:
        id_ = await client.send("send-file", data)
        await client.settle()
        texts = [answer["data"]["error"] for answer in client.answers(id_)]
        assert texts == ([] if TAKES_FILES else ["This bot does not take send-file"])


@pytest.mark.parametrize(("type_", "data", "expected"), PUSHED.values(), ids=PUSHED)
async def test_what_the_client_says_reaches_the_pipeline(
    type_: str, data: Any, expected: list[tuple[Any, dict[str, Any]]]
) -> None:
    async with connect(RTVIProcessor()) as client:
        id_ = await client.send(type_, data)
        await client.settle()
        await client.settle()
        frames = [frame for frame in client.output.frames if isinstance(frame, KINDS)]
        assert [type(frame) for frame in frames] == [kind for kind, _ in expected]
        for frame, (_, fields) in zip(frames, expected, strict=True):
            assert {name: getattr(frame, name) for name in fields} == fields
        assert client.answers(id_) == []


GOOD_AUDIO = {"base64Audio": "AAAB", "sampleRate": 16000, "numChannels": 1}
REFUSED: dict[str, tuple[str, Any]] = {
    "text-null": ("send-text", None),
    "text-number": ("send-text", {"content": 3}),
    "text-options": ("send-text", {"content": "a", "options": [1]}),
    "text-run": ("send-text", {"content": "a", "options": {"run_immediately": 1}}),
    "append-role": ("append-to-context", {"content": "a"}),
    "file-null": ("send-file", None),
    "file-kind": ("send-file", {"content": "a", "file": {"format": "a/b", "source": {"type": "url", "bytes": PNG}}}),
    "file-unknown": ("send-file", {"content": "a", "file": {"format": "a/b", "source": {"type": "ftp"}}}),
    "file-no-base64": (
        "send-file",
        {"content": "a", "file": {"format": "image/png", "source": {"type": "bytes", "bytes": "A"}}},
    ),
    "file-odd-address": (
        "send-file",
        {"content": "a", "file": {"format": "image/png", "source": {"type": "bytes", "bytes": "data:image/png,A"}}},
    ),
    "keys-none": ("dtmf", {"buttons": []}),
    "keys-null": ("dtmf", None),
    "key-unknown": ("dtmf", {"buttons": ["4", "A"]}),
    "audio-null": ("raw-audio", None),
    "audio-number": ("raw-audio", {**GOOD_AUDIO, "base64Audio": 4}),
    "audio-no-base64": ("raw-audio", {**GOOD_AUDIO, "base64Audio": "A"}),
    "audio-rate": ("raw-audio", {**GOOD_AUDIO, "sampleRate": "fast"}),
    "audio-rate-beyond-any": ("raw-audio", {**GOOD_AUDIO, "sampleRate": 1e30}),
    "audio-rate-of-nothing": ("raw-audio", {**GOOD_AUDIO, "sampleRate": 1}),
    "audio-channels-beyond-any": ("raw-audio", {**GOOD_AUDIO, "numChannels": 2_000_000}),
    "audio-channels": ("raw-audio", {**GOOD_AUDIO, "numChannels": 0}),
    "event-none": ("ui-event", {"payload": 1}),
    "snapshot-none": ("ui-snapshot", {"tree": 3}),
    "snapshot-no-time": ("ui-snapshot", {"tree": {"root": {"ref": "e1", "role": "a"}}}),
    "cancel-none": ("ui-cancel-job-group", {}),
    "result-unknown": ("llm-function-call-result", {"tool_call_id": "nobody", "function_name": "f", "result": 1}),
    "unknown-type": ("make-tea", {}),
}
INSIDES = ("pydantic", "Traceback", "Error", "validation", "input_value", "http", "object at")


@pytest.mark.parametrize(("type_", "data"), REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_is_refused_once_in_plain_words(type_: str, data: Any) -> None:
    async with connect(RTVIProcessor()) as client:
        id_ = await client.send(type_, data)
        await client.settle()
        (answer,) = client.answers(id_)
        assert answer["type"] == "error-response"
        assert not [word for word in INSIDES if word in answer["data"]["error"]]
        assert not [frame for frame in client.output.frames if isinstance(frame, KINDS)]
        assert await client.get_config() == {}


async def test_a_fault_within_pipecats_processor_is_told_without_its_insides(monkeypatch: pytest.MonkeyPatch) -> None:
    """`InputDTMFFrame` cannot be made here; Pipecat would tell the client why."""
    rtvi = RTVIProcessor()
    push = rtvi.push_frame

    async def push_frame(frame: Any, *direction: Any) -> None:
        assert not isinstance(frame, InputDTMFFrame), "secret of a provider"
        await push(frame, *direction)

    monkeypatch.setattr(rtvi, "push_frame", push_frame)
    async with connect(rtvi) as client:
        id_ = await client.send("dtmf", {"buttons": ["4"]})
        await client.settle()
        (answer,) = client.answers(id_)
        assert answer["data"]["error"] == "The message could not be processed"


async def test_the_transport_listens_before_the_bot_is_ready() -> None:
    async with connect(RTVIProcessor()) as client:
        await client.settle()
        assert len(client.output.of(InputTransportStartAudioStreamingFrame)) == 1


async def test_who_of_several_sent_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transports such as Daily's say so on the frame; Pipecat 1.14 tells the client."""
    if not hasattr(models, "UserInputMessage"):
        return
    async with connect(RTVIProcessor(), version="2.2.0") as client:
        message = {"label": "rtvi-ai", "type": "send-text", "id": "x1", "data": {"content": "hi"}}
        frame = InputTransportMessageFrame(message=message)
        frame.participant_id = "ann"  # type: ignore[attr-defined]
        await client.rtvi.queue_frame(frame)
        await client.settle()
        await client.settle()
        (told,) = client.of("user-input")
        assert (told["data"]["user_id"], told["data"]["msg_id"]) == ("ann", "x1")


async def test_saying_something() -> None:
    async with connect(RTVIProcessor()) as client:
        await client.processor.port.say("hello")
        await client.settle()
        assert [frame.text for frame in client.output.of(TTSSpeakFrame)] == ["hello"]


async def test_the_client_ends_the_bot() -> None:
    async with connect(RTVIProcessor()) as client:
        ending = asyncio.create_task(client.output.next(EndFrame))
        await asyncio.sleep(0)
        await client.send("disconnect-bot")
        await ending
        while not client.worker.has_finished():
            await asyncio.sleep(0.005)


async def test_what_is_queued_is_said_before_the_end() -> None:
    """An `EndFrame` ends the session after what was in the pipeline."""
    async with connect(RTVIProcessor()) as client:
        await client.worker.queue_frames([LLMTextFrame("bye."), EndFrame()])
        while not client.worker.has_finished():
            await asyncio.sleep(0.005)
        assert "bot-llm-text" in client.types()


# -- the UI bus -------------------------------------------------------------------------------------------------------


async def test_the_bus_hears_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipecat's worker republishes what comes from the page for UI workers, and takes their commands."""
    published: list[Any] = []
    original = PipelineWorker._republish_ui_message_on_bus

    async def republish(worker: PipelineWorker, message: Any) -> None:
        published.append(message)
        await original(worker, message)

    monkeypatch.setattr(PipelineWorker, "_republish_ui_message_on_bus", republish)
    async with connect(RTVIProcessor()) as client:
        tree = {"root": {"ref": "e1", "role": "generic"}, "captured_at": 5}
        await client.send("ui-event", {"event": "clicked", "payload": {"a": 1}})
        await client.send("ui-snapshot", {"tree": tree})
        await client.send("ui-cancel-job-group", {"job_id": "g"})
        await client.settle()
        assert [type(message) for message in published] == [
            models.UIEventMessage, models.UISnapshotMessage, models.UICancelJobGroupMessage
        ]  # fmt: skip
        assert client.processor.session.snapshot == tree
        assert [f.event for f in client.output.of(RTVIUIEventFrame)] == ["clicked"]


async def test_a_ui_worker_commands_the_page() -> None:
    async with connect(RTVIProcessor()) as client:
        told = asyncio.create_task(client.next("ui-command"))
        await asyncio.sleep(0)
        message = BusUICommandMessage(source="ui", target=None, command_name="toast", payload={"title": "hi"})
        await client.worker.send_bus_message(message)
        assert (await told)["data"] == {"command": "toast", "payload": {"title": "hi"}}


async def test_ui_commands_of_the_session() -> None:
    async with connect(RTVIProcessor()) as client:
        await client.rtvi.ui_command("toast", {"title": "hi"})
        with pytest.raises(ValueError, match="title"):
            await client.rtvi.ui_command("toast", {})
        await client.settle()
        assert [m["data"] for m in client.of("ui-command")] == [{"command": "toast", "payload": {"title": "hi"}}]
