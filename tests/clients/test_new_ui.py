"""The page and the bot: events, snapshots and commands, custom messages, changes, context, the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from .pages import Client, NewClient, Request, check_refusal, to_wire

if TYPE_CHECKING:
    from .conftest import NewPage
    from .harness import Bot


@pytest.fixture
def client(new_page: NewPage, whole: Bot) -> Client:
    page = new_page(NewClient)
    page.ask(page.start(whole))
    return page


def short(name: str, /, **data: object) -> Request:
    return Request("sendClientRequest", (name, data))


def eventually(client: Client, request: Request, fits: Callable[[Any], bool]) -> Any:
    """Ask until the answer fits: what the page sent before has no answer to wait for."""
    until = time.monotonic() + 120
    while not fits(answer := client.ask(request)):
        assert time.monotonic() < until, answer
    return answer


# -- events -----------------------------------------------------------------------------------------------------------


def test_a_declared_event_reaches_its_handler_which_answers_by_command(client: Client) -> None:
    client.ask(Request("sendUIEvent", ("room_clicked", {"room": "spa"})))
    assert client.event("onUICommand") == {"command": "show_map", "payload": {"room": "spa"}}
    assert client.ask(short("desk.heard")) == [
        ["RTVIUIEventFrame", {"event": "room_clicked", "payload": {"room": "spa"}}],
        ["room_clicked", {"room": "spa"}],
    ]
    assert client.events("onMessageError") == []


@pytest.mark.parametrize("payload", [{"room": 7}, {}, None, "spa"], ids=repr)
def test_an_event_that_is_not_as_declared_is_refused(client: Client, payload: object) -> None:
    client.ask(Request("sendUIEvent", ("room_clicked", payload)))
    told = client.event("onMessageError")["data"]
    assert told["error"].startswith("Invalid payload for room_clicked")
    assert told["code"] == "invalid-message"
    assert client.ask(short("desk.heard")) == []


def test_an_undeclared_event_reaches_the_application(client: Client) -> None:
    payload = {"x": 1.5, "keys": ["shift", None]}
    client.ask(Request("sendUIEvent", ("dragged", payload)))
    client.ask(Request("sendUIEvent", ("closed",)))
    assert client.ask(short("desk.heard")) == [
        ["RTVIUIEventFrame", {"event": "dragged", "payload": payload}],
        ["RTVIUIEventFrame", {"event": "closed", "payload": None}],
    ]
    assert client.events("onMessageError", "onUICommand") == []


def test_a_handler_may_refuse_an_event(client: Client) -> None:
    client.ask(Request("sendUIEvent", ("trap", "refuse")))
    assert client.event("onMessageError")["data"] == {"error": "Not here", "code": "not-here", "category": "action"}


# -- snapshots --------------------------------------------------------------------------------------------------------


def test_the_newest_snapshot_of_the_page_is_kept(client: Client) -> None:
    assert client.ask(short("desk.snapshot")) is None
    client.ask(Request("show", ("<h1>Rooms</h1><button>Book the <b>spa</b></button>",)))
    client.ask(Request("startUISnapshotStream", ({"debounceMs": 10},)))
    first = eventually(client, short("desk.snapshot"), lambda tree: "Rooms" in str(tree))
    assert first["root"]["role"] == "generic"
    assert "Book the spa" in str(first)
    client.ask(Request("show", ("<h1>Thanks</h1><input value='3'>",)))
    second = eventually(client, short("desk.snapshot"), lambda tree: "Thanks" in str(tree))
    assert "Rooms" not in str(second)
    assert second["captured_at"] > first["captured_at"]
    heard = client.ask(short("desk.heard"))
    assert {kind for kind, _ in heard} == {"RTVIUISnapshotFrame"}
    assert heard[-1][1]["tree"] == second
    client.ask(Request("stopUISnapshotStream"))
    assert client.events("onMessageError") == []


def test_a_snapshot_may_come_before_the_handshake(new_page: NewPage, whole: Bot) -> None:
    """The client keeps the newest until it may send, and then sends it before `client-ready`."""
    page = new_page(NewClient)
    connecting = page.start(whole)
    page.ask(Request("show", ("<h1>Early</h1>",)))
    page.ask(Request("startUISnapshotStream", ({"debounceMs": 0},)))
    page.ask(Request("snooze", (50,)))
    page.ask(connecting)
    eventually(page, short("desk.snapshot"), lambda tree: "Early" in str(tree))
    assert page.events("onMessageError") == []


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("toast", {"title": "Ready", "subtitle": None, "duration_ms": 1500}),
        ("navigate", {"view": "rooms", "params": {"floor": 2}}),
        ("scroll_to", {"ref": "e4", "behavior": "smooth"}),
        ("highlight", {"target_id": "spa", "duration_ms": None}),
        ("focus", {"ref": "e1"}),
        ("click", {"ref": "e1", "target_id": None}),
        ("set_input_value", {"ref": "e2", "value": "", "replace": False}),
        ("select_text", {"ref": "e2", "start_offset": 0, "end_offset": 4}),
        ("show_map", {"room": "12"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_commands_arrive_as_they_were_sent(client: Client, name: str, payload: dict[str, object]) -> None:
    client.ask(short("desk.command", name=name, payload=payload))
    assert client.event("onUICommand") == {"command": name, "payload": payload}


@pytest.mark.parametrize(
    ("name", "payload", "text"),
    [
        pytest.param("toast", {}, "title", id="standard-incomplete"),
        pytest.param("toast", {"title": "x", "duration_ms": "1 s"}, "duration_ms", id="standard-wrong-type"),
        pytest.param("show_map", {"room": 12}, "room", id="declared-wrong-type"),
        pytest.param("show_map", None, "room", id="declared-without-payload"),
        pytest.param("show_mpa", {}, "did you mean 'show_map'?", id="unknown"),
    ],
)
def test_commands_that_do_not_fit_are_never_sent(client: Client, name: str, payload: object, text: str) -> None:
    assert text in str(client.outcome(short("desk.command", name=name, payload=payload)).error)
    assert client.events("onUICommand") == []


# -- messages, changes, context ---------------------------------------------------------------------------------------


def test_custom_messages_are_answered(client: Client) -> None:
    data = {"items": [1, None, "x"]}
    for name in ("echo", "answer-directly", "answer-by-frame"):
        assert client.ask(Request("sendClientRequest", (name, data))) == data
    assert client.ask(Request("sendClientRequest", ("answer-directly", 0))) == 0
    assert client.ask(Request("sendClientRequest", ("answer-by-frame",))) is None
    assert client.refused(Request("sendClientRequest", ("refuse-by-frame", {}))) == "No tea today"
    assert "Invalid data for echo" in client.refused(Request("sendClientRequest", ("echo", 7)))


def test_what_nobody_answers_is_refused_in_time(client: Client) -> None:
    outcome = client.outcome(Request("sendClientRequest", ("make-tea", {"sugar": 2})))
    check_refusal(outcome)
    assert outcome.error == "Nobody answered message 'make-tea'"
    client.ask(Request("sendClientMessage", ("make-coffee", None)))
    assert "make-coffee" in client.event("onMessageError", having="make-coffee")["data"]["error"]
    heard = client.ask(short("desk.heard"))
    assert heard == [["make-tea", {"sugar": 2}], ["make-coffee", None]]


def test_hears_of_changes_that_the_bot_makes(client: Client) -> None:
    client.ask(short("desk.set_option", name="sign", value="closed"))
    assert client.event("onServerMessage") == {
        "type": "config-changed",
        "config": to_wire({"desk": {"sign": "closed"}}),
    }
    client.ask(short("desk.set_option", name="pin", value="a secret nobody hears"))
    client.ask(short("desk.set_option", name="hours", value={"mon": "9-17"}))
    assert client.outcome(short("desk.set_option", name="sign", value="ajar")).error
    assert client.outcome(short("desk.set_option", name="sign", value="back soon")).error
    client.ask(client.update_config({"desk": {"sign": "open"}}))
    assert len(client.events("onServerMessage")) == 1
    assert client.ask(client.get_config()) == {"desk": {"sign": "open"}}


def test_server_messages_carry_any_value(client: Client) -> None:
    values: list[object] = [0, False, "", [], {"a": None}, "text"]
    for value in values:
        client.ask(short("desk.push", data=value))
    assert client.events("onServerMessage") == values


def test_adds_to_the_context(client: Client) -> None:
    note = {"role": "system", "content": "Be kind."}
    client.ask(Request("appendToContext", (note,)))
    assert client.ask(short("llm.get_context"))["messages"] == [note]
    client.ask(Request("appendToContext", ({"role": "user", "content": "Hello", "run_immediately": True},)))
    client.event("onBotLlmStopped")
    assert client.events("onBotLlmText") == [{"text": "That makes 2 messages."}]
    assert [message["role"] for message in client.ask(short("llm.get_context"))["messages"]] == [
        "system",
        "user",
        "assistant",
    ]


def test_keys_and_files_are_refused_clearly(client: Client) -> None:
    client.ask(Request("sendDTMF", ("12#",)))
    assert client.event("onMessageError", having="dtmf")["data"]["error"] == "This bot does not take dtmf"
    assert client.ask(short("desk.add", a=1)) == 2


def test_dismisses_the_bot_and_comes_back(client: Client, whole: Bot) -> None:
    client.ask(Request("sendUIEvent", ("closed",)))
    client.ask(Request("disconnectBot"))
    client.event("onDisconnected")
    client.ask(client.start(whole))
    assert client.ask(short("desk.heard")) == []
