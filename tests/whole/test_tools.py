"""What an LLM may call: actions with `tool: true` and functions, by one declaration."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import ActionError

from .harness import IN_PROGRESS, STOPPED, raised, session, whole

THEIRS = ["get_location", "how_many", "is_open", "tags", "name", "anything", "dawdle"]


async def test_tools_are_declared_once_for_everybody() -> None:
    async with session() as client:
        tools = {tool.name: tool for tool in client.processor.tools}
        assert list(tools) == ["desk_add", "desk_break_down", *THEIRS]
        described = {(a["service"], a["action"]): a for a in await client.describe_actions()}
        add = tools["desk_add"]
        assert add.description == "Adds two numbers."
        assert add.action == ("desk", "add")
        assert add.parameters == described["desk", "add"]["schema"]
        assert add.parameters is whole().actions["desk", "add"].arguments.document
        location = tools["get_location"]
        assert location.action is None
        assert location.parameters["properties"]["accuracy"]["enum"] == ["coarse", "fine"]
        assert location.parameters["additionalProperties"] is False


async def test_an_action_runs_here_and_the_client_is_not_told_its_name() -> None:
    async with session() as client:
        assert await client.processor.call_tool("desk_add", {"a": 2}, "call_1") == 3
        told = [m for m in client.received if m["type"].startswith("llm-")]
        assert [m["type"] for m in told] == ["llm-function-call-started", IN_PROGRESS, STOPPED]
        assert [m.get("data") for m in told] == [
            {},
            {"tool_call_id": "call_1"},
            {"tool_call_id": "call_1", "cancelled": False},
        ]


@pytest.mark.parametrize("version", [None, "1.0.0", "1.1.0"])
async def test_clients_that_know_only_their_own_functions_hear_nothing_of_actions(version: str | None) -> None:
    async with session(version=version) as client:
        assert await client.processor.call_tool("desk_add", {"a": 2}, "call_1") == 3
        assert client.told("llm-") == []


async def test_a_function_is_executed_by_the_client_under_the_llms_id() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_tool("how_many", {}, "call_9"))
        assert (await client.waiting_call())["tool_call_id"] == "call_9"
        await client.give("call_9", "how_many", 4)
        assert await calling == 4


@pytest.mark.parametrize(
    ("name", "arguments", "code", "text"),
    [
        pytest.param("desk_sub", {}, "unknown-call", "There is no tool 'desk_sub'", id="unknown"),
        pytest.param("desk_ad", {"a": 1}, "unknown-call", "did you mean 'desk_add'?", id="misspelt"),
        pytest.param("desk_count", {"key": "x"}, "unknown-call", "no tool", id="action-that-is-no-tool"),
        pytest.param("desk_add", {"a": "1"}, "invalid-arguments", "a:", id="wrong-type"),
        pytest.param("desk_add", {}, "invalid-arguments", "a", id="missing"),
        pytest.param("desk_add", {"a": 1, "c": 2}, "invalid-arguments", "c", id="unknown-argument"),
        pytest.param("get_location", {"accuracy": 1}, "invalid-arguments", "accuracy:", id="of-a-function"),
        pytest.param("desk_break_down", {}, "out-of-order", "Out of order", id="refused-by-its-handler"),
    ],
)
async def test_a_tool_that_cannot_run_says_why(name: str, arguments: dict[str, Any], code: str, text: str) -> None:
    async with session() as client:
        error = await raised(client.processor.call_tool(name, arguments, "call_1"))
        assert isinstance(error, ActionError)
        assert error.code == code
        assert text in error.text
        begun, ended = client.data(IN_PROGRESS), client.data(STOPPED)
        assert len(begun) == len(ended)
        assert all(stopped["cancelled"] for stopped in ended)


async def test_a_cancelled_tool_is_told_as_such() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_tool("anything", {}, "call_1"))
        await client.waiting_call()
        calling.cancel()
        assert isinstance(await raised(calling), asyncio.CancelledError)
        assert client.data(STOPPED)[0]["cancelled"] is True
