"""A client connected to a running bot: the testing client, carried by the `websockets` library.

Imports the HTTP and WebSocket clients: only commands that talk to a bot import this, when they do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from rtvi_plugins.cli.target import Target
from rtvi_plugins.cli.values import read_start
from rtvi_plugins.errors import Category
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, Message, ServerType
from rtvi_plugins.server import codec
from rtvi_plugins.testing.client import Client, RequestError

T = TypeVar("T")

_NO_START: Final[Mapping[str, str]] = MappingProxyType({})

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""The most that a manifest may set as `max_message_bytes`."""
MAX_DEPTH: Final = 500
"""The most that a manifest may set as `max_depth`."""
MAX_NODES: Final = 16 * 1024 * 1024
"""The most that a manifest may set as `max_nodes`."""
TEXT_AFTER_S: Final = 5.0
"""Seconds after which a bot that does not answer to Pipecat's frames is taken for one that speaks bare JSON."""


class UnreachableError(Exception):
    """The bot cannot be reached, or went away; says why."""


def _nothing(_client: Client, _message: Message) -> None:
    """Look at no message."""


@asynccontextmanager
async def connected(
    target: Target,
    *,
    token: str | None = None,
    timeout_s: float = 60.0,
    legacy: bool = False,
    start: Mapping[str, str] = _NO_START,
    on_message: Callable[[Client, Message], None] = _nothing,
) -> AsyncIterator[Client]:
    """Connect and do the handshake; gives the client.

    timeout_s:  how long connecting, and each request, may take.
    start:      start data: name → its value as text, read as the bot describes it. Only where the bot is asked first.
    on_message: sees every message of the bot as it comes.
    Raises UnreachableError, also where the bot goes away or is too slow inside the block; RequestError; BadValueError.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = await _start(target, headers, timeout_s, start) if target.must_start else target.url
    socket = await _open(url, headers, timeout_s, is_direct=target.is_loopback)

    carrier = _Carrier(socket)
    client = Client(carrier.send, version=None if legacy else "2.1.0", timeout=timeout_s)
    reading = asyncio.create_task(_read(carrier, client, on_message))
    try:
        await unless_told(client, _ready(client, carrier))
        yield client
    except TimeoutError:
        raise UnreachableError(f"no answer from {url} within {timeout_s:g} s") from None
    except ConnectionError:
        said = _last_error(client)
        raise UnreachableError(f"{url} closed the connection{f': {said}' if said else ''}") from None
    except (AttributeError, KeyError, TypeError) as error:
        # What the client reads of an answer is there in every answer of an RTVI bot.
        raise UnreachableError(f"{url} does not answer as RTVI bots do") from error
    finally:
        await socket.close()
        await reading


class _Carrier:
    """A connection on which messages travel in the form that the bot speaks.

    Pipecat's frames at first, which every bot on Pipecat reads, and bare JSON once the bot has spoken it.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._is_binary = True
        self._last: Message = {}

    async def send(self, message: Message) -> None:
        """Write one message; where the connection is gone, whoever waits for an answer is told by `Client.close`."""
        self._last = message
        text = wire.encode(message)
        with contextlib.suppress(WebSocketException):
            await self.socket.send(codec.write_binary(text) if self._is_binary else text.decode())

    def read(self, data: str | bytes) -> Message | None:
        """Read what the bot sent; None for media. Raises InvalidJSONError."""
        self._is_binary = isinstance(data, bytes)
        found = (
            codec.read_binary(data, MAX_DEPTH, MAX_NODES)
            if isinstance(data, bytes)
            else wire.decode(data, MAX_DEPTH, MAX_NODES)
        )
        return found if isinstance(found, dict) else None

    async def repeat_as_text(self) -> None:
        """Send the last message again, as bare JSON."""
        self._is_binary = False
        await self.send(self._last)


async def _ready(client: Client, carrier: _Carrier) -> None:
    """Do the handshake; a bot that does not answer to Pipecat's frames is asked again in bare JSON."""
    asked = asyncio.ensure_future(client.ready())
    try:
        done, _ = await asyncio.wait({asked}, timeout=TEXT_AFTER_S)
        if not done:
            await carrier.repeat_as_text()
        await asked
    finally:
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def _open(url: str, headers: Mapping[str, str], timeout_s: float, *, is_direct: bool) -> ClientConnection:
    try:
        return await connect(
            url,
            additional_headers=headers,
            open_timeout=timeout_s,
            close_timeout=2,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            proxy=None if is_direct else True,
        )
    except TimeoutError:
        raise UnreachableError(f"cannot connect to {url}: no answer within {timeout_s:g} s") from None
    except InvalidHandshake as error:
        raise UnreachableError(f"cannot connect to {url}: {_refusal(error)}") from None
    except (OSError, InvalidURI, WebSocketException) as error:
        raise UnreachableError(f"cannot connect to {url}: {_reason(error)}") from None


async def _read(carrier: _Carrier, client: Client, on_message: Callable[[Client, Message], None]) -> None:
    """Hand over what the bot sends, until the connection ends or what comes is no JSON."""
    try:
        async for data in carrier.socket:
            message = carrier.read(data)
            if message and message.get("label") == LABEL and isinstance(message.get("type"), str):
                client.receive(message)
                on_message(client, message)
    except (WebSocketException, wire.InvalidJSONError):
        pass  # whoever waits for an answer is told so now
    finally:
        client.close()


async def unless_told(client: Client, doing: Coroutine[Any, Any, T], show: Callable[[str], None] | None = None) -> T:
    """Wait for something, but not where the bot says by an `error` event that it could not read what was sent.

    show: is given the text of other errors that come meanwhile, other than of those that end the session.
    Raises RequestError with what the bot said, and whatever `doing` raises.
    """
    seen = len(client.received)
    task = asyncio.ensure_future(doing)
    try:
        while not task.done():
            told = asyncio.ensure_future(client.next(ServerType.ERROR))
            await asyncio.wait((task, told), return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            new, seen = client.received[seen:], len(client.received)
            for data in (m.get("data") for m in new if m["type"] == ServerType.ERROR):
                if not isinstance(data, dict) or data.get("fatal"):
                    continue
                # Bots of other makes name no category; theirs tells of a request, too.
                if not task.done() and data.get("category", Category.PROTOCOL) == Category.PROTOCOL:
                    raise RequestError(data)
                if show is not None:
                    show(str(data.get("error", "")))
        return await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _last_error(client: Client) -> str:
    errors = [message for message in client.received if message["type"] == ServerType.ERROR]
    data = errors[-1].get("data") if errors else None
    return str(data.get("error", "")) if isinstance(data, dict) else ""


async def _start(target: Target, headers: Mapping[str, str], timeout_s: float, start: Mapping[str, str]) -> str:
    """Ask the bot by `POST /start` where to connect. Raises RequestError when it does not take the start data."""
    parts = urlsplit(target.url)
    url = urlunsplit(parts._replace(path=f"{parts.path}/start"))
    try:
        async with httpx.AsyncClient(headers=headers, timeout=timeout_s, trust_env=not target.is_loopback) as http:
            sent: dict[str, Any] = {"body": read_start(await _description(http, parts), start)} if start else {}
            answer = await http.post(url, json=sent)
            if not answer.is_error and not _socket_url(answer, parts):  # a stock bot thinks of WebRTC first
                answer = await http.post(url, json=sent | {"transport": "websocket"})
            body = _json(answer)
            if answer.status_code == httpx.codes.NOT_FOUND:
                index = urlunsplit(parts._replace(path="/"))
                here = _json(await http.get(index, headers={"accept": "application/json"}))
                raise UnreachableError(f"no bot at {target.url}{_bots_listed(here)}")
    except httpx.TimeoutException:
        raise UnreachableError(f"cannot connect to {url}: no answer within {timeout_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(f"cannot connect to {url}: {_reason(error)}") from None
    if answer.is_error and body.get("code") == Code.INVALID_START:
        raise RequestError(body)
    if answer.is_error:
        raise UnreachableError(f"cannot connect to {url}: {_status(answer.status_code, body)}")
    found = _socket_url(answer, parts)
    if not found:
        raise UnreachableError(f"{url} did not say where to connect")
    return found


def _socket_url(answer: Any, asked: SplitResult) -> str:
    """Return where a start sends its client, empty where it does not say.

    Pipecat's runner takes every host but `localhost` for one behind TLS, and gives a token beside the address.
    """
    body = _json(answer)
    found = next((body[key] for key in ("ws_url", "wsUrl", "url") if isinstance(body.get(key), str)), "")
    parts = urlsplit(found)
    if parts.scheme == "wss" and asked.scheme == "http" and parts.netloc == asked.netloc:
        parts = parts._replace(scheme="ws")
    if found and "wsUrl" in body and "ws_url" not in body and isinstance(body.get("token"), str):
        parts = parts._replace(path=f"{parts.path}/{body['token']}")
    return urlunsplit(parts)


async def _description(http: httpx.AsyncClient, bot: SplitResult) -> Mapping[str, Any]:
    """Give what a bot says of itself to those who ask, where it does."""
    url = urlunsplit(bot._replace(path=f"{bot.path}/"))
    bots = _json(await http.get(url, headers={"accept": "application/json"})).get("bots")
    listed = bots if isinstance(bots, list) else []
    return next((one for one in listed if isinstance(one, dict)), {}) if len(listed) == 1 else {}


def _json(answer: Any) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _bots_listed(index: dict[str, Any]) -> str:
    bots = index.get("bots")
    names = [str(bot.get("bot")) for bot in bots if isinstance(bot, dict)] if isinstance(bots, list) else []
    return f"; it serves {', '.join(f'/bots/{name}/' for name in names)}" if names else ""


def _refusal(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is None:
        return _reason(error)
    try:
        body = wire.decode(bytes(response.body or b""))
    except wire.InvalidJSONError:
        body = {}
    return _status(response.status_code, body if isinstance(body, dict) else {})


def _status(code: int, body: Mapping[str, Any]) -> str:
    said = body.get("error")
    return f"{said} (HTTP {code})" if isinstance(said, str) and said else f"HTTP {code}"


def _reason(error: BaseException) -> str:
    """Say why there is no connection; libraries wrap the operating system's reason."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return "connection refused; is the bot running?"
        seen = seen.__cause__ or seen.__context__
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
