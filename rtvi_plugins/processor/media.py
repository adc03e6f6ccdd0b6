"""Files, keys and audio from the client: checked here, handled by hosts that can (rtvi-protocol 2.3).

A host that takes media has a method `take_media(kind, data)`; one that has not makes the client hear so at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins import schema
from rtvi_plugins.errors import Category
from rtvi_plugins.processor.requests import Code, Refusal
from rtvi_plugins.protocol.messages import ClientType
from rtvi_plugins.schema import ValueSchema, compile_value

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor

SAMPLE_RATES: Final = range(4_000, 192_001)
"""Samples per second of audio that is taken."""

_KEY: Final = {"type": "string", "enum": list("0123456789*#")}
_DTMF: Final = compile_value(
    {
        "type": "object",
        "properties": {"buttons": {"type": "array", "items": _KEY, "minItems": 1, "maxItems": 256}, "button": _KEY},
        "anyOf": [{"required": ["buttons"]}, {"required": ["button"]}],
    }
)
"""Both forms: `buttons` since 2.1, `button` in 2.0."""

_OPTIONS: Final = {
    "type": ["object", "null"],
    "properties": {
        "run_immediately": {"type": "boolean"},
        "audio_response": {"type": "boolean"},
        "custom_options": {"type": ["object", "null"]},
    },
}
_SOURCE: Final = {
    "type": "object",
    "properties": {
        "type": {"enum": ["bytes", "url"]},
        "bytes": {"type": "string"},
        "url": {"type": "string"},
        "width": {"type": ["integer", "null"]},
        "height": {"type": ["integer", "null"]},
    },
    "required": ["type"],
    "if": {"properties": {"type": {"const": "bytes"}}},
    "then": {"required": ["bytes"]},
    "else": {"required": ["url"]},
}
"""The kind is what `type` says, not whichever of the keys is there."""
_FILE: Final = compile_value(
    {
        "type": "object",
        "properties": {
            "content": {"type": "string"},
            "file": {
                "type": "object",
                "properties": {
                    "format": {"type": "string"},
                    "name": {"type": ["string", "null"]},
                    "source": _SOURCE,
                },
                "required": ["format", "source"],
            },
            "options": _OPTIONS,
        },
        "required": ["content", "file"],
    }
)
_AUDIO: Final = compile_value(
    {
        "type": "object",
        "properties": {
            "base64Audio": {"type": "string"},
            "base64AudioBatch": {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 1_000},
            "sampleRate": {"type": "integer", "minimum": SAMPLE_RATES[0], "maximum": SAMPLE_RATES[-1]},
            "numChannels": {"type": "integer", "minimum": 1, "maximum": 2},
        },
        "anyOf": [{"required": ["base64Audio"]}, {"required": ["base64AudioBatch"]}],
        "required": ["sampleRate", "numChannels"],
    }
)

_SCHEMAS: Final[Mapping[str, ValueSchema]] = MappingProxyType(
    {
        ClientType.DTMF.value: _DTMF,
        ClientType.SEND_FILE.value: _FILE,
        ClientType.RAW_AUDIO.value: _AUDIO,
        ClientType.RAW_AUDIO_BATCH.value: _AUDIO,
    }
)


def on_dtmf(processor: RTVIProcessor, _id: str, data: Any) -> None:
    """Take key presses. Raises Refusal."""
    _take(processor, "dtmf", _DTMF, data)


def on_send_file(processor: RTVIProcessor, _id: str, data: Any) -> None:
    """Take a file. Raises Refusal."""
    _take(processor, "send-file", _FILE, data)


def on_raw_audio(processor: RTVIProcessor, _id: str, data: Any) -> None:
    """Take audio, single or batch. Raises Refusal."""
    _take(processor, "raw-audio", _AUDIO, data)


def check(type_: str, data: Any) -> None:
    """Check `data` of one of these messages, given by its type. Raises Refusal."""
    _check(_SCHEMAS[type_], data)


def _check(values: ValueSchema, data: Any) -> None:
    if faults := schema.check(values, {} if data is None else data):
        raise Refusal.of_faults("Invalid message", faults, Code.INVALID_MESSAGE, Category.PROTOCOL)


def _take(processor: RTVIProcessor, kind: str, values: ValueSchema, data: Any) -> None:
    _check(values, data)
    take_media = getattr(processor.port, "take_media", None)
    if take_media is None:
        raise Refusal(f"This bot does not take {kind}", Code.UNSUPPORTED_TYPE, Category.PROTOCOL)
    take_media(kind, data)
