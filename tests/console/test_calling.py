"""Actions and messages: forms by schema, results by type, the history and what can be copied from it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.conftest import both_hosts
from tests.console.harness import ConsolePage

pytestmark = pytest.mark.browser


def last_call(console: ConsolePage, t: str) -> Any:
    """What was sent for the last call of this name."""
    sent = [entry["message"]["data"] for entry in console.wire("client-message")]
    return [data.get("d") for data in sent if data["t"] == t][-1]


def test_every_action_and_message_is_listed(console: ConsolePage) -> None:
    view = console.view("call")
    names = view.locator(".call-list a").all_inner_texts()
    assert [name.split()[0] for name in names][:3] == ["greet", "search", "book"]
    assert {"echo", "count"} <= {name.split()[0] for name in names}
    assert "job" in view.locator(".call-list a", has_text="bake").inner_text()


@both_hosts
def test_a_text(console: ConsolePage) -> None:
    entry = console.call("desk.greet", name="Ada", times="2")
    expect(entry.locator(".result-text")).to_have_text("Hello, Ada! Hello, Ada!")
    expect(entry.locator(".entry-when")).to_contain_text(re.compile(r"\d ?(ms|s)"))
    assert last_call(console, "desk.greet") == {"name": "Ada", "times": 2, "loud": False}


@both_hosts
def test_a_list_of_objects_is_a_table(console: ConsolePage) -> None:
    entry = console.call("desk.search", query="spa", limit="2")
    assert entry.locator("th").all_inner_texts() == ["title", "score", "tags"]
    assert entry.locator("tbody tr").count() == 2
    assert entry.locator("td").first.inner_text() == "spa 0"


def test_nothing_is_told_as_nothing(console: ConsolePage) -> None:
    entry = console.call("desk.nothing")
    expect(entry).to_contain_text("No result.")


def test_markup_in_a_result_is_text(console: ConsolePage) -> None:
    entry = console.call("desk.mark_up")
    expect(entry.locator(".result-text")).to_contain_text("<b>bold</b>")
    assert entry.locator("img, b, script").count() == 0
    assert console.page.title() == "Call · gallery · console"


@both_hosts
def test_arguments_of_every_kind(console: ConsolePage) -> None:
    view = console.view("call", "desk.book")
    console.field("guest").get_by_label("name", exact=True).fill("Ada")
    console.field("guest").get_by_label("lat", exact=True).fill("1.5")
    console.field("guest").get_by_label("lon", exact=True).fill("2")
    view.get_by_label("room", exact=True).select_option(label="green")
    view.get_by_label("nights", exact=True).fill("2.5")
    console.field("extras").get_by_role("button", name="Add to extras").click()
    console.field("extras").locator("input").fill("towels")
    console.field("when").locator(".choice-kind select").select_option(label="span")
    console.field("when").get_by_label("from", exact=True).fill("mon")
    console.field("when").get_by_label("to", exact=True).fill("tue")
    console.field("children").locator(".choice-kind select").select_option(label="integer")
    console.field("children").locator("input[type=number]").fill("2")
    console.field("remarks").locator("textarea").fill('{"quiet": true}')
    console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".history .entry").first.locator(".json").first).to_be_visible()
    expected = {
        "guest": {"name": "Ada", "home": {"lat": 1.5, "lon": 2}},
        "room": "green",
        "nights": 2.5,
        "extras": ["towels"],
        "when": {"from": "mon", "to": "tue"},
        "children": 2,
        "terms": "accepted",
        "remarks": {"quiet": True},
    }
    assert last_call(console, "desk.book") == expected


def test_defaults_are_filled_in(console: ConsolePage) -> None:
    view = console.view("call", "desk.book")
    console.field("guest").get_by_label("name", exact=True).fill("Ada")
    view.get_by_label("room", exact=True).select_option(label="blue")
    console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(1)
    assert last_call(console, "desk.book") == {
        "guest": {"name": "Ada"},
        "room": "blue",
        "nights": 1,
        "extras": [],
        "when": "today",
        "children": None,
        "terms": "accepted",
    }


def test_faults_are_told_as_one_types_and_missing_ones_when_one_calls(console: ConsolePage) -> None:
    view = console.view("call", "desk.greet")
    view.get_by_label("times", exact=True).fill("9")
    expect(console.field("times").locator(".fault")).to_have_text("must be at most 5")
    assert console.field("name").locator(".fault").count() == 0
    console.page.locator("form button[type=submit]").click()
    expect(console.field("name").locator(".fault")).to_have_text("missing")
    expect(view.get_by_label("name", exact=True)).to_be_focused()
    assert console.page.locator(".history .entry").count() == 0
    view.get_by_label("name", exact=True).fill("A")
    expect(console.field("name").locator(".fault")).to_have_text("must have at least 2 characters")


def test_missing_arguments_inside_others_are_told_at_their_place(console: ConsolePage) -> None:
    view = console.view("call", "desk.book")
    console.page.locator("form button[type=submit]").click()
    expect(view.locator(".fault")).to_have_text(["missing", "missing"])
    expect(view.get_by_label("room", exact=True)).to_be_focused()
    view.get_by_label("room", exact=True).select_option(label="blue")
    console.page.locator("form button[type=submit]").click()
    expect(console.field("guest").get_by_label("name", exact=True)).to_be_focused()


@both_hosts
def test_a_refusal_is_told_at_the_field_and_in_the_history(console: ConsolePage) -> None:
    entry = console.call("desk.refuse", code="x")
    expect(entry.locator(".fault")).to_contain_text("Not today")
    expect(entry.locator(".fault code")).to_have_text("not-today")
    expect(console.field("code").locator(".fault")).to_have_text("is not a code of today")


def test_running_again_and_editing(console: ConsolePage) -> None:
    entry = console.call("desk.greet", name="Ada")
    expect(entry.locator(".result-text")).to_be_visible()
    entry.get_by_role("button", name="Run again").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(2)
    console.view("call", "desk.search")
    console.page.locator(".history .entry").last.get_by_role("button", name="Edit").click()
    expect(console.page.get_by_label("name", exact=True)).to_have_value("Ada")
    assert console.page.url.endswith("#call/desk.greet")


@both_hosts
def test_what_is_copied_works(console: ConsolePage) -> None:
    console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    entry = console.call("desk.greet", name="Ada L'ovelace")
    expect(entry.locator(".result-text")).to_be_visible()
    entry.get_by_role("button", name="Copy JavaScript").click()
    expect(entry.get_by_text("Copied")).to_be_visible()
    script = console.page.evaluate("navigator.clipboard.readText()")
    assert script.startswith('const result = await client.sendClientRequest("desk.greet", {')
    entry.get_by_role("button", name="Copy rtvi call").click()
    expect(entry.get_by_text("Copied")).to_have_count(2)
    line = console.page.evaluate("navigator.clipboard.readText()")
    words = shlex.split(line)
    assert words[:2] == ["rtvi", "call"]
    done = subprocess.run(
        [sys.executable, "-m", "rtvi_plugins", *words[1:]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Hello, Ada L'ovelace!"), done.stderr


@both_hosts
def test_messages_of_the_manifest(console: ConsolePage) -> None:
    view = console.view("call", "echo")
    view.get_by_label("data, as JSON").fill('{"n": [1, 2]}')
    console.button("Send").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(1)
    assert last_call(console, "echo") == {"n": [1, 2]}
    view = console.view("call", "count")
    view.locator(".field input[type=number]").fill("4")
    console.button("Send").click()
    expect(console.page.locator(".history .entry").first.locator(".result-value")).to_have_text("5")


def facts(console: ConsolePage, target: str) -> dict[str, str]:
    """What is said of an action before it is called."""
    view = console.view("call", target)
    view.get_by_role("heading", level=2, name=target).wait_for()
    rows = view.locator(".facts > div")
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text().partition("\n")[0] for row in rows.all()}


FACTS = {
    "desk.greet": {"Result": "string", "Time limit": "30 s"},
    "desk.search": {"Result": "array of object", "Time limit": "30 s"},
    "desk.nothing": {"Result": "any value", "Time limit": "30 s"},
    "desk.bake": {"Result": "object", "Time limit": "1 min", "Runs": "as a job, which can be cancelled"},
    "desk.sort": {"Result": "any value", "Time limit": "30 s", "Runs": "as a job, which cannot be cancelled"},
    "desk.tidy": {
        "Result": "integer or null · Things put away.",
        "Time limit": "1 min 30 s",
        "Runs": "one call at a time, others wait; also when the bot itself calls it",
    },
    "count": {"Result": "integer", "Time limit": "30 s"},
}


@both_hosts
def test_what_one_should_know_is_said_before_one_calls(console: ConsolePage) -> None:
    assert {target: facts(console, target) for target in FACTS} == FACTS


def test_a_result_has_its_whole_schema(console: ConsolePage) -> None:
    view = console.view("call", "desk.search")
    view.locator(".facts summary").first.click()
    expect(view.locator(".facts .json").first).to_contain_text("array")


BOUNDS = {
    ("desk.greet", "name"): "at least 2 characters",
    ("desk.book", "nights"): "more than 0, a multiple of 0.5",
}


@pytest.mark.parametrize(("target", "name"), BOUNDS, ids=str)
def test_bounds_of_arguments_are_said_before_one_types(console: ConsolePage, target: str, name: str) -> None:
    console.view("call", target)
    row = console.field(name)
    row.wait_for()
    told = row.locator(".field-bounds")
    expect(told).to_have_text(BOUNDS[target, name])
    described = row.locator("input").first.get_attribute("aria-describedby") or ""
    assert (told.get_attribute("id") or "?") in described.split()


@pytest.mark.parametrize("target", ["desk.nothing", "desk.tidy", "desk.sort"])
def test_an_action_without_arguments_says_so_once(console: ConsolePage, target: str) -> None:
    view = console.view("call", target)
    note = view.get_by_text("It takes no arguments.")
    expect(note).to_have_count(1)
    assert view.get_by_text("Nothing to fill in").count() == 0
    button = view.locator("form button[type=submit]")
    texts, presses = note.bounding_box(), button.bounding_box()
    assert texts
    assert presses
    assert presses["y"] - (texts["y"] + texts["height"]) >= 12, "there is air above the button"
    card = view.locator(".card").bounding_box()
    assert card
    assert card["y"] + card["height"] - (presses["y"] + presses["height"]) >= 12, "and below it"
    assert console.button("Reset").count() == 0


@both_hosts
def test_an_action_that_takes_whatever_comes_does_not_say_that_it_takes_nothing(console: ConsolePage) -> None:
    view = console.view("call", "desk.take")
    view.get_by_label("JSON").fill('{"a": [1]}')
    assert view.get_by_text("It takes no arguments.").count() == 0
    console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(1)
    assert last_call(console, "desk.take") == {"a": [1]}
