"""What the wire carries: the names of all messages, the envelope and its two small forms.

A message is a plain `dict` ready for JSON. No sockets, no JSON text here. Source: rtvi-protocol 1 to 3.
"""

from __future__ import annotations

import enum
from typing import Any, Final

LABEL: Final = "rtvi-ai"

Message = dict[str, Any]
"""One RTVI message: `{"label", "type", "id"?, "data"?}`."""


class ClientType(enum.StrEnum):
    """Every message a client may send, of any generation; `describe-bot` is an addition of this package."""

    CLIENT_READY = "client-ready"
    DISCONNECT_BOT = "disconnect-bot"
    CLIENT_MESSAGE = "client-message"
    SEND_TEXT = "send-text"
    SEND_FILE = "send-file"
    APPEND_TO_CONTEXT = "append-to-context"
    DTMF = "dtmf"
    RAW_AUDIO = "raw-audio"
    RAW_AUDIO_BATCH = "raw-audio-batch"
    LLM_FUNCTION_CALL_RESULT = "llm-function-call-result"
    UI_EVENT = "ui-event"
    UI_SNAPSHOT = "ui-snapshot"
    UI_CANCEL_JOB_GROUP = "ui-cancel-job-group"
    UI_CANCEL_TASK = "ui-cancel-task"
    DESCRIBE_CONFIG = "describe-config"
    GET_CONFIG = "get-config"
    UPDATE_CONFIG = "update-config"
    DESCRIBE_ACTIONS = "describe-actions"
    ACTION = "action"
    DESCRIBE_BOT = "describe-bot"


class ServerType(enum.StrEnum):
    """Every message a server may send, of any generation; `docs/messages.md` says which of them this one sends."""

    BOT_READY = "bot-ready"
    SERVER_RESPONSE = "server-response"
    ERROR_RESPONSE = "error-response"
    ERROR = "error"
    SERVER_MESSAGE = "server-message"
    CONFIG_AVAILABLE = "config-available"
    CONFIG = "config"
    ACTIONS_AVAILABLE = "actions-available"
    ACTION_RESPONSE = "action-response"
    USER_INPUT = "user-input"
    USER_LLM_TEXT = "user-llm-text"
    USER_TRANSCRIPTION = "user-transcription"
    BOT_INTERRUPTED = "bot-interrupted"
    BOT_LLM_STARTED = "bot-llm-started"
    BOT_LLM_TEXT = "bot-llm-text"
    LLM_RAW_TEXT = "llm-raw-text"
    BOT_LLM_STOPPED = "bot-llm-stopped"
    BOT_TRANSCRIPTION = "bot-transcription"
    BOT_OUTPUT = "bot-output"
    LLM_FUNCTION_CALL = "llm-function-call"
    LLM_FUNCTION_CALL_STARTED = "llm-function-call-started"
    LLM_FUNCTION_CALL_IN_PROGRESS = "llm-function-call-in-progress"
    LLM_FUNCTION_CALL_STOPPED = "llm-function-call-stopped"
    UI_COMMAND = "ui-command"
    UI_JOB_GROUP = "ui-job-group"
    USER_STARTED_SPEAKING = "user-started-speaking"
    USER_STOPPED_SPEAKING = "user-stopped-speaking"
    VAD_USER_STARTED_SPEAKING = "vad-user-started-speaking"
    VAD_USER_STOPPED_SPEAKING = "vad-user-stopped-speaking"
    USER_MUTE_STARTED = "user-mute-started"
    USER_MUTE_STOPPED = "user-mute-stopped"
    STT_RAW_TEXT = "stt-raw-text"
    USER_AUDIO_LEVEL = "user-audio-level"
    BOT_STARTED_SPEAKING = "bot-started-speaking"
    BOT_STOPPED_SPEAKING = "bot-stopped-speaking"
    BOT_LLM_MARKER = "bot-llm-marker"
    BOT_TTS_STARTED = "bot-tts-started"
    BOT_TTS_STOPPED = "bot-tts-stopped"
    BOT_TTS_TEXT = "bot-tts-text"
    TTS_RAW_TEXT = "tts-raw-text"
    BOT_TTS_AUDIO = "bot-tts-audio"
    BOT_AUDIO_LEVEL = "bot-audio-level"
    BOT_LLM_SEARCH_RESPONSE = "bot-llm-search-response"
    METRICS = "metrics"
    SYSTEM_LOG = "system-log"
    LLM_FUNCTION_CALL_START = "llm-function-call-start"
    UI_TASK = "ui-task"
    APPEND_TO_CONTEXT_RESULT = "append-to-context-result"
    CONFIG_ERROR = "config-error"
    STORAGE_ITEM_STORED = "storage-item-stored"
    LLM_JSON_COMPLETION = "llm-json-completion"
    BOT_DESCRIPTION = "bot-description"


REQUESTS: Final = frozenset(
    {
        ClientType.DESCRIBE_CONFIG,
        ClientType.GET_CONFIG,
        ClientType.UPDATE_CONFIG,
        ClientType.DESCRIBE_ACTIONS,
        ClientType.ACTION,
        ClientType.DESCRIBE_BOT,
    }
)
"""The legacy requests, and the one of this package; the same names are understood as `t` of a `client-message`."""


class NotJSONError(TypeError):
    """A message holds something that JSON cannot say. Raised by a host's `send`, which then sent nothing."""


def event(type_: str, data: Any = None) -> Message:
    """Make a message without an id; `data` is left out when None (rtvi-protocol 1, rule 8)."""
    if data is None:
        return {"label": LABEL, "type": type_}
    return {"label": LABEL, "type": type_, "data": data}


def reply(type_: str, request_id: str, data: Any) -> Message:
    """Make the reply that carries its request's id (rtvi-protocol 1, rule 1)."""
    return {"label": LABEL, "type": type_, "id": request_id, "data": data}
