"""What a WebSocket message holds: Pipecat's protobuf frames in binary messages, bare JSON in text messages.

Source: rtvi-protocol 10.1 (the frames), 10.4 (plain JSON). The descriptors are built here, in a pool of their own, so
that they live beside Pipecat's own definition of the same names.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import Message
from rtvi_plugins.protocol.wire import InvalidJSONError

_Field: Final = descriptor_pb2.FieldDescriptorProto
_KINDS: Final = {
    "uint64": _Field.TYPE_UINT64,
    "uint32": _Field.TYPE_UINT32,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}

_MESSAGES: Final = {
    "TextFrame": (("id", "uint64"), ("name", "string"), ("text", "string")),
    "AudioRawFrame": (
        ("id", "uint64"), ("name", "string"), ("audio", "bytes"), ("sample_rate", "uint32"), ("num_channels", "uint32"),
        ("pts", "uint64"),
    ),
    "TranscriptionFrame": (
        ("id", "uint64"), ("name", "string"), ("text", "string"), ("user_id", "string"), ("timestamp", "string"),
    ),
    "MessageFrame": (("data", "string"),),
    "InterruptionFrame": (("id", "uint64"), ("name", "string")),
}  # fmt: skip
"""Message → its fields, numbered from 1 in this order."""

_ONE_OF: Final = {
    "text": "TextFrame",
    "audio": "AudioRawFrame",
    "transcription": "TranscriptionFrame",
    "message": "MessageFrame",
    "interruption": "InterruptionFrame",
}
"""The kinds of `Frame`, numbered from 1 in this order."""


def _frame_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="frames.proto", package="pipecat", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=_KINDS[kind], label=_Field.LABEL_OPTIONAL)
    frame = file.message_type.add(name="Frame")
    frame.oneof_decl.add(name="frame")
    for number, (field, name) in enumerate(_ONE_OF.items(), 1):
        frame.field.add(
            name=field, number=number, type=_Field.TYPE_MESSAGE, type_name=f".pipecat.{name}",
            label=_Field.LABEL_OPTIONAL, oneof_index=0,
        )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pipecat.Frame"))


Frame: Final = _frame_class()
"""The protobuf message class `pipecat.Frame`."""


def read_binary(data: bytes, max_depth: int, max_nodes: int = wire.DEFAULT_MAX_NODES) -> Message | None:
    """Read one protobuf frame: the RTVI message in it, or None for media, which this host does not take.

    Raises InvalidJSONError with a text for the client.
    """
    try:
        frame = Frame.FromString(data)
    except DecodeError:
        raise InvalidJSONError("not a protobuf frame") from None
    kind = frame.WhichOneof("frame")
    if kind is None:
        raise InvalidJSONError("an empty protobuf frame")
    if kind != "message":
        return None
    message: Message | None = wire.decode(frame.message.data, max_depth, max_nodes)
    if message is None:
        raise InvalidJSONError("expected an object")
    return message


def salvage_binary(data: bytes) -> dict[str, str] | None:
    """Find label and id of a message in a protobuf frame that cannot be taken; None when they are not there."""
    try:
        return wire.salvage(Frame.FromString(data).message.data)
    except DecodeError:
        return None


def write_binary(text: bytes) -> bytes:
    """Wrap JSON text in a protobuf frame."""
    data: bytes = Frame(message={"data": text}).SerializeToString()
    return data
