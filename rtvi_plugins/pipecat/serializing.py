"""What a WebSocket message holds on this host: the forms that the standalone host speaks, on Pipecat's transport.

Protobuf frames in binary messages, bare JSON in text messages; answers go out in the form last heard. A client may send
messages and audio: transcriptions and interruptions are for the pipeline to make.

Source: rtvi-protocol 10.1 (the frames), 10.3 (what Pipecat would let in), 10.4 (plain JSON).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.frames.protobufs import frames_pb2
from pipecat.serializers.protobuf import ProtobufFrameSerializer

from rtvi_plugins.pipecat.carried import Carried
from rtvi_plugins.pipecat.inbox import LARGE, refuse
from rtvi_plugins.processor.media import SAMPLE_RATES
from rtvi_plugins.processor.memory import size_when_read
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from rtvi_plugins.manifest.model import Limits
    from rtvi_plugins.pipecat.session import PipelineSession

_FrameClass: Final[Any] = vars(frames_pb2)["Frame"]  # generated code without annotations
_FOR_CLIENTS: Final = frozenset({OutputAudioRawFrame})
"""Frames, beside messages, that RTVI clients read. The published ones fail at every other, such as an interruption, of
which a message tells them. A client that sends no messages is none of RTVI: it gets what Pipecat's serializer sends.
"""


class Serializer(ProtobufFrameSerializer):
    """Reads and writes the messages of one connection; tells its session what cannot be read.

    limits:  the bounds of an incoming message.
    session: is told; set once the pipeline is there.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        self._is_text = False
        self._is_bare = False  # it speaks in frames alone
        self._has_message = False
        self.session: PipelineSession | None = None
        self._made: Any = None

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Write a frame; to a client that speaks JSON, messages only."""
        if isinstance(frame, OutputTransportMessageFrame | OutputTransportMessageUrgentFrame):
            message = frame.message
            is_ours = isinstance(message, Carried) and message.length > 0
            text = wire.rewrite(dict(message)) if is_ours else wire.encode(message)
            written = text.decode() if self._is_text else _framed(text)
            hold = getattr(frame, "hold", None)
            if hold is not None and hold.size >= LARGE:
                frame.message = {}
                hold.shrink(len(written))
            return written
        # The end of a session is offered to every serializer, too, and this one's base would warn of it.
        is_wanted = not self._is_text and type(frame) in (self.SERIALIZABLE_TYPES if self._is_bare else _FOR_CLIENTS)
        return await super().serialize(frame) if is_wanted else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Read one message of the client; None for what is none, which the client is told. Raises nothing."""
        try:
            if isinstance(data, str):
                self._is_text = True
                return self._read_message(data)
            self._is_text = False
            return self._read_binary(data)
        except wire.InvalidJSONError as error:
            self._refuse(error)
            return None

    def _read_binary(self, data: bytes) -> Frame | None:
        try:
            frame = _FrameClass.FromString(data)
        except DecodeError:
            raise wire.InvalidJSONError("not a protobuf frame") from None
        kind = frame.WhichOneof("frame")
        if kind is None:
            raise wire.InvalidJSONError("an empty protobuf frame")
        self._has_message = self._has_message or kind == "message"
        self._is_bare = not self._has_message
        if kind == "message":
            return self._read_message(frame.message.data)
        return _read_audio(frame.audio) if kind == "audio" else None

    def _read_message(self, text: str) -> Frame:
        given = text.encode()
        if len(given) > self._limits.max_message_bytes:
            text_ = f"larger than {self._limits.max_message_bytes} bytes"
            raise wire.InvalidJSONError(text_, wire.salvage(text))
        message = wire.decode(given, self._limits.max_depth, self._limits.max_nodes)
        if not isinstance(message, dict):
            raise wire.InvalidJSONError("expected an object")
        self._made = Carried(message, len(given), size_when_read(given))
        return InputTransportMessageFrame(message=self._made)

    def let_go(self, message: Any) -> None:
        """Empty a message that was taken, if it is the last one made here: every stage holds the frame with it."""
        if message is self._made:
            self._made.clear()

    def _refuse(self, error: wire.InvalidJSONError) -> None:
        if self.session is not None:
            found = error.value
            refuse(self.session, found.get("id") if isinstance(found, dict) else None, str(error))


def _framed(text: bytes) -> bytes:
    """Wrap JSON text in a protobuf frame."""
    data: bytes = _FrameClass(message={"data": text}).SerializeToString()
    return data


def _read_audio(audio: Any) -> Frame | None:
    """Read audio; None for what is no 16-bit PCM of any use."""
    is_sound = audio.sample_rate in SAMPLE_RATES and audio.num_channels in (1, 2)
    if not is_sound or not audio.audio or len(audio.audio) % (2 * audio.num_channels):
        return None
    return InputAudioRawFrame(audio=audio.audio, sample_rate=audio.sample_rate, num_channels=audio.num_channels)
