"""Functions in the new client: its handlers execute them once, and their results come back to whoever called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .pages import Client, NewClient, Request

if TYPE_CHECKING:
    from .conftest import NewPage
    from .harness import Bot

HERE = {"lat": 60.2, "lon": 24.9}


@pytest.fixture
def client(new_page: NewPage, whole: Bot) -> Client:
    page = new_page(NewClient)
    page.ask(page.start(whole))
    return page


def short(name: str, /, **data: object) -> Request:
    return Request("sendClientRequest", (name, data))


def executes(client: Client, name: str, **told: object) -> None:
    """Have the page execute a function: `returns=value`, `throws="text"`, or nothing."""
    client.ask(Request("answerFunction", (name, told)))


def call(name: str, **arguments: object) -> Request:
    """Have the bot call a function of the client."""
    return short("desk.call", name=name, arguments=arguments)


def stages(client: Client, *, after: int = 0) -> list[tuple[str, Any]]:
    """The callbacks that observe function calls, in order."""
    recorded = client._evaluate("after => window.rtvi.events.slice(after)", after)
    return [(event["name"], event["data"]) for event in recorded if event["name"].startswith("onLLMFunctionCall")]


def test_executes_a_function_once_and_gives_its_result(client: Client) -> None:
    executes(client, "get_location", returns=HERE)
    assert client.ask(call("get_location", accuracy="fine")) == HERE
    assert client.events("function:get_location") == [
        {"functionName": "get_location", "arguments": {"accuracy": "fine"}}
    ]
    observed = stages(client)
    assert [name for name, _ in observed] == [
        "onLLMFunctionCallStarted",
        "onLLMFunctionCallInProgress",
        "onLLMFunctionCallStopped",
    ]
    started, in_progress, stopped = (data for _, data in observed)
    assert started == {"function_name": "get_location"}
    assert in_progress["arguments"] == {"accuracy": "fine"}
    assert stopped == {
        "tool_call_id": in_progress["tool_call_id"],
        "function_name": "get_location",
        "cancelled": False,
        "result": HERE,
    }
    assert client.events("onMessageError", "onError") == []


def test_fills_in_the_defaults_of_arguments(client: Client) -> None:
    executes(client, "get_location", returns=HERE)
    client.ask(call("get_location"))
    assert client.events("function:get_location")[0]["arguments"] == {"accuracy": "coarse"}


@pytest.mark.parametrize(
    ("name", "result"),
    [
        pytest.param("how_many", 0, id="zero"),
        pytest.param("how_many", 12, id="integer"),
        pytest.param("is_open", False, id="false"),
        pytest.param("is_open", True, id="true"),
        pytest.param("tags", [], id="empty-array"),
        pytest.param("tags", ["a", "b"], id="array"),
        pytest.param("name", "", id="empty-text"),
        pytest.param("name", "Bruno", id="text"),
        pytest.param("anything", 2.5, id="undeclared-number"),
        pytest.param("anything", {"nested": [None, {"deep": False}]}, id="undeclared-object"),
    ],
)
def test_gives_back_any_result_that_is_declared(client: Client, name: str, result: object) -> None:
    executes(client, name, returns=result)
    assert client.ask(call(name)) == result
    assert stages(client)[-1][1]["result"] == result
    assert len(client.events(f"function:{name}")) == 1


def test_refuses_a_result_that_is_not_declared(client: Client) -> None:
    executes(client, "how_many", returns="a dozen")
    outcome = client.outcome(call("how_many"))
    assert outcome.error is not None
    assert "Invalid result of how_many" in outcome.error
    assert outcome.data["code"] == "invalid-result"
    # Whoever called hears of it, and so does the client whose result it was.
    errors = [error["data"]["category"] for error in client.events("onMessageError")]
    assert sorted(errors) == ["action", "function-call"]
    assert stages(client)[-1][1]["cancelled"] is True
    executes(client, "how_many", returns=12)
    assert client.ask(call("how_many")) == 12


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({}, id="undefined"),
        pytest.param({"throws": "out of order"}, id="throws"),
        pytest.param(None, id="no-handler"),
    ],
)
def test_gives_up_on_a_handler_that_sends_nothing(client: Client, told: dict[str, str] | None) -> None:
    """The client says nothing when its handler gives nothing, fails, or is not there: the time-out ends the call."""
    if told is not None:
        executes(client, "dawdle", **told)
    outcome = client.outcome(call("dawdle"))
    assert outcome.error == "The client did not answer dawdle within 0.4 s"
    assert outcome.data["code"] == "timeout"
    assert stages(client)[-1][1] == {
        "tool_call_id": stages(client)[1][1]["tool_call_id"],
        "function_name": "dawdle",
        "cancelled": True,
    }
    assert len(client.events("function:dawdle")) == (told is not None)
    assert client.ask(short("desk.add", a=2)) == 3


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        pytest.param(call("get_lcoation"), "unknown-call", "did you mean 'get_location'?", id="unknown"),
        pytest.param(call("get_location", accuracy="exact"), "invalid-arguments", "accuracy", id="bad-argument"),
        pytest.param(call("get_location", room=7), "invalid-arguments", "room", id="unknown-argument"),
    ],
)
def test_never_asks_the_client_for_what_is_not_declared(
    client: Client, request_: Request, code: str, text: str
) -> None:
    executes(client, "get_location", returns=HERE)
    outcome = client.outcome(request_)
    assert text in str(outcome.error)
    assert outcome.data["code"] == code
    assert stages(client) == []
    assert client.events("function:get_location") == []


def test_executes_many_at_once_each_with_its_own_result(client: Client) -> None:
    for name, result in {"how_many": 3, "is_open": False, "tags": ["x"], "name": "Alba"}.items():
        executes(client, name, returns=result)
    names = ["how_many", "is_open", "tags", "name"] * 5
    outcomes = client.together([call(name) for name in names])
    assert [outcome.value for outcome in outcomes] == [3, False, ["x"], "Alba"] * 5
    for name in set(names):
        assert len(client.events(f"function:{name}")) == 5


def test_serves_the_original_api(client: Client) -> None:
    executes(client, "how_many", returns=0)
    assert client.ask(short("desk.handle", name="how_many", tool_call_id="call_1")) == 0
    assert client.ask(short("desk.handle", name="how_many", tool_call_id="call_1", is_async=False)) == 0
    assert [data["tool_call_id"] for name, data in stages(client) if name == "onLLMFunctionCallInProgress"] == [
        "call_1",
        "call_1",
    ]
    executes(client, "dance", returns="as the manifest knows nothing of it, anything goes")
    assert client.ask(short("desk.handle", name="dance", tool_call_id="call_2", arguments={"steps": 3})) == (
        "as the manifest knows nothing of it, anything goes"
    )
    assert client.events("function:dance") == [{"functionName": "dance", "arguments": {"steps": 3}}]
    outcome = client.ask(short("desk.handle", name="dawdle", tool_call_id="call_3"))
    assert outcome == {"error": "The client did not answer dawdle within 0.4 s"}


def test_tools_of_the_bot_are_never_executed_by_the_client(client: Client) -> None:
    """The client would run a handler of that name for any call that it is told the name of."""
    executes(client, "desk_add", returns=1000)
    executes(client, "get_location", returns=HERE)
    assert client.ask(short("desk.use_tool", name="desk_add", arguments={"a": 2, "b": 3})) == 5
    told = {"tool_call_id": "call_desk_add"}
    assert [data for _, data in stages(client)] == [{}, told, told | {"cancelled": False}]
    assert client.events("function:desk_add") == []
    assert client.ask(short("desk.use_tool", name="get_location")) == HERE
    outcome = client.outcome(short("desk.use_tool", name="desk_break_down"))
    assert (outcome.error, outcome.data["code"]) == ("Out of order", "out-of-order")
    assert stages(client)[-1][1]["cancelled"] is True


def test_leaves_while_a_function_waits(client: Client, new_page: NewPage, whole: Bot) -> None:
    """`run_bot` checks the other side: nothing there may trip over it."""
    executes(client, "anything")
    client._evaluate("() => void window.rtvi.call('sendClientRequest', ['desk.call', {name: 'anything'}])")
    client.event("onLLMFunctionCallInProgress")
    client.ask(client.disconnect())
    other = new_page(NewClient)
    other.ask(other.start(whole))
    assert other.ask(short("desk.add", a=1)) == 2
