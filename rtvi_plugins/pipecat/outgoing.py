"""What Pipecat's observer and processor have for the client, fitted to the client at hand.

Pipecat tells every client everything; here each generation gets what it knows. Source: rtvi-protocol 3, 4.4, 9.2.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rtvi_plugins.pipecat.calls import REPORTS
from rtvi_plugins.processor.functions import OBSERVED_SINCE
from rtvi_plugins.protocol.messages import Message, ServerType
from rtvi_plugins.protocol.versions import Version

SINCE: Final[Mapping[str, Version]] = MappingProxyType(
    {
        **dict.fromkeys(REPORTS, OBSERVED_SINCE),
        ServerType.BOT_OUTPUT.value: Version(1, 0),  # 1.1 on paper; clients of 1.0 take it for a message of their own
        ServerType.USER_MUTE_STARTED.value: Version(1, 0),
        ServerType.USER_MUTE_STOPPED.value: Version(1, 0),
        ServerType.USER_AUDIO_LEVEL.value: Version(1, 0),
        ServerType.BOT_AUDIO_LEVEL.value: Version(1, 0),
        ServerType.SYSTEM_LOG.value: Version(1, 0),
        ServerType.UI_COMMAND.value: Version(1, 0),
        ServerType.UI_JOB_GROUP.value: Version(1, 0),
        ServerType.BOT_INTERRUPTED.value: Version(2, 0),
        ServerType.VAD_USER_STARTED_SPEAKING.value: Version(2, 0),
        ServerType.VAD_USER_STOPPED_SPEAKING.value: Version(2, 0),
        ServerType.BOT_LLM_MARKER.value: Version(2, 0),
        ServerType.USER_INPUT.value: Version(2, 0),
    }
)
"""The first version to which a message is sent; what is not listed goes to every client."""


def is_known(type_: str, version: Version) -> bool:
    """Whether a client of this version has to be told messages of this type."""
    return version >= SINCE.get(type_, version)


def mended(message: Message) -> Message | None:
    """Put in what Pipecat leaves out though clients count on it; None for a message that says nothing.

    Source: rtvi-protocol 6.2 (`payload`), 6.5 (`workers`, `at`), 12.2 (empty `metrics`).
    """
    type_, data = message.get("type"), message.get("data")
    if type_ == ServerType.METRICS and not data:
        return None
    if type_ == ServerType.UI_COMMAND and isinstance(data, dict):
        return {**message, "data": {"payload": {}, **data}}
    if type_ == ServerType.UI_JOB_GROUP and isinstance(data, dict):
        added: dict[str, Any] = {} if data.get("at") else {"at": time.time_ns() // 1_000_000}
        if data.get("kind") == "group_started":
            added["workers"] = data.get("workers") or []
        return {**message, "data": {**data, **added}}
    return message
