"""Whatever bytes come as a protobuf frame or as text: a message, media, or a text for the client; never a crash."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pipecat.frames.frames import InputAudioRawFrame, InputTransportMessageFrame

from rtvi_plugins.manifest.model import Limits
from rtvi_plugins.pipecat import processor_for
from rtvi_plugins.pipecat.serializing import Serializer
from rtvi_plugins.processor.port import Detached
from rtvi_plugins.protocol.wire import InvalidJSONError
from rtvi_plugins.server import codec
from tests.whole.harness import whole

ENVELOPE: Final = '{"label":"rtvi-ai","type":"get-config","id":"x","data":{"a":[1,"\\ud83d"]}}'
FRAMES: Final = [
    codec.Frame(**frame).SerializeToString()
    for frame in (
        {"message": {"data": ENVELOPE}},
        {"message": {"data": "[]"}},
        {"audio": {"audio": b"\0" * 8, "sample_rate": 16_000, "num_channels": 1}},
        {"text": {"id": 1, "name": "a", "text": "b"}},
        {"transcription": {"text": "b", "user_id": "u", "timestamp": "t"}},
        {"interruption": {"id": 2}},
    )
]


@st.composite
def nearly(draw: st.DrawFn) -> bytes:
    """Take a good frame and change some of its bytes, or cut it off."""
    data = bytearray(draw(st.sampled_from(FRAMES)))
    for at, byte in draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=3)):
        data[at] = byte
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


frames = nearly() | st.binary(max_size=200)
texts = st.text() | st.builds(lambda at, put: ENVELOPE[:at] + put + ENVELOPE[at:], st.integers(0, 70), st.text())


@settings(max_examples=200, deadline=None)
@example(b"")
@given(frames)
def test_the_standalone_host_takes_any_frame(data: bytes) -> None:
    with contextlib.suppress(InvalidJSONError):  # its text is for the client
        codec.read_binary(data, 64)
    found = codec.salvage_binary(data)
    assert found is None or found.keys() == {"label", "id"}


@settings(max_examples=200, deadline=None)
@example(b"")
@given(frames | texts)
def test_the_pipecat_host_takes_any_frame(data: bytes | str) -> None:
    session = processor_for(whole())().session_processor
    serializer = Serializer(Limits())
    serializer.session = session
    frame = asyncio.run(serializer.deserialize(data))
    assert isinstance(session.port, Detached)
    told: list[Any] = [message["type"] for message in session.port.kept]
    assert told in ([], ["error"], ["error-response"])
    assert frame is None or (isinstance(frame, InputTransportMessageFrame | InputAudioRawFrame) and not told)
