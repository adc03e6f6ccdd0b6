"""Functions and context with the legacy client's `LLMHelper`, and its actions without a connection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from .pages import Client, LegacyClient, Request, to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import NewPage
    from .harness import Bot

HERE = {"lat": 60.2, "lon": 24.9}
HELLO = {"role": "user", "content": "Hello"}


@pytest.fixture
def page(new_page: NewPage) -> Client:
    return new_page(LegacyClient)


@pytest.fixture
def client(page: Client, whole: Bot) -> Client:
    page.ask(page.start(whole))
    return page


def llm(method: str, *args: object) -> Request:
    return Request("llm", (method, *args))


def executes(client: Client, **told: object) -> None:
    """Have the page execute functions: `returns=value`, `throws="text"`, or nothing."""
    client.ask(Request("answerFunctions", (told,)))


def call(client: Client, name: str, **arguments: object) -> Request:
    return client.action("desk", "call", name=name, arguments=arguments)


# -- functions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result"),
    [
        pytest.param("get_location", HERE, id="object"),
        pytest.param("how_many", 0, id="zero"),
        pytest.param("is_open", False, id="false"),
        pytest.param("tags", [], id="empty-array"),
        pytest.param("name", "", id="empty-text"),
        pytest.param("anything", None, id="null"),
    ],
)
def test_executes_a_function_once_and_gives_its_result(client: Client, name: str, result: object) -> None:
    executes(client, returns=result)
    assert client.ask(call(client, name)) == result
    (told,) = client.events("onLLMFunctionCall")
    assert told.keys() == {"function_name", "tool_call_id", "args"}
    assert client.events(f"function:{name}") == [{"functionName": name, "arguments": told["args"]}]
    # Of newer messages it hears nothing: they would end in its generic callback.
    assert client.events("onGenericMessage", "onLLMFunctionCallStart", "onMessageError") == []


def test_serves_the_original_api(client: Client) -> None:
    executes(client, returns=HERE)
    given = {"name": "get_location", "tool_call_id": "call_7", "arguments": {"accuracy": "fine"}}
    assert client.ask(client.action("desk", "handle", **given)) == HERE
    assert client.events("onLLMFunctionCall") == [
        {"function_name": "get_location", "tool_call_id": "call_7", "args": {"accuracy": "fine"}}
    ]


def test_a_handler_that_gives_nothing_is_told_so_at_once(client: Client) -> None:
    """This client answers without a result, which the declaration rules out."""
    executes(client)
    outcome = client.outcome(call(client, "how_many"))
    assert "Invalid result of how_many" in str(outcome.error)
    assert outcome.ms < 2000
    assert client.ask(call(client, "anything")) is None


def test_gives_up_on_a_handler_that_throws(client: Client) -> None:
    client.may_trip = True  # the client does not catch it
    executes(client, throws="out of order")
    outcome = client.outcome(call(client, "dawdle"))
    assert outcome.error == "The client did not answer dawdle within 0.4 s"
    assert client.ask(client.action("desk", "add", a=1)) == 2


# -- the helper's actions ---------------------------------------------------------------------------------------------


def test_the_helper_reads_and_changes_the_context(client: Client) -> None:
    assert client.ask(llm("getContext")) == {"messages": [], "tools": []}
    assert client.ask(llm("setContext", {"messages": [HELLO]}, True)) is True
    assert client.ask(llm("appendToMessages", {"role": "assistant", "content": "Moi"})) is True
    client.ask(llm("run", True))
    assert client.event("onServerMessage") == {"type": "ran", "interrupt": True}
    messages = client.ask(llm("getContext"))["messages"]
    assert messages == [HELLO, {"role": "assistant", "content": "Moi"}]
    assert "role" in client.refused(llm("setContext", {"messages": [{"content": "who says?"}]}))
    assert client.ask(llm("getContext"))["messages"] == messages


def test_hears_of_changes_that_the_bot_makes(client: Client) -> None:
    client.ask(client.action("desk", "set_option", name="sign", value="closed"))
    assert client.event("onServerMessage") == {
        "type": "config-changed",
        "config": to_wire({"desk": {"sign": "closed"}}),
    }


# -- without a connection ---------------------------------------------------------------------------------------------


@pytest.fixture(params=[pytest.param({}, id="json"), pytest.param({"accept": "text/event-stream"}, id="event-stream")])
def apart(request: pytest.FixtureRequest, page: Client, whole: Bot) -> Client:
    """A page whose client is not connected, for each form of answer."""
    headers: Mapping[str, Any] = request.param
    page.open(params={"baseUrl": whole.http}, headers=headers)
    return page


@pytest.mark.standalone("there is no `/action` on Pipecat's runner: each session has a pipeline")
def test_acts_without_a_connection(apart: Client) -> None:
    assert apart.ask(apart.action("desk", "add", a=2, b=3)) == 5
    outcomes = apart.together([apart.action("desk", "add", a=number) for number in range(10)])
    assert [outcome.value for outcome in outcomes] == list(range(1, 11))
    assert apart.state != "ready"


@pytest.mark.standalone("there is no `/action` on Pipecat's runner: each session has a pipeline")
def test_is_refused_without_a_connection(apart: Client) -> None:
    apart.may_trip = True  # the client rejects a promise of its own that nobody sees
    assert re.search(r"\ba\b.*(missing|required)", apart.refused(apart.action("desk", "add")))
    assert "desk:ad not registered" in apart.refused(apart.action("desk", "ad", a=1))
    assert "Timed out" in apart.refused(apart.action("desk", "later"))


@pytest.mark.standalone("there is no `/action` on Pipecat's runner: each session has a pipeline")
def test_every_action_without_a_connection_is_a_session_of_its_own(apart: Client) -> None:
    for _ in range(2):
        assert apart.ask(apart.action("desk", "count", key="once"))["runs"] == 1


@pytest.mark.standalone("there is no `/action` on Pipecat's runner: each session has a pipeline")
def test_hears_what_an_action_sends_beside_its_answer(page: Client, whole: Bot) -> None:
    """Only the stream has room for that; plain JSON is the answer alone."""
    page.open(params={"baseUrl": whole.http}, headers={"accept": "text/event-stream"})
    page.ask(page.action("desk", "push", data={"kind": "news"}))
    assert page.event("onServerMessage") == {"kind": "news"}
