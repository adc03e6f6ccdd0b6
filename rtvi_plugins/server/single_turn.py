"""`POST /action`: legacy clients' actions without a connection (rtvi-protocol 2.5, last part).

Each request is a session of its own: configured, asked, closed when nothing runs any longer. The reply is one RTVI
message as JSON, sent as soon as there is one, or, for a client that accepts `text/event-stream`, every message as it
comes, as an event whose data is base64 of its JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rtvi_plugins.errors import Category
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.memory import compact
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, ServerType

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.memory import Hold
    from rtvi_plugins.protocol.frames import Frame, FrameDirection

logger = logging.getLogger(__name__)

MAX_ACTIONS: Final = 64
"""Actions in one request."""


class Collector:
    """A processor's port that keeps what is sent, as JSON text, until it is taken.

    only:      keep nothing but the first message with this id; None: keep everything.
    max_bytes: of what is kept; beyond that `on_full` is called and nothing more is kept.
    """

    def __init__(self, only: str | None, max_bytes: int) -> None:
        self.is_open = False  # what a failing initial configuration tells belongs to no action
        self.failures: list[str] = []
        """What was told of that until it was opened."""
        self.is_full = False
        self.on_full: Callable[[], object] | None = None
        self._only = only
        self._room = max_bytes
        self._kept: deque[bytes] = deque()
        self._is_ended = False
        self._changed = asyncio.Event()

    def send(self, message: Message) -> None:
        """Keep one message. Raises NotJSONError."""
        text = wire.encode(message)
        if not self.is_open and message["type"] == ServerType.ERROR:
            self.failures.append(message["data"]["error"])
        if not self.is_open or self.is_full:
            return
        if self._only is not None:
            if message.get("id") != self._only:
                return
            self.is_open = False
        elif len(text) > self._room:
            self.is_full = True
            if self.on_full is not None:
                self.on_full()
            return
        self._room -= len(text)
        self._kept.append(compact(text))
        self._changed.set()

    def finish(self) -> None:
        """Note that nothing more will be sent."""
        self._is_ended = True
        self._changed.set()

    async def take(self) -> bytes | None:
        """Give the next message as JSON text; None once there will be no more."""
        while not self._kept:
            if self._is_ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        text = self._kept.popleft()
        self._room += len(text)
        return text

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
            raise ValueError(f"actions.{index}: expected an RTVI action message with an id")
    if len(actions) > MAX_ACTIONS:
        raise ValueError(f"actions: expected at most {MAX_ACTIONS}")
    return actions


class Turn:
    """The session of one request: a task that runs the actions one after the other and ends once nothing runs."""

    def __init__(
        self,
        bot: Bot,
        processor: RTVIProcessor,
        collector: Collector,
        actions: list[Message],
        config: Mapping[str, Mapping[str, Any]],
        hold: Hold,
    ) -> None:
        """Begin it.

        config: values that it starts with, checked; when one of them fails, nothing is run.
        hold:   the bytes of the request, which count until the turn is over.
        """
        self._bot = bot
        self._processor = processor
        self._collector = collector
        self._actions = actions
        self._config = config
        self._hold = hold
        self._reason = "failed"
        self.task = asyncio.get_running_loop().create_task(self._live())
        collector.on_full = self._overflow

    def cancel(self, reason: str) -> None:
        """Cancel what runs and end the session for this reason; once is enough, and after its end it does nothing."""
        if not self.task.cancelling():
            self._reason = reason
            self.task.cancel()

    def _refusal(self) -> Refusal | None:
        """Return why the configuration of the request is not what it asked for; None when it is."""
        now = self._processor.values
        names = [f"{service}.{name}" for service, options in self._config.items() for name in options]
        told = [text for text in self._collector.failures if any(name in text for name in names)]
        told = told or [
            f"Option {service}.{name} was refused"
            for service, options in self._config.items()
            for name, value in options.items()
            if now.get(service, {}).get(name) != value
        ]
        return Refusal("; ".join(told), Code.OPTION_FAILED, Category.CONFIGURATION) if told else None

    def _overflow(self) -> None:
        logger.warning("session %s: the client does not read; closing", self._processor.session.id)
        self.cancel("failed")

    async def _live(self) -> None:
        try:
            await self._bot.session_started(self._processor)
            await self._processor.set_bot_ready()
            self._collector.is_open = True
            refusal = self._refusal()
            for message in self._actions:
                await asyncio.sleep(0)  # each is as costly as a message: others get their turn between them
                if refusal is None:
                    await self._processor.handle_message(message)
                else:
                    self._processor.refuse(Request(message["id"]), refusal)
            await self._processor.wait_idle()
            self._reason = "ended"
        except BaseException as error:
            pass_on(error)
            logger.exception("session %s failed", self._processor.session.id)
        finally:
            try:
                await self._processor.close()
                await self._bot.session_ended(self._processor, self._reason)
            finally:
                self._hold.release()
                self._collector.finish()


async def left(receive: Receive) -> None:
    """Wait until the client of a request, whose body was read, has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(StreamingResponse):
    """What a turn sends, as server-sent events as it comes; the turn is cancelled when the client leaves."""

    def __init__(self, turn: Turn, collector: Collector) -> None:
        super().__init__(as_events(collector), media_type="text/event-stream", headers={"cache-control": "no-cache"})
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        except ClientDisconnect:
            pass  # as some servers tell it; others end the stream
        finally:
            self._turn.cancel("disconnected")


async def as_events(collector: Collector) -> AsyncIterator[bytes]:
    """Write messages as server-sent events; in ASCII, since clients decode the base64 byte by byte."""
    while (text := await collector.take()) is not None:
        yield b"data: " + base64.b64encode(json.dumps(json.loads(text)).encode("ascii")) + b"\n\n"
