"""`POST /action`: legacy clients' actions without a connection (rtvi-protocol 2.5, last part).

Each request is a session of its own: configured, asked, closed. The reply is one RTVI message as JSON, or, for a client
that accepts `text/event-stream`, every message as an event whose data is base64 of its JSON.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.protocol.frames import Frame, FrameDirection


class Collector:
    """A processor's port that keeps what is sent, as JSON text."""

    def __init__(self) -> None:
        self.sent: list[tuple[str | None, bytes]] = []

    def send(self, message: Message) -> None:
        """Keep one message: its id, where it has one, and its text. Raises NotJSONError."""
        self.sent.append((message.get("id"), wire.encode(message)))

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Do nothing: there is no pipeline."""

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Do nothing: there is no stage."""

    async def interrupt(self) -> None:
        """Do nothing: nothing is said."""

    async def say(self, text: str) -> None:
        """Do nothing: nobody listens."""

    async def end(self) -> None:
        """Do nothing: the session ends with its request."""


def read_actions(body: Any) -> list[Message]:
    """Take the action messages out of a request body. Raises ValueError with a text for the client."""
    actions = body.get("actions") if isinstance(body, dict) else None
    if not isinstance(actions, list) or not actions:
        raise ValueError("actions: expected array of RTVI action messages")
    for index, message in enumerate(actions):
        is_labelled = isinstance(message, dict) and message.get("label") == LABEL
        if not is_labelled or message.get("type") != ClientType.ACTION or not isinstance(message.get("id"), str):
            raise ValueError(f"actions[{index}]: expected an RTVI action message with an id")
    return actions


async def run(processor: RTVIProcessor, collector: Collector, actions: list[Message]) -> list[tuple[str | None, bytes]]:
    """Run the actions one after the other; gives every message the bot sent for them: its id and its JSON text."""
    await processor.set_bot_ready()
    collector.sent.clear()  # what a failing initial configuration told belongs to no action
    for message in actions:
        await processor.handle_message(message)
    await processor.wait_idle()
    return collector.sent


async def as_events(messages: list[tuple[str | None, bytes]]) -> AsyncIterator[bytes]:
    """Write messages as server-sent events."""
    for _, text in messages:
        yield b"data: " + base64.b64encode(text) + b"\n\n"
