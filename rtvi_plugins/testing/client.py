"""An RTVI client in Python, whatever carries its messages: what tests and `rtvi call` talk with.

It speaks as the official clients do: `client-ready`, then requests matched to their answers by id. Version None makes
it a legacy client (0.3), which uses the message types of its time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, ServerType

Config = dict[str, dict[str, Any]]
"""Service → option → value."""


class RequestError(Exception):
    """The bot refused a request.

    text: what it said; code, category, details: what it added for programs.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.text = str(data.get("error", ""))
        self.code = str(data.get("code", ""))
        self.category = str(data.get("category", ""))
        self.details = data.get("details")
        super().__init__(self.text)


class Client:
    """One client of one session.

    send:    puts one message on the wire.
    version: protocol version to announce; None for a legacy client.
    timeout: seconds any request may take before TimeoutError.

    received: every message of the bot, in order; server_messages: the data of its `server-message`s.
    """

    def __init__(self, send: Callable[[Message], Any], *, version: str | None = "2.1.0", timeout: float = 10.0) -> None:
        self._send = send
        self.version = version
        self.timeout = timeout
        self.received: list[Message] = []
        self.bot_ready: dict[str, Any] = {}
        self._ids = (f"c{number}" for number in itertools.count(1))
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._next: list[tuple[str, asyncio.Future[Message]]] = []
        self._is_closed = False

    # -- what the carrier calls ---------------------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Take in one message of the bot."""
        self.received.append(message)
        waiting = self._waiting.pop(message.get("id", ""), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        for type_, future in self._next:
            if type_ == message["type"] and not future.done():
                future.set_result(message)
                break
        self._next = [(type_, future) for type_, future in self._next if not future.done()]

    def close(self) -> None:
        """Note that the connection is gone: whoever waits gets ConnectionError."""
        self._is_closed = True
        for future in [*self._waiting.values(), *(future for _, future in self._next)]:
            if not future.done():
                future.set_exception(ConnectionError("the bot closed the connection"))

    # -- messages -----------------------------------------------------------------------------------------------------

    @property
    def server_messages(self) -> list[Any]:
        """The data of every `server-message` received so far."""
        return [message.get("data") for message in self.received if message["type"] == ServerType.SERVER_MESSAGE]

    def types(self) -> list[str]:
        """List the types of all messages received so far, in order."""
        return [message["type"] for message in self.received]

    async def next(self, type_: str) -> Message:
        """Wait for the next message of a type. Raises TimeoutError, ConnectionError."""
        if self._is_closed:
            raise ConnectionError("the bot closed the connection")
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._next.append((type_, future))
        return await asyncio.wait_for(future, self.timeout)

    async def send(self, type_: str, data: Any = None, id: str | None = None) -> str:  # noqa: A002 - RTVI's word
        """Send a message that nobody answers; gives its id."""
        id_ = id or next(self._ids)
        message: Message = {"label": LABEL, "type": type_, "id": id_}
        if data is not None:
            message["data"] = data
        await self.send_raw(message)
        return id_

    async def send_raw(self, message: Any) -> None:
        """Put something on the wire as it stands."""
        if self._is_closed:
            raise ConnectionError("the bot closed the connection")
        outcome = self._send(message)
        if outcome is not None:
            await outcome

    async def request(self, type_: str, data: Any = None) -> Any:
        """Send a request and give the data of its answer. Raises RequestError, TimeoutError, ConnectionError."""
        id_ = next(self._ids)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = future
        try:
            await self.send(type_, data, id_)
            answer = await asyncio.wait_for(future, self.timeout)
        finally:
            self._waiting.pop(id_, None)
            future.cancel()
        if answer["type"] == ServerType.ERROR_RESPONSE:
            raise RequestError(answer["data"])
        return answer.get("data")

    async def ask(self, t: str, d: Any = None) -> Any:
        """Send a `client-message` and give `d` of its answer."""
        data = {"t": t} if d is None else {"t": t, "d": d}
        return (await self.request(ClientType.CLIENT_MESSAGE, data)).get("d")

    # -- RTVI ---------------------------------------------------------------------------------------------------------

    async def ready(self) -> dict[str, Any]:
        """Send `client-ready` and give the data of `bot-ready`."""
        about = {"library": "rtvi-plugins"}
        data = {} if self.version is None else {"version": self.version, "about": about}
        self.bot_ready = await self.request(ClientType.CLIENT_READY, data)
        return self.bot_ready

    async def _ask_either(self, type_: str, data: Any = None) -> Any:
        return await (self.request(type_, data or {}) if self.version is None else self.ask(type_, data))

    async def describe_config(self) -> list[dict[str, Any]]:
        """Give the services and their options."""
        return (await self._ask_either(ClientType.DESCRIBE_CONFIG))["config"]  # type: ignore[no-any-return]

    async def describe_actions(self) -> list[dict[str, Any]]:
        """Give the actions."""
        return (await self._ask_either(ClientType.DESCRIBE_ACTIONS))["actions"]  # type: ignore[no-any-return]

    async def describe_bot(self) -> dict[str, Any]:
        """Give everything the bot offers (`describe-bot`, an addition of this package)."""
        return await self._ask_either(ClientType.DESCRIBE_BOT)  # type: ignore[no-any-return]

    async def get_config(self) -> Config:
        """Give the current values."""
        return _as_config(await self._ask_either(ClientType.GET_CONFIG))

    async def update_config(self, values: Config, *, interrupt: bool = False) -> Config:
        """Change values, all or nothing; gives the configuration after it."""
        entries = [
            {"service": service, "options": [{"name": name, "value": value} for name, value in options.items()]}
            for service, options in values.items()
        ]
        data = {"config": entries, "interrupt": interrupt}
        return _as_config(await self._ask_either(ClientType.UPDATE_CONFIG, data))

    async def action(
        self, service: str, action: str, arguments: Mapping[str, Any] | None = None, *, detach: bool = False
    ) -> Any:
        """Run an action and give its result; with `detach`, a job goes on when this client leaves."""
        listed = [{"name": name, "value": value} for name, value in (arguments or {}).items()]
        data: dict[str, Any] = {"service": service, "action": action, "arguments": listed}
        if detach:
            data["detach"] = True
        return (await self._ask_either(ClientType.ACTION, data))["result"]

    async def call(self, name: str, /, **arguments: Any) -> Any:
        """Run the action `service.action` and give its result."""
        service, _, action = name.partition(".")
        return await self.action(service, action, arguments)

    async def send_text(self, content: str, **options: bool) -> str:
        """Say something to the bot and give its whole answer. Raises RequestError, TimeoutError, ConnectionError."""
        before = len(self.received)
        stopped = asyncio.ensure_future(self.next(ServerType.BOT_LLM_STOPPED))
        refused = asyncio.ensure_future(self.request(ClientType.SEND_TEXT, {"content": content, "options": options}))
        try:
            await asyncio.wait((stopped, refused), return_when=asyncio.FIRST_COMPLETED)
            if refused.done():  # nothing answers a text but a refusal
                await refused
            await stopped
        finally:
            for waiting in (stopped, refused):
                waiting.cancel()
            await asyncio.gather(stopped, refused, return_exceptions=True)
        told = self.received[before:]
        return "".join(m["data"]["text"] for m in told if m["type"] == ServerType.BOT_LLM_TEXT)


def _as_config(data: Mapping[str, Any]) -> Config:
    return {entry["service"]: {o["name"]: o["value"] for o in entry["options"]} for entry in data["config"]}
