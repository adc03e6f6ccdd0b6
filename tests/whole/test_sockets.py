"""Functions, events and leaving over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from .harness import RESULT, dial, serving

pytestmark = pytest.mark.standalone("the standalone server itself")

FORMS = pytest.mark.parametrize("is_binary", [False, True], ids=["json", "protobuf"])


@FORMS
@pytest.mark.parametrize("version", [None, "1.1.0", "1.2.0", "2.1.0"])
async def test_functions_and_events_go_both_ways(version: str | None, is_binary: bool) -> None:
    async with serving() as (address, _), dial(address, version=version, is_binary=is_binary) as client:
        calling = asyncio.create_task(client.call("desk.call", name="is_open"))
        told = await client.waiting_call()
        await client.give(told["tool_call_id"], "is_open", result=False)
        assert await calling is False
        assert len(client.told("llm-function-call")) == (3 if version in ("1.2.0", "2.1.0") else 1)
        await client.send("ui-event", {"event": "dragged", "payload": None})
        await client.send("ui-snapshot", {"tree": {"root": {"ref": "e1", "role": "generic"}}})
        assert await client.call("desk.snapshot") == {"root": {"ref": "e1", "role": "generic"}}
        assert [kind for kind, _ in await client.call("desk.heard")] == ["RTVIUIEventFrame", "RTVIUISnapshotFrame"]


@FORMS
async def test_a_client_that_vanishes_ends_its_calls(is_binary: bool) -> None:
    async with serving() as (address, host), dial(address) as other:
        async with dial(address, is_binary=is_binary) as client:
            before = len(asyncio.all_tasks())
            calling = [asyncio.create_task(client.call("desk.call", name="anything")) for _ in range(5)]
            await client.waiting_call()
            (processor,) = (c.processor for c in host.connections if c.processor._calls)
            endpoints = set(host._endpoints)
            client.socket.transport.abort()
            for task in calling:
                with pytest.raises(ConnectionError):
                    await task
        await asyncio.wait(endpoints, timeout=120, return_when=asyncio.FIRST_COMPLETED)
        assert [connection.processor for connection in host.connections] != [processor]
        assert len(host.connections) == 1
        assert not processor._calls
        assert not processor._running
        assert len(asyncio.all_tasks()) < before
        assert await other.call("desk.add", a=1) == 2


async def test_a_result_for_another_session_is_unknown() -> None:
    async with serving() as (address, _), dial(address) as client, dial(address) as other:
        calling = asyncio.create_task(client.call("desk.call", name="anything"))
        told = await client.waiting_call()
        forged = {"function_name": "anything", "tool_call_id": told["tool_call_id"], "result": "forged"}
        assert (await other.refused(RESULT, forged)).code == "unknown-call"
        await client.give(told["tool_call_id"], "anything", "mine")
        assert await calling == "mine"


async def test_dismissing_the_bot_closes_the_connection() -> None:
    async with serving() as (address, _), dial(address) as client:
        await client.send("disconnect-bot")
        await asyncio.wait_for(client.socket.wait_closed(), 5)
        assert client.socket.close_code == 1000
