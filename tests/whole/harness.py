"""Sessions of the whole bot in memory, and processors with functions of one's own; nothing of them may be left."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import ConnectionClosed

from rtvi_plugins import Bot, Frame, FrameDirection, RTVIProcessor
from rtvi_plugins.processor.message_types import FunctionType
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.versions import LEGACY_VERSION, parse_version
from rtvi_plugins.schema import ArgumentSource, compile_arguments, compile_value
from rtvi_plugins.server import codec
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.run import make_server
from rtvi_plugins.testing import Client, MemoryPort
from rtvi_plugins.testing.client import RequestError
from tests.hosts import connect, make
from tests.pipecat.memory import PipelineClient

CLIENTS = Path(__file__).parent.parent / "clients"
MANIFEST = CLIENTS / "bot_whole.yaml"
PLUGINS = CLIENTS / "plugins"

IN_PROGRESS = "llm-function-call-in-progress"
STOPPED = "llm-function-call-stopped"
RESULT = "llm-function-call-result"


@cache
def whole() -> Bot:
    """Load the bot of the real-client tests, with its plugin found as an installed distribution is."""
    sys.path.insert(0, str(PLUGINS))
    try:
        return Bot.load(MANIFEST)
    finally:
        sys.path.remove(str(PLUGINS))


def function(
    name: str,
    *,
    arguments: Mapping[str, Mapping[str, Any]] | None = None,
    result: Any = True,
    timeout: float = 5.0,
) -> FunctionType:
    """Declare a function: argument → schema (all required), schema of the result, seconds."""
    sources = {key: ArgumentSource(keywords=keywords, required=True) for key, keywords in (arguments or {}).items()}
    return FunctionType(name, compile_arguments(sources, {}), compile_value(result), timeout)


def made(*functions: FunctionType, **limits: float) -> RTVIProcessor:
    """Make a processor with these functions, and limits under the names of `runtime.limits`."""
    base = whole().processor_class
    tables = replace(base.tables, functions=MappingProxyType({f.name: f for f in functions}))
    body = {"tables": tables, "limits": MappingProxyType({**base.limits, **limits}), "__slots__": ()}
    processor: RTVIProcessor = make(type("Made", (base,), body))
    return processor


class Talk(Client):
    """The client that `session` gives, with what is at the other end."""

    processor: RTVIProcessor
    port: MemoryPort
    socket: ClientConnection

    async def waiting_call(self) -> dict[str, Any]:
        """Wait to be asked for a function; gives the data of the message that asks."""
        version = parse_version(self.version) or LEGACY_VERSION
        type_ = IN_PROGRESS if version >= (1, 2) else "llm-function-call"
        data: dict[str, Any] = (await self.next(type_))["data"]
        return data

    async def give(self, tool_call_id: str, name: str, result: Any, **more: Any) -> str:
        """Send the result of a function; gives the id of the message."""
        data = {"function_name": name, "tool_call_id": tool_call_id, "arguments": {}, "result": result}
        return await self.send(RESULT, data | more)

    async def refused(self, type_: str, data: Any = None) -> RequestError:
        """Send what has to be refused; gives the refusal."""
        try:
            answer = await self.request(type_, data)
        except RequestError as error:
            return error
        raise AssertionError(f"{type_} was answered with {answer}")

    async def settle(self) -> None:
        """Wait until the bot has handled everything that was sent so far."""
        await self.describe_config()

    def told(self, prefix: str) -> list[str]:
        """List the types of the messages received so far that begin like this, in order."""
        return [type_ for type_ in self.types() if type_.startswith(prefix)]

    def data(self, type_: str) -> list[Any]:
        """List the data of the messages of a type received so far."""
        return [message.get("data") for message in self.received if message["type"] == type_]

    def answers(self, id_: str) -> list[dict[str, Any]]:
        """Give every message that carries an id."""
        return [message for message in self.received if message.get("id") == id_]


class PipelineTalk(Talk, PipelineClient):
    """The same over a pipeline."""

    async def settle(self) -> None:
        """Wait until the bot has handled everything that was sent so far, and the pipeline told of it."""
        await super().settle()
        await PipelineClient.settle(self)


def assert_idle(processor: RTVIProcessor) -> None:
    """Check that a session that ended left nothing behind."""
    names = ("_running", "_workers", "_turn", "_waiting", "_waiting_timer", "_calls", "_clock")
    left = {name: value for name in names if (value := getattr(processor, name, None))}
    assert left == {}
    assert not processor._unanswered


@asynccontextmanager
async def session(bot: Bot | RTVIProcessor | None = None, **keywords: Any) -> AsyncIterator[Talk]:
    """Open a session of the whole bot, or of a processor, and see that nothing is left of it afterwards."""
    async with connect(whole() if bot is None else bot, **keywords) as client:
        client.__class__ = PipelineTalk if isinstance(client, PipelineClient) else Talk
        assert isinstance(client, Talk)
        yield client
    assert_idle(client.processor)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, BotHost]]:
    """Serve the whole bot on a free port, in this event loop; gives its address and the host behind it."""
    host = BotHost(whole())
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = make_server([host], port=0, on_started=address.set_result)
    running = asyncio.create_task(server.serve())
    try:
        yield await address, host
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def dial(address: str, *, version: str | None = "2.1.0", is_binary: bool = False) -> AsyncIterator[Talk]:
    """Connect a client over a real socket, with JSON text or Pipecat's protobuf frames; `client.socket` is it."""
    async with connect_socket(f"{address.replace('http', 'ws', 1)}/ws", compression=None, proxy=None) as socket:

        async def send(message: Any) -> None:
            text = wire.encode(message)
            await socket.send(codec.write_binary(text) if is_binary else text.decode())

        client = Talk(send, version=version)
        client.socket = socket

        async def read() -> None:
            try:
                async for given in socket:
                    is_frame = isinstance(given, bytes)
                    assert is_frame is is_binary
                    client.receive(wire.decode(codec.Frame.FromString(given).message.data if is_frame else given))
            except ConnectionClosed:
                pass  # without a close frame
            finally:
                client.close()

        reading = asyncio.create_task(read())
        try:
            await client.ready()
            yield client
        finally:
            await socket.close()
            await reading


class Recording:
    """What a session pushed joined with what event handlers heard: what came first."""

    def __init__(self, client: Talk, *events: str) -> None:
        self.order: list[tuple[str, Any]] = []
        port = client.processor.port
        push = port.push_frame

        async def push_frame(frame: Frame, direction: FrameDirection) -> None:
            self.order.append((f"port {direction.name.lower()}", frame))
            await push(frame, direction)

        port.push_frame = push_frame  # type: ignore[method-assign]
        for event in events:
            client.processor.add_event_handler(event, self._noting(event))

    def _noting(self, event: str) -> Any:
        async def note(_processor: RTVIProcessor, frame: Any) -> None:
            self.order.append((event, frame))

        return note


async def raised(awaitable: Any) -> BaseException:
    """Await what has to fail; gives what it raised."""
    try:
        value = await awaitable
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is what was asked for
        return error
    raise AssertionError(f"it gave {value!r}")
