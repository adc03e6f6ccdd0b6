"""Long actions, functions the page executes, commands from the bot and events from the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Open, both_hosts
from tests.console.harness import ConsolePage

pytestmark = pytest.mark.browser


def test_a_job_from_its_beginning_to_its_end(console: ConsolePage) -> None:
    entry = console.call("desk.bake", steps="3")
    entry.get_by_role("link", name="Follow it").click()
    card = console.page.locator(".card.job")
    expect(card.locator(".badge.is-completed")).to_be_visible()
    expect(card.locator(".worker-result")).to_contain_text("cakes: 3")
    expect(card.locator("summary", has_text="updates")).to_have_text("3 updates")
    assert card.get_by_role("button", name="Cancel").count() == 0
    console.button("Clear ended").click()
    console.see("Nothing runs.")


@both_hosts
def test_a_job_shows_its_progress_and_can_be_cancelled(console: ConsolePage) -> None:
    console.view("call", "desk.bake")
    console.page.get_by_label("wait", exact=True).click()
    console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".tabs .count")).to_contain_text("1")
    console.view("jobs")
    card = console.page.locator(".card.job")
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "1")
    expect(card.locator(".worker-now")).to_contain_text('{"step":4,"steps":4}')
    card.get_by_role("button", name="Cancel").click()
    expect(card.locator(".badge.is-cancelled")).to_be_visible()
    expect(console.page.locator(".tabs .count")).to_have_count(0)


def ask(console: ConsolePage, name: str) -> None:
    console.view("call", "desk.ask_page")
    console.page.get_by_label("name", exact=True).fill(name)
    console.page.locator("form button[type=submit]").click()


@both_hosts
def test_a_function_is_answered_by_hand(console: ConsolePage) -> None:
    ask(console, "get_location")
    expect(console.page.locator(".tabs .count")).to_contain_text("1")
    view = console.view("page")
    waiting = view.get_by_label("get_location waits for an answer")
    expect(waiting).to_contain_text('accuracy: "coarse"')
    waiting.get_by_label("lat", exact=True).fill("91")
    expect(waiting.locator(".fault")).to_have_text("must be at most 90")
    waiting.get_by_label("lat", exact=True).fill("52.5")
    waiting.get_by_label("lon", exact=True).fill("13.4")
    console.button("Answer").click()
    expect(waiting).to_have_count(0)
    console.view("call", "desk.ask_page")
    expect(console.page.locator(".history .entry.is-done")).to_contain_text("lat: 52.5")


def test_a_function_is_answered_automatically(console: ConsolePage) -> None:
    view = console.view("page")
    card = view.get_by_label("confirm", exact=True)
    card.get_by_role("button", name=re.compile("^Answer automatically")).click()
    card.get_by_role("switch").click()
    card.get_by_role("button", name="Always answer this").click()
    expect(card).to_contain_text("Answered automatically with true")
    ask(console, "confirm")
    expect(console.page.locator(".history .entry.is-done .result-value")).to_have_text("true")
    console.view("page")
    card.get_by_role("button", name=re.compile("^Answer by hand")).click()
    expect(card).to_contain_text("Answered by hand")


def command(console: ConsolePage, name: str, payload: str) -> None:
    console.view("call", "desk.point")
    console.page.get_by_label("command", exact=True).fill(name)
    console.page.get_by_label("payload, as JSON").fill(payload)
    console.page.locator("form button[type=submit]").click()


@both_hosts
def test_a_toast_is_shown_as_text(console: ConsolePage) -> None:
    command(console, "toast", '{"title": "<b>Tea</b>", "description": "Is ready.", "duration_ms": 60000}')
    toast = console.page.locator(".toast")
    expect(toast.locator(".toast-title")).to_have_text("<b>Tea</b>")
    toast.get_by_role("button", name="dismiss").click()
    expect(toast).to_have_count(0)


def test_a_highlight_is_applied(console: ConsolePage) -> None:
    command(console, "highlight", '{"target_id": "desk.point", "duration_ms": 30000}')
    expect(console.page.locator("[id='desk.point']")).to_have_class("card is-highlighted")
    entry = console.view("page").locator(".entry").first
    expect(entry).to_contain_text("highlighted desk.point")


@pytest.mark.parametrize(
    ("name", "payload", "effect"),
    [
        ("navigate", '{"view": "https://example.org/"}', "this page stays where it is"),
        ("click", '{"target_id": "desk.point"}', "a bot operates no controls here"),
        ("highlight", '{"target_id": "nowhere"}', "there is no such element on this page"),
        ("show_map", '{"room": "blue"}', "shown"),
    ],
)
def test_other_commands_are_noted(console: ConsolePage, name: str, payload: str, effect: str) -> None:
    command(console, name, payload)
    entry = console.view("page").locator(".entry").first
    expect(entry.locator(".entry-name")).to_have_text(name)
    expect(entry).to_contain_text(effect)
    assert console.page.url.startswith(console.address)


def send_event(console: ConsolePage, room: str) -> None:
    card = console.view("page").locator(".event", has_text="room_clicked")
    if card.get_attribute("open") is None:
        card.locator("summary").click()
    card.get_by_label("room", exact=True).select_option(label=room)
    card.get_by_role("button", name="Send").click()


@both_hosts
def test_an_event_is_sent_and_answered_by_a_command(console: ConsolePage) -> None:
    send_event(console, "blue")
    entries = console.page.locator(".entry")
    expect(entries.filter(has_text="show_map")).to_have_count(1)
    expect(entries.filter(has_text="room_clicked")).to_contain_text("UI event, sent")


@both_hosts
def test_a_refused_event_says_why(console: ConsolePage) -> None:
    send_event(console, "green")
    expect(console.page.locator(".entry .fault")).to_have_text("The green room is closed")


def test_an_event_that_nobody_declared(console: ConsolePage) -> None:
    card = console.view("page").locator(".event", has_text="Another event")
    card.locator("summary").click()
    card.get_by_label("name", exact=True).fill("wave")
    card.get_by_label("payload, as JSON").fill("[1]")
    card.get_by_role("button", name="Send").click()
    events = [entry["message"]["data"] for entry in console.wire("ui-event")]
    assert events == [{"event": "wave", "payload": [1]}]


@both_hosts
def test_an_error_nobody_asked_for_is_told(console: ConsolePage) -> None:
    console.call("desk.fail")
    expect(console.page.locator(".notice")).to_contain_text("The kettle is empty")
    expect(console.page.locator(".notice code")).to_have_text("empty-kettle")


@both_hosts
def test_what_ran_is_known_to_be_lost(open_page: Open) -> None:
    console = open_page()
    console.view("call", "desk.bake")
    console.page.get_by_label("wait", exact=True).click()
    console.page.locator("form button[type=submit]").click()
    ask(console, "confirm")
    expect(console.page.locator(".tabs .count")).to_have_count(2)
    console.button("Disconnect").click()
    expect(console.page.locator(".tabs .count")).to_have_count(0)
    expect(console.page.locator(".history .entry.is-failed")).to_contain_text("connection was lost")
    console.view("jobs")
    expect(console.page.locator(".worker .badge")).to_have_text("lost")
