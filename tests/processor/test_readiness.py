"""The handshake by generation, and what waits until the bot is ready."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import RTVIActionArgument, RTVIProcessor
from rtvi_plugins.testing import MemoryPort, RequestError
from tests.hosts import make
from tests.processor.conftest import action, assert_idle, quick, service, session

ALL = {"version", "config", "actions"}
V1 = ALL | {"about"}
V2 = V1 | {"capabilities"}
VERSIONS: dict[str, tuple[Any, str, set[str]]] = {
    "legacy, no data": (None, "0.3.0", ALL),
    "legacy, empty": ({}, "0.3.0", ALL),
    "0.3.0": ({"version": "0.3.0"}, "0.3.0", ALL),
    "0.2": ({"version": "0.2"}, "0.3.0", ALL),
    "1.0.0": ({"version": "1.0.0"}, "1.0.0", V1),
    "1.2.7": ({"version": "1.2.7"}, "1.2.7", V1),
    "2.0.0": ({"version": "2.0.0"}, "2.2.0", V2),
    "2.1.0-beta": ({"version": "2.1.0-beta"}, "2.2.0", V2),
    "2.9.9": ({"version": "2.9.9"}, "2.2.0", V2),
    "3.0.0": ({"version": "3.0.0"}, "2.2.0", V2),
    "not text": ({"version": 2}, "0.3.0", ALL),
    "nonsense": ({"version": "newest"}, "0.3.0", ALL),
    "about is junk": ({"version": "2.1.0", "about": 5}, "2.2.0", V2),
}


@pytest.mark.parametrize(("data", "version", "keys"), VERSIONS.values(), ids=VERSIONS.keys())
async def test_bot_ready(data: Any, version: str, keys: set[str]) -> None:
    rtvi = make()
    rtvi.register_service(service("s", None, o={"type": "number", "default": 1}))
    async with session(rtvi, ready=False) as client:
        id_ = "handshake"
        waiting = asyncio.ensure_future(client.next("bot-ready"))
        await asyncio.sleep(0)
        await client.send("client-ready", data, id_)
        answer = await waiting
        assert answer["id"] == id_
        assert answer["data"]["version"] == version
        assert answer["data"].keys() == keys
        assert answer["data"]["config"] == [{"service": "s", "options": [{"name": "o", "value": 1}]}]
        warned = [m["data"]["error"] for m in client.received if m["type"] == "error-response"]
        assert warned == (
            ["RTVI version 3.0.0 is not compatible with server protocol 2.2.0. Compatibility issues may occur."]
            if data == {"version": "3.0.0"}
            else []
        )


async def test_every_client_ready_gets_its_bot_ready() -> None:
    rtvi = make()
    fired: list[int] = []

    @rtvi.event_handler("on_client_ready")
    async def ready(processor: RTVIProcessor) -> None:
        fired.append(1)
        await processor.set_bot_ready()

    async with session(rtvi) as client:
        await client.ready()
        await client.ready()
        assert [m["id"] for m in client.received if m["type"] == "bot-ready"] == ["c1", "c2", "c3"]
    assert len(fired) == 3


@pytest.mark.standalone("Pipecat's worker has a handler of its own, which goes first: the error comes after it")
async def test_a_handler_that_fails_does_not_keep_the_client_waiting() -> None:
    rtvi = make()

    @rtvi.event_handler("on_client_ready")
    async def ready(processor: RTVIProcessor) -> None:
        raise RuntimeError("private")

    async with session(rtvi) as client:
        assert client.types() == ["error", "bot-ready"]
        assert client.received[0]["data"]["error"] == "The bot failed to prepare"


async def test_set_client_ready_and_plain_handlers() -> None:
    rtvi = make()
    heard: list[str] = []
    rtvi.add_event_handler("on_client_ready", lambda processor: heard.append("plain"))
    await rtvi.set_client_ready()
    assert (heard, rtvi.is_bot_ready) == (["plain"], False)
    await rtvi.set_bot_ready()
    async with session(rtvi) as client:
        assert client.types() == ["bot-ready"]
    assert heard == ["plain", "plain"]


async def test_messages_wait_in_order() -> None:
    begin = asyncio.Event()
    told: list[Any] = []
    rtvi = make()

    @rtvi.event_handler("on_client_ready")
    async def ready(processor: RTVIProcessor) -> None:
        await begin.wait()
        await processor.set_bot_ready()

    async def note(processor: RTVIProcessor, *, n: Any) -> Any:
        told.append(n)
        await asyncio.sleep(0)
        return n

    rtvi.register_action(action("s.note", note, [RTVIActionArgument("n", "number")]))
    async with session(rtvi, ready=False) as client:
        early = [asyncio.create_task(client.call("s.note", n=n)) for n in range(5)]
        await asyncio.sleep(0)
        ready_ = asyncio.create_task(client.ready())
        await asyncio.sleep(0)
        early += [asyncio.create_task(client.call("s.note", n=n)) for n in range(5, 10)]
        await asyncio.sleep(0.01)
        assert (client.received, told) == ([], [])
        begin.set()
        await ready_
        late = [asyncio.create_task(client.call("s.note", n=n)) for n in range(10, 15)]
        assert await asyncio.gather(*early, *late) == list(range(15))
        assert told == list(range(15))
        assert client.types()[0] == "bot-ready"


async def test_waiting_is_bounded() -> None:
    rtvi = quick(max_waiting=3)()
    async with session(rtvi, ready=False) as client:
        asks = [asyncio.create_task(client.get_config()) for _ in range(5)]
        await asyncio.sleep(0.01)
        refused = [m["data"] for m in client.received]
        assert [data["code"] for data in refused] == ["busy", "busy"]
        assert refused[0]["error"] == "The bot is not ready and 3 messages wait already"
        await client.send_raw({"label": "rtvi-ai", "type": "get-config"})
        await asyncio.sleep(0.01)
        assert client.types()[-1] == "error"
        await client.ready()
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert [isinstance(outcome, RequestError) for outcome in outcomes] == [False] * 3 + [True] * 2


async def test_waiting_ends() -> None:
    rtvi = quick(ready_timeout=0.03)()
    async with session(rtvi, ready=False) as client:
        for _ in range(2):
            with pytest.raises(RequestError, match="The bot is not ready") as refused:
                await client.get_config()
            assert refused.value.code == "not-ready"
        await client.ready()
        assert await client.get_config() == {}


async def test_options_for_the_start() -> None:
    """The bot may set them while it prepares; a client's update waits for a bot that is ready, and is late then."""
    rtvi = make()
    rtvi.register_service(service("s", None, o={"type": "number", "default": 1, "mutable": "start"}))

    @rtvi.event_handler("on_client_ready")
    async def ready(processor: RTVIProcessor) -> None:
        await processor.set_option("s", "o", 2)
        await processor.set_bot_ready()

    async with session(rtvi) as client:
        assert await client.get_config() == {"s": {"o": 2}}
        with pytest.raises(RequestError, match="can only be set before the bot is ready"):
            await client.update_config({"s": {"o": 3}})


@pytest.mark.parametrize("ready", [True, False])
async def test_disconnect_bot_ends_the_session(ready: bool) -> None:
    rtvi = make()
    port = MemoryPort(lambda message: None)
    rtvi.attach(port)
    incoming: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(rtvi.run(incoming.get))
    for type_ in ["client-ready"] * ready + ["disconnect-bot"]:
        incoming.put_nowait({"label": "rtvi-ai", "type": type_, "id": "a"})
    async with asyncio.timeout(120):
        assert await running == "ended"
    assert port.is_ended
    assert_idle(rtvi)
