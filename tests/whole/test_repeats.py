"""Actions with an `idempotency_key` run once; a repeat gets the first answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins.processor.repeats import MAX_KEPT, MAX_WAITING
from rtvi_plugins.testing.client import RequestError

from .harness import Talk, session


async def count(client: Talk, key: Any, *, given: Any = "list", **arguments: Any) -> Any:
    """Call `desk.count` in the client's dialect; `given`: arguments as RTVI's `list`, or as `object`."""
    arguments = {"key": "k"} | arguments
    listed = [{"name": name, "value": value} for name, value in arguments.items()]
    data = {"service": "desk", "action": "count", "arguments": listed if given == "list" else arguments}
    data |= {} if key is None else {"idempotency_key": key}
    return (await client._ask_either("action", data))["result"]


async def runs(client: Talk, key: str = "k") -> int:
    """How often it has run: the count of a run of its own, not counting that."""
    result: int = (await client.call("desk.count", key=key))["runs"] - 1
    return result


DIALECTS = pytest.mark.parametrize("version", [None, "2.1.0"], ids=["legacy", "client-message"])


@DIALECTS
async def test_a_repeat_after_success_is_answered_from_the_first(version: str | None) -> None:
    async with session(version=version) as client:
        first = await count(client, "a", value=[1, None])
        assert first == {"runs": 1, "value": [1, None]}
        for given in ("list", "object"):
            assert await count(client, "a", value=[1, None], given=given) == first
        assert await count(client, "b") == {"runs": 2, "value": None}
        assert await count(client, None) == {"runs": 3, "value": None}


@DIALECTS
async def test_a_repeat_after_failure_fails_alike(version: str | None) -> None:
    async with session(version=version) as client:
        refusals = []
        for _ in range(3):
            with pytest.raises(RequestError) as caught:
                await count(client, "a", fail=True)
            refusals.append((caught.value.text, caught.value.code))
        assert refusals == [("Failed for the 1. time", "failed-on-purpose")] * 3
        assert await runs(client) == 1


@DIALECTS
async def test_repeats_while_it_runs_wait_for_it(version: str | None) -> None:
    async with session(version=version) as client:
        asking = [asyncio.create_task(count(client, "a", wait=True)) for _ in range(5)]
        await client.settle()
        await client.call("desk.open", key="k")
        assert await asyncio.gather(*asking) == [{"runs": 1, "value": None}] * 5


@DIALECTS
async def test_a_key_stands_for_one_call(version: str | None) -> None:
    async with session(version=version) as client:
        await count(client, "a", value=1)
        for value in (2, True, 1.5, [1], None):
            with pytest.raises(RequestError, match="used for another call"):
                await count(client, "a", value=value)
        await count(client, "b", value={"x": [True]})
        with pytest.raises(RequestError, match="used for another call"):
            await count(client, "b", value={"x": [1]})
        assert (await count(client, "b", value={"x": [True]}))["runs"] == 2
        assert (await count(client, "a", value=1))["runs"] == 1


async def test_a_call_that_never_began_may_be_tried_again() -> None:
    async with session() as client:
        with pytest.raises(RequestError, match="fail"):
            await count(client, "a", fail="yes")
        assert (await count(client, "a"))["runs"] == 1


async def test_sessions_have_keys_of_their_own() -> None:
    async with session() as one, session() as other:
        assert (await count(one, "a"))["runs"] == 1
        assert (await count(other, "a"))["runs"] == 1


@pytest.mark.parametrize("key", ["", "x" * 201, 7, True, [], {}], ids=lambda key: repr(key)[:10])
async def test_what_is_no_key_is_refused(key: Any) -> None:
    async with session() as client:
        with pytest.raises(RequestError, match="idempotency_key"):
            await count(client, key)
        assert await runs(client) == 0


async def test_answers_are_kept_within_a_bound() -> None:
    async with session() as client:
        for number in range(MAX_KEPT + 1):
            await count(client, f"key{number}")
        assert len(client.processor._attempts or {}) == MAX_KEPT
        assert (await count(client, f"key{MAX_KEPT}"))["runs"] == MAX_KEPT + 1
        assert (await count(client, "key0"))["runs"] == MAX_KEPT + 2


async def test_waiting_repeats_are_bounded() -> None:
    async with session() as client:
        asking = [asyncio.create_task(count(client, "a", wait=True)) for _ in range(MAX_WAITING + 2)]
        await client.settle()
        await client.call("desk.open", key="k")
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert [getattr(outcome, "code", "fine") for outcome in outcomes] == ["fine"] * (MAX_WAITING + 1) + ["busy"]


async def test_a_message_id_is_no_key() -> None:
    async with session() as client:
        data = {"service": "desk", "action": "count", "arguments": {"key": "k"}}
        for _ in range(3):
            await client.send("action", data, "always-the-same")
        await client.settle()
        assert [m["data"]["result"]["runs"] for m in client.answers("always-the-same")] == [1, 2, 3]


async def test_what_still_runs_when_the_client_leaves_is_forgotten() -> None:
    async with session() as client:
        for _ in range(3):
            data = {"service": "desk", "action": "count", "arguments": {"key": "k", "wait": True}}
            await client.send("action", data | {"idempotency_key": "a"})
        await client.settle()
