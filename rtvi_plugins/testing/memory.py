"""A host in memory: every message goes through JSON text both ways, as on a real wire, but through no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rtvi_plugins.hosting.admission import as_config
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.port import Caller, Session
from rtvi_plugins.processor.requests import Refusal
from rtvi_plugins.processor.starting import Start, read_start
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import Message
from rtvi_plugins.testing.client import Client, RequestError

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.protocol.frames import Frame, FrameDirection


class MemoryPort:
    """A processor's port that hands messages to a function and notes everything else.

    frames: what was pushed; applied: (stage, field, value); interruptions: how often; said: texts; is_ended.
    """

    def __init__(self, deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver
        self.frames: list[Frame] = []
        self.applied: list[tuple[str, str, Any]] = []
        self.interruptions = 0
        self.said: list[str] = []
        self.is_ended = False

    def send(self, message: Message) -> None:
        """Write the message as JSON and deliver what a client would read. Raises NotJSONError."""
        self._deliver(wire.plain(message))

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:  # noqa: ARG002 - the port's signature
        """Note the frame."""
        self.frames.append(frame)

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Note what was set."""
        self.applied.append((stage, field, value))

    async def interrupt(self) -> None:
        """Count the interruption."""
        self.interruptions += 1

    async def say(self, text: str) -> None:
        """Note the text."""
        self.said.append(text)

    async def end(self) -> None:
        """Note the end."""
        self.is_ended = True


def settle(bot: Bot, start: Mapping[str, Any]) -> Start:
    """Check what a client sends with its start, as hosts do. Raises RequestError."""
    try:
        return read_start(bot.tables, {"body": start}, max_bytes=bot.manifest.runtime.limits.max_start_bytes)
    except Refusal as refusal:
        raise RequestError(refusal.as_data()) from None


@asynccontextmanager
async def connect(
    bot: Bot | RTVIProcessor,
    *,
    version: str | None = "2.1.0",
    ready: bool = True,
    timeout: float = 10.0,  # noqa: ASYNC109 - the time of each request, not of this call
    caller: str = "",
    start: Mapping[str, Any] | None = None,
) -> AsyncIterator[Client]:
    """Open a session with a bot, or with a processor made by hand, and give a client of it.

    version: the client's protocol version; None makes it a legacy client.
    ready:   do the handshake first.
    start:   what the client sends with its start: data for the bot, and `config`; only where there is a bot.
    Raises RequestError when the bot refuses it.
    The processor is at `client.processor`, its host at `client.port`.
    """
    incoming: asyncio.Queue[Message | None] = asyncio.Queue()
    client = Client(lambda message: incoming.put_nowait(wire.plain(message)), version=version, timeout=timeout)
    port = MemoryPort(client.receive)
    if isinstance(bot, RTVIProcessor):
        if start is not None:
            raise ValueError("a processor made by hand has begun already; give its Session the start data")
        processor = bot
        processor.attach(port)
    else:
        given = settle(bot, start or {})
        session = Session("memory", Caller(caller), given.data)
        processor = bot.processor_class(as_config(given.config), port=port, session=session)
        await bot.session_started(processor)
    client.processor = processor  # type: ignore[attr-defined]
    client.port = port  # type: ignore[attr-defined]
    running = asyncio.create_task(processor.run(incoming.get))
    try:
        if ready:
            await client.ready()
        yield client
    finally:
        incoming.put_nowait(None)
        reason = await running
        client.close()
        if not isinstance(bot, RTVIProcessor):
            await bot.session_ended(processor, reason)
