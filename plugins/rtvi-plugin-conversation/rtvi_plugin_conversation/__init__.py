"""The service `conversation`: print a message, read and clear what was said; the message `echo`; an audit log.

The history is fed by the processor's events `on_user_text` and `on_bot_text`, whatever answers the user.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from rtvi_plugin_conversation.audit import audit
from rtvi_plugin_conversation.history import History
from rtvi_plugins import Handlers, Middleware, RTVIProcessor, hookimpl

STATE: Final = "conversation"
"""Our key in `processor.session.state`; the value is the session's `History`."""

logger = logging.getLogger(__name__)

conversation = Handlers("conversation", optional=True)
app = Handlers()


@conversation.action("print_message")
async def print_message(processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> bool:  # noqa: ARG001 - original form
    """Write one line to the log, quoted, so that a message cannot pretend to be several lines."""
    logger.info("print_message: %r", arguments.get("message", "Default message"))
    return True


@conversation.action("history")
async def history(processor: RTVIProcessor, *, limit: int) -> list[dict[str, str]]:
    """Give the last turns, oldest first."""
    return _history(processor).last(int(limit))  # JSON Schema lets 5.0 pass as an integer


@conversation.action("clear_history")
async def clear_history(processor: RTVIProcessor) -> bool:
    """Forget what was said; true when there was something to forget."""
    return _history(processor).clear()


@app.message("echo")
async def echo(processor: RTVIProcessor, data: Any) -> Any:  # noqa: ARG001 - the form of message handlers
    """Answer with what came in."""
    return data


async def remember_user_text(processor: RTVIProcessor, text: str) -> None:
    """Handle `on_user_text`."""
    _history(processor).add("user", text)


async def remember_bot_text(processor: RTVIProcessor, text: str) -> None:
    """Handle `on_bot_text`."""
    _history(processor).add("bot", text)


def _history(processor: RTVIProcessor) -> History:
    found: History = processor.session.state[STATE]
    return found


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    """Supply the three actions and the message `echo`."""
    return [conversation, app]


@hookimpl
def rtvi_manifests() -> Mapping[str, Traversable]:
    """Ship the service for `use: conversation`."""
    return {"conversation": files(__name__) / "conversation.yaml"}


@hookimpl
def rtvi_middleware() -> Iterable[Middleware]:
    """Log every option change and action of every service with its duration."""
    return [audit]


@hookimpl
def rtvi_session_started(processor: RTVIProcessor) -> None:
    """Begin an empty history and have it fed."""
    processor.session.state[STATE] = History()
    processor.add_event_handler("on_user_text", remember_user_text)
    processor.add_event_handler("on_bot_text", remember_bot_text)


@hookimpl
def rtvi_session_ended(processor: RTVIProcessor) -> None:
    """Drop the history."""
    processor.session.state.pop(STATE, None)
