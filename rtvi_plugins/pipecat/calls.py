"""Which function calls the client was told of, by the session or by Pipecat's observer: never by both.

Each `llm-function-call-in-progress` that names a function makes a client execute it. Source: rtvi-protocol 5.3.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from rtvi_plugins.protocol.messages import ServerType

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


class ToldCalls:
    """The calls of one session, newest last.

    The session tells a call when the application hands it over (`handle_function_call`), which may be before or after
    the observer saw it begin.
    """

    def __init__(self) -> None:
        self._by_session: OrderedDict[str, None] = OrderedDict()
        self._named: OrderedDict[str, None] = OrderedDict()

    def may_session_tell(self, message: Mapping[str, Any]) -> bool:
        """Take note of what the session says; False where the client executes the function already."""
        if message.get("type") != ServerType.LLM_FUNCTION_CALL_IN_PROGRESS:
            return True
        call: str = message["data"]["tool_call_id"]
        _note(self._by_session, call)
        return call not in self._named

    def may_observer_tell(self, message: Mapping[str, Any]) -> bool:
        """Take note of what the observer says; False where the session says it."""
        if message.get("type") not in REPORTS:
            return True
        data = message.get("data") or {}
        call = str(data.get("tool_call_id"))
        if call in self._by_session:
            return False
        if message.get("type") == ServerType.LLM_FUNCTION_CALL_IN_PROGRESS and data.get("function_name") is not None:
            _note(self._named, call)
        return True


def _note(calls: OrderedDict[str, None], call: str) -> None:
    calls[call] = None
    if len(calls) > KEPT:
        calls.popitem(last=False)
