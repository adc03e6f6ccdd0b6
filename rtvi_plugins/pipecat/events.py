"""Events as handlers written for Pipecat expect them: the Pipecat processor first, Pipecat's models after it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipecat.processors.frameworks.rtvi import models

from rtvi_plugins.protocol import frames

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.processor import RTVIProcessor


class Registered:
    """The handlers of RTVI events that were registered at one Pipecat processor."""

    def __init__(self, rtvi: RTVIProcessor) -> None:
        self._rtvi = rtvi
        self._wrapped: dict[Any, Any] = {}

    def add(self, event_name: str, handler: Any) -> None:
        """Register a handler at the session."""
        self._wrapped[event_name, handler] = wrapped = for_pipecat(self._rtvi, handler)
        self._rtvi.session_processor.add_event_handler(event_name, wrapped)

    def remove(self, event_name: str, handler: Any) -> None:
        """Remove a handler; nothing happens when it is not there."""
        wrapped = self._wrapped.pop((event_name, handler), None)
        if wrapped is not None:
            self._rtvi.session_processor.remove_event_handler(event_name, wrapped)


def for_pipecat(rtvi: RTVIProcessor, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler registered at the Pipecat processor for the session that fires it."""

    async def call(_session: Any, *arguments: Any) -> None:
        outcome = handler(rtvi, *(_as_model(argument) for argument in arguments))
        if inspect.isawaitable(outcome):
            await outcome

    return call


def _as_model(argument: Any) -> Any:
    """Give what stock handlers get: a model that holds what the frame does."""
    if isinstance(argument, frames.RTVIClientMessageFrame):
        return models.ClientMessage(msg_id=argument.msg_id, type=argument.type, data=argument.data)
    if isinstance(argument, frames.RTVIUIEventFrame):
        data = models.UIEventData(event=argument.event, payload=argument.payload)
        return models.UIEventMessage(id=argument.msg_id, data=data)
    if isinstance(argument, frames.RTVIUISnapshotFrame):
        return models.UISnapshotMessage(
            id=argument.msg_id, data=models.UISnapshotData.model_validate({"tree": argument.tree})
        )
    if isinstance(argument, frames.RTVIUICancelJobGroupFrame):
        cancelled = models.UICancelJobGroupData(job_id=argument.job_id, reason=argument.reason)
        return models.UICancelJobGroupMessage(id=argument.msg_id, data=cancelled)
    return argument
