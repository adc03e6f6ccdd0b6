"""Messages that only a pipeline can take: text for the LLM, files, keys, audio. Source: rtvi-protocol 2.3.

Each is checked as on every host before it goes on, mostly to Pipecat's own processor, whose checks would answer with
the words of its libraries, or not at all.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from pipecat.bus.messages import BusDataMessage
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputTransportStartAudioStreamingFrame,
    LLMMessagesAppendFrame,
)
from pipecat.processors.frameworks.rtvi import models
from pydantic import ValidationError

from rtvi_plugins.errors import Category
from rtvi_plugins.processor import conversation, keeping, media, readiness, ui
from rtvi_plugins.processor.memory import size_of, size_when_read
from rtvi_plugins.processor.requests import Code, Refusal, invalid
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import ClientType
from rtvi_plugins.schema import Fault, check, compile_value

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.session import PipelineSession
    from rtvi_plugins.processor.dispatching import Answering, Dispatch


TAKES_FILES: Final = hasattr(models, "SendFileData")
"""Pipecat takes them since 1.13."""


_SNAPSHOT: Final = compile_value(models.A11ySnapshot.model_json_schema())
"""Asked before the model itself, which would list every fault of a hostile snapshot."""
YIELD_EVERY: Final = 64
"""Frames of audio after which others get their turn."""


def on_client_ready(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Have the transport listen, then answer as on every host. Raises Refusal."""
    return _listen_and(session, readiness.on_client_ready(session, id_, data))


def _keep(session: PipelineSession, size: int, what: str) -> None:
    """Count what a client adds to the LLM's context, where it stays. Raises Refusal when there is no room for it."""
    held = keeping.keep(session, size, what)
    if session.in_context is None:
        session.in_context = held
    else:
        session.in_context.merge(held)


async def _listen_and(session: PipelineSession, answering: Answering | None) -> None:
    try:
        await session.rtvi.push_frame(InputTransportStartAudioStreamingFrame())
    finally:
        if answering is not None:
            await answering


def on_send_text(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Check a `send-text` as every host does; the stock processor takes it on. Raises Refusal."""
    content, run, audio = conversation.read_text(data)
    if not session.answers_text:
        raise conversation.no_responder()
    _keep(session, size_of(content), "a text")
    given = {"content": content, "options": {"run_immediately": run, "audio_response": audio and session.may_speak}}
    return session.rtvi.handle_stock(ClientType.SEND_TEXT, id_, given)


def on_append_to_context(session: PipelineSession, _id: str, data: Any) -> Answering:
    """Add to the LLM's context: a message of older clients, which the stock processor knows no longer."""
    role, content, run = conversation.read_context_message(data)
    if not session.answers_text:
        raise conversation.no_context()
    _keep(session, size_when_read(wire.encode(content)), "a message")
    return _append(session, {"role": role, "content": content}, run=run)


async def _append(session: PipelineSession, message: dict[str, Any], *, run: bool) -> None:
    if run:
        await session.interrupt_bot()
        await session.rtvi.pipeline_worker.flush_pipeline()  # what was said until now comes before it in the context
    await session.rtvi.push_frame(LLMMessagesAppendFrame([cast("Any", message)], run_llm=run))


def on_send_file(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Check a `send-file`; the stock processor takes it on. Raises Refusal."""
    media.check(ClientType.SEND_FILE, data)
    if not TAKES_FILES or not session.answers_text:  # a file is for whoever answers
        raise Refusal("This bot does not take send-file", Code.UNSUPPORTED_TYPE, Category.PROTOCOL)
    file, source = data["file"], data["file"]["source"]
    kind = source["type"]
    if kind == "bytes":
        _check_bytes(source["bytes"], is_image=file["format"].startswith("image/"))
    # Pipecat tells the kinds apart by the keys that are there: those of the other kind stay behind.
    keys = ("type", "bytes", "width", "height") if kind == "bytes" else ("type", "url")
    clean = {key: source[key] for key in keys if source.get(key) is not None}
    whole = {**data, "file": {**file, "source": clean}}
    _keep(session, size_when_read(wire.encode(whole)), "a file")
    if not session.may_speak:
        whole["options"] = {**(data.get("options") or {}), "audio_response": False}
    return session.rtvi.handle_stock(ClientType.SEND_FILE, id_, whole)


def _check_bytes(text: str, *, is_image: bool) -> None:
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or (is_image and not head.endswith(";base64")):
            raise invalid("expected base64, or a data URL with base64", "file", "source", "bytes")
        if not head.endswith(";base64"):
            return
    if _decoded(text) is None:
        raise invalid("expected base64", "file", "source", "bytes")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None


def on_dtmf(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Take key presses, in the form of 2.0 (`button`) too. Raises Refusal."""
    media.check(ClientType.DTMF, data)
    buttons = data.get("buttons") or [data["button"]]
    return session.rtvi.handle_stock(ClientType.DTMF, id_, {"buttons": buttons})


def on_raw_audio(session: PipelineSession, _id: str, data: Any) -> Answering:
    """Feed audio to the pipeline, single or batch; the batch wins if it holds any. Raises Refusal."""
    media.check(ClientType.RAW_AUDIO, data)
    batch = data.get("base64AudioBatch")
    pieces = [_decoded(piece) for piece in batch or [data.get("base64Audio")] if piece]
    if None in pieces:
        raise invalid("expected base64 audio", "base64AudioBatch" if batch else "base64Audio")
    rate, channels = int(data["sampleRate"]), int(data["numChannels"])  # JSON's 16000.0 is an integer
    return _push_audio(session, [InputAudioRawFrame(piece or b"", rate, channels) for piece in pieces])


async def _push_audio(session: PipelineSession, frames: list[InputAudioRawFrame]) -> None:
    for number, frame in enumerate(frames, 1):
        await session.rtvi.push_frame(frame)
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)


def on_ui_snapshot(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Take a `ui-snapshot` in the form that Pipecat's stages expect, or none. Raises Refusal."""
    tree = data.get("tree") if data else None
    if isinstance(tree, dict) and isinstance(tree.get("root"), dict):
        if faults := check(_SNAPSHOT, tree, is_read=True):
            told = [Fault(f"/tree{fault.pointer}", fault.text) for fault in faults]
            raise Refusal.of_faults("Invalid message", told, Code.INVALID_MESSAGE, Category.PROTOCOL)
        try:
            models.A11ySnapshot.model_validate(tree)
        except ValidationError:  # of what is left: integers that no program holds
            raise invalid("not as in a snapshot", "tree") from None
    return _and_follow(session, ui.on_ui_snapshot(session, id_, data))


def on_ui_event(session: PipelineSession, id_: str, data: Any) -> Answering:
    """Take a `ui-event`. Raises Refusal."""
    return _and_follow(session, ui.on_ui_event(session, id_, data))


async def _and_follow(session: PipelineSession, answering: Answering) -> None:
    """Let another message follow a large one on the bus of the workers, where each holds the last."""
    is_large = session.is_large_held
    await answering
    if is_large:
        worker = session.rtvi.pipeline_worker
        await worker.send_bus_message(BusDataMessage(source=worker.name))


DISPATCH: Final[Mapping[str, Dispatch]] = MappingProxyType(
    {
        ClientType.CLIENT_READY.value: on_client_ready,
        ClientType.SEND_TEXT.value: on_send_text,
        ClientType.APPEND_TO_CONTEXT.value: on_append_to_context,
        ClientType.SEND_FILE.value: on_send_file,
        ClientType.DTMF.value: on_dtmf,
        ClientType.RAW_AUDIO.value: on_raw_audio,
        ClientType.RAW_AUDIO_BATCH.value: on_raw_audio,
        ClientType.UI_EVENT.value: on_ui_event,
        ClientType.UI_SNAPSHOT.value: on_ui_snapshot,
    }
)
"""What these messages do, in place of what they do where there is no pipeline."""
