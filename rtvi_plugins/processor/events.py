"""Events: what happens in a session, for whoever registered a handler."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from rtvi_plugins.errors import did_you_mean
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.stepping import is_from_outside

logger = logging.getLogger(__name__)

EventHandler = Callable[..., Any]
E = TypeVar("E", bound=EventHandler)

EVENTS: Final = frozenset(
    {
        "on_bot_started",
        "on_client_ready",
        "on_client_message",
        "on_ui_message",
        "on_error",
        "on_user_text",
        "on_bot_text",
    }
)
"""Events for `event_handler`; handlers get the processor, and what happened where there is something to tell."""


class EventSource:
    """Keeps the handlers of a session's events."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: dict[str, list[EventHandler]] | None = None

    def event_handler(self, name: str) -> Callable[[E], E]:
        """Register the decorated function for an event of `EVENTS`. Raises ValueError for another name."""

        def decorate(handler: E) -> E:
            self.add_event_handler(name, handler)
            return handler

        return decorate

    def add_event_handler(self, name: str, handler: EventHandler) -> None:
        """Register a function, coroutine or plain, for an event. Raises ValueError for a name that is no event."""
        if name not in EVENTS:
            raise ValueError(f"there is no event {name!r}; {did_you_mean(name, EVENTS) or 'see EVENTS'}")
        if self._events is None:
            self._events = {}
        self._events.setdefault(name, []).append(handler)

    def remove_event_handler(self, name: str, handler: EventHandler) -> None:
        """Take back a handler; nothing happens when it is not registered."""
        handlers = (self._events or {}).get(name, [])
        if handler in handlers:
            handlers.remove(handler)

    def has_event_handler(self, name: str) -> bool:
        """Whether anybody listens to an event."""
        return bool(self._events and self._events.get(name))

    def must_end(self) -> bool:
        """Whether the CancelledError at hand has to be obeyed; otherwise it was the handler's own."""
        return is_from_outside()

    async def fire(self, name: str, *arguments: Any) -> bool:
        """Call the handlers of an event in order. What they raise is logged; False when any raised."""
        return await self.fire_all(name, *arguments) is None

    async def fire_all(self, name: str, *arguments: Any) -> BaseException | None:
        """Call the handlers of an event in order. What they raise is logged; return the first of it."""
        first: BaseException | None = None
        for handler in tuple((self._events or {}).get(name, ())):
            try:
                outcome = handler(self, *arguments)
                if inspect.isawaitable(outcome):
                    await outcome
            except asyncio.CancelledError as error:
                if self.must_end():
                    raise
                first = first or error
                logger.exception("handler of %s was cancelled", name)
            except BaseException as error:
                pass_on(error)
                first = first or error
                logger.exception("handler of %s failed", name)
        return first
