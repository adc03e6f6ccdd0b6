"""What goes out to a WebSocket client on this host: nothing that it cannot read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
    TextFrame,
    TranscriptionFrame,
)
from pipecat.frames.protobufs import frames_pb2
from pipecat.serializers.protobuf import ProtobufFrameSerializer

from rtvi_plugins.manifest.model import Limits
from rtvi_plugins.pipecat.serializing import Serializer

FrameClass: Any = vars(frames_pb2)["Frame"]
PUBLISHED = Path(__file__).parents[1] / "clients/node_modules"
MESSAGE = {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {}}

OUT: dict[str, Frame] = {
    "message": OutputTransportMessageUrgentFrame(message={"label": "rtvi-ai", "type": "bot-interrupted"}),
    "audio": OutputAudioRawFrame(audio=b"\0\0", sample_rate=24_000, num_channels=1),
    "interruption": InterruptionFrame(),
    "text": TextFrame("hello"),
    "transcription": TranscriptionFrame("hello", "u", "t"),
    "": EndFrame(),
}
"""Frames by the kind that a protobuf frame calls them; the last one has none."""


def binary(**kind: Any) -> bytes:
    frame = FrameClass()
    for name, fields in kind.items():
        for field, value in fields.items():
            setattr(getattr(frame, name), field, value)
    return bytes(frame.SerializeToString())


SPEECH = binary(audio={"audio": b"\0\0", "sample_rate": 16_000, "num_channels": 1})
HEARD: dict[str, tuple[list[str | bytes], set[str]]] = {
    "nothing yet": ([], {"message", "audio"}),
    "messages in protobuf": ([binary(message={"data": json.dumps(MESSAGE)})], {"message", "audio"}),
    "messages and audio": ([binary(message={"data": json.dumps(MESSAGE)}), SPEECH], {"message", "audio"}),
    "audio and then messages": ([SPEECH, binary(message={"data": json.dumps(MESSAGE)})], {"message", "audio"}),
    "messages in JSON": ([json.dumps(MESSAGE)], {"message"}),
    "frames of Pipecat's alone": ([SPEECH], {"message", "audio", "interruption", "text", "transcription"}),
}


@pytest.mark.parametrize(("heard", "sent"), HEARD.values(), ids=HEARD)
async def test_what_is_sent(heard: list[str | bytes], sent: set[str]) -> None:
    serializer = Serializer(Limits())
    for data in heard:
        await serializer.deserialize(data)
    found = set()
    for kind, frame in OUT.items():
        written = await serializer.serialize(frame)
        if isinstance(written, str):
            assert json.loads(written) == frame.message  # type: ignore[attr-defined]
            found.add("message")
        elif written is not None:
            assert FrameClass.FromString(written).WhichOneof("frame") == kind
            found.add(kind)
    assert found == sent


def test_every_frame_that_pipecat_can_send_is_looked_at() -> None:
    assert set(ProtobufFrameSerializer.SERIALIZABLE_TYPES.values()) == OUT.keys() - {""}


@pytest.mark.parametrize("client", ["websocket-transport", "websocket-transport-legacy"])
def test_the_published_clients_read_no_more(client: str) -> None:
    source = PUBLISHED / client / "dist/index.module.js"
    if not source.exists():
        pytest.skip("the published clients are not installed: npm ci in tests/clients")
    (reading,) = re.findall(r"const parsed = .*?Unknown frame kind", source.read_text(encoding="utf-8"), re.DOTALL)
    assert set(re.findall(r'oneofKind === "(\w+)"', reading)) == {"audio", "message"}
