"""Functions and tools of a real LLM service: announced, executed at the client or here, delivered, ended once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pipecat.processors.frameworks.rtvi import RTVIFunctionCallReportLevel as Level
from pipecat.processors.frameworks.rtvi import RTVIObserver as StockObserver
from pipecat.processors.frameworks.rtvi import RTVIObserverParams
from pipecat.processors.frameworks.rtvi.frames import RTVIConfigureObserverFrame
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.llm import OpenAILLMService

from rtvi_plugins import Session
from rtvi_plugins.pipecat import RTVIProcessor, processor_for
from rtvi_plugins.testing import RequestError
from tests.pipecat.fake_llm import Call
from tests.pipecat.talking import Talk, talking
from tests.whole.harness import whole

STARTED = "llm-function-call-started"
IN_PROGRESS = "llm-function-call-in-progress"
STOPPED = "llm-function-call-stopped"
PLACE = {"lat": 59.9, "lon": 10.7}


def locate(arguments: str = '{"accuracy": "fine"}', id: str = "call_1") -> list[Call]:  # noqa: A002
    return [Call("get_location", arguments, id)]


async def announced(client: Talk, text: str = "where am I?") -> dict[str, Any]:
    """Say something and wait until the client is asked to execute a function; gives the data of what asks."""
    type_ = IN_PROGRESS if client.version and client.version >= "1.2" else "llm-function-call"
    asked = asyncio.create_task(client.next(type_))
    await asyncio.sleep(0)
    await client.send("send-text", {"content": text})
    data: dict[str, Any] = (await asked)["data"]
    return data


async def answered(client: Talk) -> str:
    """Wait for the LLM's whole answer to come after a tool's result."""
    await client.next("bot-llm-stopped")
    return "".join(m["data"]["text"] for m in client.of("bot-llm-text"))


# -- the round trip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_hand", [True, False], ids=["by-hand", "rtvi_processor"])
@pytest.mark.parametrize("version", ["1.2.0", "2.1.0", "2.2.0"])
async def test_a_function_goes_to_the_client_and_its_result_to_the_llm(version: str, by_hand: bool) -> None:
    async with talking(locate(), "You are in Oslo.", version=version, by_hand=by_hand) as client:
        asked = await announced(client)
        assert asked == {"tool_call_id": "call_1", "function_name": "get_location", "arguments": {"accuracy": "fine"}}
        await client.settle()  # nobody else tells of it meanwhile
        done = asyncio.create_task(answered(client))
        await client.give("call_1", "get_location", PLACE)
        assert json.loads((await client.llm.results(1))["call_1"]) == PLACE
        assert await done == "You are in Oslo."
        await client.settle()
        end = {"tool_call_id": "call_1", "cancelled": False, "function_name": "get_location", "result": PLACE}
        assert client.told() == [(STARTED, {"function_name": "get_location"}), (IN_PROGRESS, asked), (STOPPED, end)]
        assert len(client.llm.requests) == 2


@pytest.mark.parametrize("version", [None, "1.0.0", "1.1.0"])
async def test_older_clients_are_asked_in_their_way(version: str | None) -> None:
    async with talking(locate(), "You are in Oslo.", version=version) as client:
        asked = await announced(client)
        assert asked == {"function_name": "get_location", "tool_call_id": "call_1", "args": {"accuracy": "fine"}}
        await client.give("call_1", "get_location", PLACE)
        assert json.loads((await client.llm.results(1))["call_1"]) == PLACE
        await client.settle()
        assert client.told() == [("llm-function-call", asked)]


async def test_the_llm_is_told_of_the_tools_with_whole_schemas() -> None:
    async with talking("Hello.") as client:
        await client.send_text("hi")
        (request,) = client.llm.requests
        tools = {tool["function"]["name"]: tool["function"] for tool in request["tools"]}
        assert list(tools) == [tool.name for tool in client.processor.tools]
        location = tools["get_location"]
        assert location["description"] == "Where the guest is standing."
        assert location["parameters"]["properties"]["accuracy"]["enum"] == ["coarse", "fine"]
        assert location["parameters"]["additionalProperties"] is False
        assert tools["desk_add"]["parameters"]["required"] == ["a"]
        assert "$ref" not in json.dumps(request["tools"])


async def test_two_calls_at_once() -> None:
    script = [Call("get_location", "{}", "call_1"), Call("how_many", "{}", "call_2")]
    async with talking(script, "Done.") as client:
        await announced(client)
        await client.settle()
        assert [data["tool_call_id"] for type_, data in client.told() if type_ == IN_PROGRESS] == ["call_1", "call_2"]
        await client.give("call_2", "how_many", 0)
        await client.give("call_1", "get_location", PLACE)
        results = await client.llm.results(1)
        assert {id_: json.loads(text) for id_, text in results.items()} == {"call_1": PLACE, "call_2": {"result": 0}}
        await client.settle()
        ends = [data for type_, data in client.told() if type_ == STOPPED]
        assert [(end["tool_call_id"], end["cancelled"]) for end in ends] == [("call_2", False), ("call_1", False)]
        assert len(client.llm.requests) == 2


FALSY = {
    "zero": ("how_many", 0),
    "false": ("is_open", False),
    "empty": ("tags", []),
    "no-text": ("name", ""),
    "null": ("anything", None),
}


@pytest.mark.parametrize("is_own", [False, True], ids=["declared", "handed-over"])
@pytest.mark.parametrize(("name", "value"), FALSY.values(), ids=FALSY)
async def test_results_that_pipecat_takes_for_none(name: str, value: Any, is_own: bool) -> None:
    """The client hears the value as it is; the LLM is told of it and goes on."""

    def prepare(rtvi: RTVIProcessor, service: OpenAILLMService) -> Any:
        if not is_own:
            return rtvi.register_tools(service)
        service.register_function(name, rtvi.handle_function_call)
        return None

    async with talking([Call(name)], "Fine.", prepare=prepare) as client:
        await announced(client)
        await client.give("call_1", name, value)
        assert json.loads((await client.llm.results(1))["call_1"]) == {"result": value}
        await client.settle()
        (end,) = [data for type_, data in client.told() if type_ == STOPPED]
        assert (end["cancelled"], end["result"]) == (False, value)


# -- the bot's own tools ----------------------------------------------------------------------------------------------


async def test_a_tool_of_the_bot_runs_here_and_is_told_without_its_name() -> None:
    async with talking([Call("desk_add", '{"a": 2, "b": 40}')], "It is 42.") as client:
        assert await client.send_text("add") in ("", "It is 42.")
        assert await client.llm.results(1) == {"call_1": "42"}
        await client.settle()
        assert client.told() == [
            (STARTED, {}),
            (IN_PROGRESS, {"tool_call_id": "call_1"}),
            (STOPPED, {"tool_call_id": "call_1", "cancelled": False}),
        ]


REFUSED = {
    "wrong-arguments": (Call("desk_add", '{"a": "two"}'), "Invalid arguments for desk.add: a: expected integer"),
    "missing-argument": (Call("desk_add", "{}"), "a: missing"),
    "failing": (Call("desk_break_down", "{}"), "Out of order"),
    "wrong-arguments-of-a-function": (Call("get_location", '{"accuracy": 3}'), "Invalid arguments for get_location"),
    "unknown-argument": (Call("get_location", '{"acuracy": "fine"}'), "did you mean 'accuracy'"),
}


@pytest.mark.parametrize(("call", "text"), REFUSED.values(), ids=REFUSED)
async def test_what_goes_wrong_is_told_to_the_llm(call: Call, text: str) -> None:
    async with talking([call], "Sorry.") as client:
        await client.send("send-text", {"content": "go on"})
        assert text in json.loads((await client.llm.results(1))["call_1"])["error"]
        await client.settle()
        ends = [data for type_, data in client.told() if type_ == STOPPED]
        assert [end["cancelled"] for end in ends] == [True] * len(ends)
        assert client.of("error") == []


async def test_an_unknown_tool_is_pipecats_business() -> None:
    async with talking([Call("make_tea", "{}")], "Sorry.") as client:
        await client.send("send-text", {"content": "tea"})
        assert "make_tea" in (await client.llm.results(1))["call_1"]


# -- what clients do wrong --------------------------------------------------------------------------------------------

WRONG = {
    "unknown-id": ({"tool_call_id": "call_9"}, "No function call 'call_9' is waiting"),
    "no-id": ({"tool_call_id": None}, "tool_call_id: expected string"),
    "other-function": ({"function_name": "how_many"}, "Function call 'call_1' is one of get_location"),
}


@pytest.mark.parametrize(("changed", "text"), WRONG.values(), ids=WRONG)
async def test_a_result_for_nobody_is_refused_and_the_call_waits_on(changed: dict[str, Any], text: str) -> None:
    async with talking(locate(), "You are in Oslo.") as client:
        await announced(client)
        data = {"function_name": "get_location", "tool_call_id": "call_1", "arguments": {}, "result": PLACE}
        with pytest.raises(RequestError, match=text):
            await client.request("llm-function-call-result", data | changed)
        assert len(client.llm.requests) == 1
        await client.give("call_1", "get_location", PLACE)
        assert json.loads((await client.llm.results(1))["call_1"]) == PLACE


async def test_a_result_of_the_wrong_kind_ends_the_call() -> None:
    async with talking(locate(), "Sorry.") as client:
        await announced(client)
        data = {"function_name": "get_location", "tool_call_id": "call_1", "arguments": {}, "result": {"lat": "x"}}
        with pytest.raises(RequestError, match="Invalid result of get_location"):
            await client.request("llm-function-call-result", data)
        assert "Invalid result" in json.loads((await client.llm.results(1))["call_1"])["error"]
        with pytest.raises(RequestError, match="No function call"):
            await client.request("llm-function-call-result", data | {"result": PLACE})
        await client.settle()
        assert [data["cancelled"] for type_, data in client.told() if type_ == STOPPED] == [True]


async def test_no_result_in_time() -> None:
    async with talking([Call("dawdle")], "Never mind.") as client:
        await announced(client)
        error = json.loads((await client.llm.results(1))["call_1"])["error"]
        assert error == "The client did not answer dawdle within 0.4 s"
        await client.settle()
        ends = [data for type_, data in client.told() if type_ == STOPPED]
        assert ends == [{"tool_call_id": "call_1", "cancelled": True, "function_name": "dawdle"}]


async def test_an_interruption_cancels_the_call() -> None:
    async with talking(locate(), "What is it?") as client:
        await announced(client)
        ended = asyncio.create_task(client.next(STOPPED))
        await asyncio.sleep(0)
        await client.send("send-text", {"content": "stop, something else"})
        assert (await ended)["data"] == {"tool_call_id": "call_1", "cancelled": True, "function_name": "get_location"}
        request = await client.llm.request(1)
        assert request["messages"][-1]["content"] == "stop, something else"
        late = {"function_name": "get_location", "tool_call_id": "call_1", "arguments": {}, "result": PLACE}
        with pytest.raises(RequestError, match="No function call 'call_1' is waiting"):
            await client.request("llm-function-call-result", late)
        await client.settle()
        assert len([type_ for type_, _ in client.told() if type_ == STOPPED]) == 1
        assert len(client.llm.requests) == 2


async def test_the_client_leaves_meanwhile() -> None:
    async with talking(locate()) as client:
        await announced(client)
    assert not client.processor._calls
    assert not client.processor._workers


# -- functions the application registered itself ----------------------------------------------------------------------


async def through_params(rtvi: RTVIProcessor, params: FunctionCallParams) -> None:
    await rtvi.handle_function_call(params)


async def through_keywords(rtvi: RTVIProcessor, params: FunctionCallParams) -> None:
    await rtvi.handle_function_call(
        function_name=params.function_name,
        tool_call_id=params.tool_call_id,
        arguments=params.arguments,
        llm=params.llm,
        context=params.context,
        result_callback=params.result_callback,
    )


async def later(rtvi: RTVIProcessor, params: FunctionCallParams) -> None:
    await asyncio.sleep(0.02)
    await through_keywords(rtvi, params)


WAYS = {"params": through_params, "keywords": through_keywords, "later": later}
LEVELS = {
    "default": None,
    "disabled": Level.DISABLED,
    "none": Level.NONE,
    "arguments": Level.ARGUMENTS,
    "full": Level.FULL,
}


def observing(level: Level | None) -> dict[str, Any]:
    if level is None:
        return {}
    return {"rtvi_observer_params": RTVIObserverParams(function_call_report_level={"*": level})}


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_function_of_ones_own_that_hands_the_call_over(way: Any, level: Level | None) -> None:
    """Whatever the observer may tell, the client is asked to execute it once, and hears of one end."""

    def prepare(rtvi: RTVIProcessor, service: OpenAILLMService) -> None:
        async def run(params: FunctionCallParams) -> None:
            await way(rtvi, params)

        service.register_function("look_up", run)

    called = [Call("look_up", '{"x": 1}')]
    async with talking(called, "Fine.", prepare=prepare, **observing(level)) as client:
        await client.send("send-text", {"content": "go on"})
        async with asyncio.timeout(120):
            while not client.processor._calls:
                await asyncio.sleep(0.001)
        await client.settle()
        await client.give("call_1", "look_up", {"y": 2})
        assert json.loads((await client.llm.results(1))["call_1"]) == {"y": 2}
        await client.settle()
        asking = [data for type_, data in client.told() if type_ == IN_PROGRESS and "function_name" in data]
        assert asking == [{"tool_call_id": "call_1", "function_name": "look_up", "arguments": {"x": 1}}]
        assert len([type_ for type_, _ in client.told() if type_ == STARTED]) == 1
        ends = [data for type_, data in client.told() if type_ == STOPPED]
        assert [(end["tool_call_id"], end["cancelled"]) for end in ends] == [("call_1", False)]
        assert [frame.result for frame in client.results] == [{"y": 2}]
        assert len(client.llm.requests) == 2


async def test_a_function_of_ones_own_that_runs_here_is_told_as_the_application_wishes() -> None:
    def prepare(_: RTVIProcessor, service: OpenAILLMService) -> None:
        async def run(params: FunctionCallParams) -> None:
            await params.result_callback({"ok": True})

        service.register_function("own", run)

    async with talking([Call("own")], "Fine.", prepare=prepare, **observing(Level.FULL)) as client:
        await client.send("send-text", {"content": "go on"})
        await client.llm.request(1)
        await client.settle()
        assert client.told() == [
            (STARTED, {"function_name": "own"}),
            (IN_PROGRESS, {"tool_call_id": "call_1", "function_name": "own", "arguments": {}}),
            (STOPPED, {"tool_call_id": "call_1", "cancelled": False, "function_name": "own", "result": {"ok": True}}),
        ]


# -- levels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_live", [False, True], ids=["from-the-start", "RTVIConfigureObserverFrame"])
@pytest.mark.parametrize("level", [Level.DISABLED, Level.NONE, Level.NAME, Level.FULL])
async def test_levels_change_nothing_for_declared_functions(level: Level, is_live: bool) -> None:
    script = [Call("get_location", "{}", "call_1"), Call("own", "{}", "call_2"), Call("desk_add", '{"a": 1}', "call_3")]

    def prepare(rtvi: RTVIProcessor, service: OpenAILLMService) -> Any:
        async def run(params: FunctionCallParams) -> None:
            await params.result_callback("fine")

        service.register_function("own", run)
        return rtvi.register_tools(service)

    async with talking(script, "Fine.", prepare=prepare, **({} if is_live else observing(level))) as client:
        if is_live:
            await client.worker.queue_frame(RTVIConfigureObserverFrame(function_call_report_level={"*": level}))
            await client.settle()
        await announced(client)
        await client.settle()
        await client.give("call_1", "get_location", PLACE)
        await client.llm.request(1)
        await client.settle()
        mine = [(t, d) for t, d in client.told() if d.get("tool_call_id") in ("call_1", "call_3")]
        assert mine == [
            (
                IN_PROGRESS,
                {"tool_call_id": "call_1", "function_name": "get_location", "arguments": {"accuracy": "coarse"}},
            ),
            (IN_PROGRESS, {"tool_call_id": "call_3"}),
            (STOPPED, {"tool_call_id": "call_3", "cancelled": False}),
            (STOPPED, {"tool_call_id": "call_1", "cancelled": False, "function_name": "get_location", "result": PLACE}),
        ]
        own = [(t, d) for t, d in client.told() if d.get("tool_call_id") == "call_2"]
        assert [type_ for type_, _ in own] == ([] if level is Level.DISABLED else [IN_PROGRESS, STOPPED])
        starts = sorted(str(data) for type_, data in client.told() if type_ == STARTED)
        told_of_own = {Level.DISABLED: [], Level.NONE: ["{}"]}.get(level, ["{'function_name': 'own'}"])
        assert starts == sorted(["{'function_name': 'get_location'}", "{}", *told_of_own])


async def test_an_observer_of_pipecats_own_makes_no_client_execute_twice() -> None:
    """An application may add the stock observer itself, which knows nothing of the bot's tools."""
    rtvi = processor_for(whole())(session=Session("memory"))
    params = RTVIObserverParams(function_call_report_level={"*": Level.FULL})
    observers = [StockObserver(rtvi, params=params)]
    async with talking(locate(), "Oslo.", rtvi=rtvi, by_hand=True, observers=observers) as client:
        await announced(client)
        await client.settle()
        await client.give("call_1", "get_location", PLACE)
        await client.llm.request(1)
        await client.settle()
        assert [type_ for type_, _ in client.told()] == [STARTED, IN_PROGRESS, STOPPED]
