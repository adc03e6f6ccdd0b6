"""Which function calls the client was told of, by the session or by Pipecat's observer: never by both.

Each `llm-function-call-in-progress` that names a function makes a client execute it. Source: rtvi-protocol 5.3.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

from rtvi_plugins.protocol.messages import Message, ServerType

REPORTS: Final = frozenset(
    {
        ServerType.LLM_FUNCTION_CALL_STARTED.value,
        ServerType.LLM_FUNCTION_CALL_IN_PROGRESS.value,
        ServerType.LLM_FUNCTION_CALL_STOPPED.value,
    }
)
"""Messages about function calls."""
KEPT: Final = 256
"""Calls that are remembered."""
MAX_HELD: Final = 64
"""Beginnings that wait for their calls; one that is interrupted before it runs leaves its beginning behind."""


class ToldCalls:
    """The calls of one session, newest last.

    The session tells a call when the application hands it over (`handle_function_call`), which may be before or after
    the observer saw it begin. `llm-function-call-started` has no id: what the observer says of a beginning is held
    until its next message about the call, which has one.
    """

    def __init__(self) -> None:
        self._by_session: OrderedDict[str, None] = OrderedDict()
        self._started: OrderedDict[str, None] = OrderedDict()
        self._named: OrderedDict[str, None] = OrderedDict()
        self._held: deque[Message] = deque(maxlen=MAX_HELD)

    def may_session_start(self, call: str) -> bool:
        """Take note that the session tells a call; False where the client was told already that it has begun."""
        _note(self._by_session, call)
        return call not in self._started

    def may_session_tell(self, message: Mapping[str, Any]) -> bool:
        """Take note of what the session says; False where the client executes the function already."""
        if message.get("type") != ServerType.LLM_FUNCTION_CALL_IN_PROGRESS:
            return True
        call: str = message["data"]["tool_call_id"]
        _note(self._by_session, call)
        return call not in self._named

    def observer_tells(self, message: Message) -> list[Message]:
        """Take note of what the observer says; returns what of it is told now: nothing where the session says it."""
        type_ = message.get("type")
        if type_ not in REPORTS:
            return [message]
        if type_ == ServerType.LLM_FUNCTION_CALL_STARTED:
            self._held.append(message)
            return []
        data = message.get("data") or {}
        call = str(data.get("tool_call_id"))
        begun = self._begun(data.get("function_name")) if type_ == ServerType.LLM_FUNCTION_CALL_IN_PROGRESS else None
        if call in self._by_session:
            return []
        if type_ != ServerType.LLM_FUNCTION_CALL_IN_PROGRESS:
            return [message]
        if data.get("function_name") is not None:
            _note(self._named, call)
        if begun is None:
            return [message]
        _note(self._started, call)
        return [begun, message]

    def _begun(self, name: str | None) -> Message | None:
        """Take the beginning that belongs to a call: of several, the first of its name."""
        for held in self._held:
            if (held.get("data") or {}).get("function_name") == name:
                self._held.remove(held)
                return held
        return None


def _note(calls: OrderedDict[str, None], call: str) -> None:
    calls[call] = None
    if len(calls) > KEPT:
        calls.popitem(last=False)
