"""A client has to come in, and then to be heard of; what counts as that, and what becomes of others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rtvi_plugins.processor.patience import CLOSE, IDLE, LIMITS, NOT_READY
from tests.processor.conftest import action, quick, session

LIMIT_S = 1.0

pytestmark = pytest.mark.slow


async def ended(client: Any) -> str:
    """Wait for the end of a session, and give its reason; the test's own time limit ends it."""
    while client.processor._end_reason is None:
        await asyncio.sleep(0.01)
    return str(client.processor._end_reason)


@pytest.mark.parametrize("reason", LIMITS)
async def test_who_does_not_is_told_and_let_go(reason: str) -> None:
    async with session(quick(**{LIMITS[reason]: 0.05})(), ready=reason == IDLE) as client:
        told = next((m for m in client.received if m["type"] == "error"), None) or await client.next("error")
        assert (told["data"]["code"], told["data"]["fatal"], told["data"]["category"]) == (reason, True, "protocol")
        assert told["data"]["error"] == CLOSE[reason][1].capitalize()
        assert await ended(client) == reason


async def _client_ready(client: Any) -> None:
    await client.ready()


async def _said_by_the_application(client: Any) -> None:
    await client.processor.set_client_ready()


async def _message_to_a_bot_that_is_ready(client: Any) -> None:
    await client.processor.set_bot_ready()
    assert await client.get_config() == {}


async def _sound(client: Any) -> None:
    client.processor.note_sound()


COMING: list[Callable[[Any], Awaitable[None]]] = [
    _client_ready, _said_by_the_application, _message_to_a_bot_that_is_ready, _sound,
]  # fmt: skip


@pytest.mark.parametrize("come", COMING, ids=lambda come: come.__name__[1:])
async def test_ways_to_come_in(come: Callable[[Any], Awaitable[None]]) -> None:
    async with session(quick(client_ready_timeout=LIMIT_S)(), ready=False) as client:
        await come(client)
        await asyncio.sleep(2 * LIMIT_S)
        assert client.processor._end_reason is None
        await client.ready()
        assert await client.get_config() == {}


async def test_no_ways_to_come_in() -> None:
    async with session(quick(client_ready_timeout=LIMIT_S)(), ready=False) as client:
        waiting = asyncio.create_task(client.get_config())  # it waits for the bot, which waits for the client
        await client.send_raw({"label": "rtvi-ai", "type": "client-ready", "id": 5, "data": {}})
        await client.send_raw({"label": "other", "type": "client-ready", "id": "1", "data": {}})
        assert await ended(client) == NOT_READY
        waiting.cancel()


async def test_a_bot_that_is_ready_still_needs_somebody_to_talk_to() -> None:
    async with session(quick(client_ready_timeout=LIMIT_S)(), ready=False) as client:
        await client.processor.set_bot_ready()
        assert await ended(client) == NOT_READY


async def test_whoever_is_waited_for_is_not_idle() -> None:
    done: list[Any] = []

    async def work(processor: Any, service: str, arguments: Any) -> Any:
        await asyncio.sleep(3 * LIMIT_S)
        done.append(processor._end_reason)
        return True

    rtvi = quick(idle_timeout=LIMIT_S)()
    rtvi.register_action(action("s.work", work, result="bool"))
    async with session(rtvi) as client:
        assert await client.call("s.work") is True
        assert done == [None]
        assert await ended(client) == IDLE


async def test_a_job_keeps_its_session() -> None:
    rtvi = quick(idle_timeout=LIMIT_S)()
    async with session(rtvi) as client:
        finish = asyncio.Event()

        async def work(job: Any) -> None:
            await finish.wait()

        group = client.processor.job_group(workers={"one": work})
        await asyncio.sleep(3 * LIMIT_S)
        assert client.processor._end_reason is None
        finish.set()
        await group
        assert await ended(client) == IDLE


async def test_without_such_limits_nobody_is_let_go() -> None:
    """As with every processor that was made by hand."""
    rtvi = quick()()
    assert not LIMITS.values() & rtvi.limits.keys()
    async with session(rtvi, ready=False) as client:
        await asyncio.sleep(0.1)
        assert client.processor._end_reason is None
