"""Functions the client executes: announced by generation, checked, delivered once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import ActionError

from .harness import IN_PROGRESS, RESULT, STOPPED, Talk, function, made, raised, session

HERE = {"lat": 60.2, "lon": 24.9}
OBSERVED = ["llm-function-call-started", IN_PROGRESS, STOPPED]
LEGACY = ["llm-function-call"]


async def execute(client: Talk, result: Any) -> Any:
    """Answer the next call as a client does; gives what it was asked with."""
    told = await client.waiting_call()
    await client.give(told["tool_call_id"], told["function_name"], result)
    return told


# -- what the client is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "messages"),
    [
        (None, LEGACY),
        ("0.1", LEGACY),
        ("0.3.0", LEGACY),
        ("1.0.0", LEGACY),
        ("1.1.0", LEGACY),
        ("1.2.0", OBSERVED),
        ("1.4.0", OBSERVED),
        ("2.1.0", OBSERVED),
        ("2.2.0", OBSERVED),
    ],
)
async def test_each_generation_is_told_in_its_own_way_and_in_no_other(version: str | None, messages: list[str]) -> None:
    async with session(version=version) as client:
        calling = asyncio.create_task(client.processor.call_function("get_location", {"accuracy": "fine"}))
        told = await execute(client, HERE)
        assert await calling == HERE
        await client.settle()
        assert client.told("llm-function-call") == messages
        assert told["function_name"] == "get_location"
        assert told["args" if messages is LEGACY else "arguments"] == {"accuracy": "fine"}
        for message in client.received:
            assert not message["type"].startswith("llm-") or "id" not in message
        if messages is OBSERVED:
            assert client.data(STOPPED) == [
                {
                    "tool_call_id": told["tool_call_id"],
                    "function_name": "get_location",
                    "cancelled": False,
                    "result": HERE,
                }
            ]


async def test_the_end_is_told_in_the_way_of_the_beginning() -> None:
    """A call may begin before the client has said what it speaks."""
    async with session(ready=False) as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        told = (await client.next("llm-function-call"))["data"]
        await client.ready()
        await client.give(told["tool_call_id"], "anything", 1)
        assert await calling == 1
        await client.settle()
        assert client.told("llm-") == LEGACY


# -- results ----------------------------------------------------------------------------------------------------------

ANY: list[Any] = [0, 1, -2.5, True, False, "", "text", [], [0, None], {}, {"a": {"b": None}}, None]


@pytest.mark.parametrize("version", [None, "2.1.0"], ids=["legacy", "new"])
@pytest.mark.parametrize("result", ANY, ids=repr)
async def test_any_json_value_is_a_result_where_the_declaration_allows_it(version: str | None, result: Any) -> None:
    async with session(version=version) as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        await execute(client, result)
        assert await calling == result
        if version:
            assert client.data(STOPPED)[0]["result"] == result


@pytest.mark.parametrize(
    ("name", "result", "text"),
    [
        ("how_many", "12", "expected integer"),
        ("how_many", 1.5, "expected integer"),
        ("how_many", True, "expected integer"),
        ("how_many", None, "expected integer"),
        ("is_open", 0, "expected"),
        ("tags", ["a", 1], "tags: 1: expected string"),
        ("get_location", {"lat": 1}, "lon"),
        ("get_location", [], "expected object"),
    ],
)
async def test_a_result_that_is_not_declared_is_refused_to_both_sides(name: str, result: Any, text: str) -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function(name))
        told = await client.waiting_call()
        id_ = await client.give(told["tool_call_id"], name, result)
        error = await raised(calling)
        assert isinstance(error, ActionError)
        assert error.text.startswith(f"Invalid result of {name}: ")
        assert text in error.text
        (answer,) = client.answers(id_)
        assert answer["type"] == "error-response"
        assert answer["data"]["code"] == "invalid-result"
        assert answer["data"]["category"] == "function-call"
        assert client.data(STOPPED)[0]["cancelled"] is True
        assert "result" not in client.data(STOPPED)[0]


async def test_a_missing_result_counts_as_null() -> None:
    """What a legacy client sends when its handler gave nothing."""
    async with session(version=None) as client:
        data = {"function_name": "anything", "arguments": {}}
        calling = asyncio.create_task(client.processor.call_function("anything"))
        await client.send(RESULT, data | {"tool_call_id": (await client.waiting_call())["tool_call_id"]})
        assert await calling is None


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        pytest.param(None, "invalid-message", "tool_call_id", id="no-data"),
        pytest.param({}, "invalid-message", "tool_call_id", id="no-id"),
        pytest.param({"tool_call_id": 7}, "invalid-message", "tool_call_id", id="id-not-text"),
        pytest.param({"tool_call_id": "x"}, "unknown-call", "No function call 'x'", id="unknown-id"),
        pytest.param({"tool_call_id": "x" * 5000}, "unknown-call", "No function call", id="long-id"),
        pytest.param({"function_name": "tags"}, "unknown-call", "is one of anything", id="other-function"),
        pytest.param({"function_name": None}, "unknown-call", "is one of anything", id="name-not-text"),
    ],
)
async def test_a_result_that_nobody_waits_for_is_refused(data: Any, code: str, text: str) -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        told = await client.waiting_call()
        if data and "tool_call_id" not in data:
            data = {"tool_call_id": told["tool_call_id"], "result": 1} | data
        refusal = await client.refused(RESULT, data)
        assert refusal.code == code
        assert text in refusal.text
        assert len(refusal.text) < 300
        await client.give(told["tool_call_id"], "anything", "the true one")
        assert await calling == "the true one"


async def test_a_second_result_is_refused_and_changes_nothing() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        told = await execute(client, "first")
        assert await calling == "first"
        again = {"function_name": "anything", "tool_call_id": told["tool_call_id"], "result": "second"}
        assert (await client.refused(RESULT, again)).code == "unknown-call"
        assert len(client.data(STOPPED)) == 1


# -- calls that cannot begin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "code", "text"),
    [
        pytest.param("get_lcoation", {}, "unknown-call", "did you mean 'get_location'?", id="unknown"),
        pytest.param("get_location", {"accuracy": 1}, "invalid-arguments", "accuracy:", id="wrong-type"),
        pytest.param("get_location", {"room": 1}, "invalid-arguments", "room", id="unknown-argument"),
    ],
)
async def test_what_is_not_declared_is_never_announced(
    name: str, arguments: dict[str, Any], code: str, text: str
) -> None:
    async with session() as client:
        error = await raised(client.processor.call_function(name, arguments))
        assert isinstance(error, ActionError)
        assert error.code == code
        assert text in error.text
        assert client.told("llm-") == []


async def test_one_id_waits_once() -> None:
    async with session() as client:
        outcomes: list[Any] = []
        for _ in range(2):
            await client.processor.handle_function_call("anything", "call_1", {}, result_callback=outcomes.append)
        assert outcomes == [{"error": "Function call call_1 is already waiting"}]
        assert client.told(IN_PROGRESS) == [IN_PROGRESS]
        await client.give("call_1", "anything", 5)
        await client.settle()
        assert outcomes[1:] == [5]


async def test_calls_are_bounded() -> None:
    processor = made(function("anything"), max_actions=3)
    async with session(processor) as client:
        waiting = [asyncio.create_task(processor.call_function("anything")) for _ in range(3)]
        await client.waiting_call()
        assert len(processor._calls or {}) == 3
        error = await raised(processor.call_function("anything"))
        assert isinstance(error, ActionError)
        assert error.code == "busy"
    for task in waiting:
        assert isinstance(await raised(task), ActionError)


async def test_arguments_that_are_not_json_end_the_call_at_once() -> None:
    async with session() as client:
        outcomes: list[Any] = []
        await client.processor.handle_function_call(
            "dance", "call_1", {"with": {1, 2}}, result_callback=outcomes.append
        )
        assert outcomes == [{"error": "The arguments for dance are not JSON"}]
        assert client.told("llm-") == ["llm-function-call-started", STOPPED]
