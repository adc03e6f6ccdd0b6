"""Options: the right control for every kind of schema, all changes or none, faults where they belong."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.console.conftest import both_hosts
from tests.console.harness import ConsolePage

pytestmark = pytest.mark.browser


@pytest.fixture
def options(console: ConsolePage) -> ConsolePage:
    console.view("configure")
    console.page.get_by_label("rate", exact=True).wait_for()
    return console


def sent(console: ConsolePage) -> dict[str, Any]:
    """The options of the last update that was sent, by `service.option`."""
    updates = [entry["message"]["data"] for entry in console.wire("client-message")]
    config = [data["d"]["config"] for data in updates if data["t"] == "update-config"][-1]
    return {f"{one['service']}.{o['name']}": o["value"] for one in config for o in one["options"]}


def apply(console: ConsolePage) -> dict[str, Any]:
    """Apply the changes, which have to be taken, and give what was sent."""
    console.button("Apply").click()
    console.page.locator(".outcome.is-good").wait_for()
    return sent(console)


def control(console: ConsolePage, name: str, selector: str) -> Locator:
    return console.field(name).locator(selector)


def test_every_option_has_its_control(options: ConsolePage) -> None:
    kinds = {
        "voice": "select",
        "rate": "input[type=range]",
        "volume": "input[type=number]",
        "whisper": "input[role=switch]",
        "api_key": "input[type=password]",
        "nickname": "input[type=text]",
        "contact": "input[type=email]",
        "opening": "input[type=date]",
        "instructions": "textarea",
        "note": ".choice select",
        "fixed": "output",
        "words": ".item input",
        "days": "input[type=checkbox]",
        "rooms": ".item .group",
        "place": ".group input[type=number]",
        "limit": ".choice select",
        "labels": ".extra-key input",
        "settings": "textarea.code",
        "anything": "textarea.code",
    }
    missing = [name for name, selector in kinds.items() if control(options, name, selector).count() == 0]
    assert not missing
    assert control(options, "volume", "input[type=range]").count() == 0, "it has no bounds to slide between"
    assert options.field("rate").locator(".unit").inner_text() == "words/min"
    options.see("How fast it speaks.")


@both_hosts
def test_values_are_those_of_the_bot(options: ConsolePage) -> None:
    assert control(options, "rate", "input[type=number]").input_value() == "175"
    assert control(options, "voice", "select").evaluate("one => one.selectedOptions[0].label") == "alba"
    assert control(options, "instructions", "textarea").input_value() == "Be kind.\nBe brief."
    assert control(options, "settings", "textarea").input_value() == '{\n  "theme": "plain"\n}'
    assert control(options, "fixed", "output").inner_text() == "exactly this"


def fill_note(console: ConsolePage) -> None:
    control(console, "note", ".choice-kind select").select_option(label="string")
    console.field("note").locator("input[type=text]").fill("hello")


def fill_limit(console: ConsolePage) -> None:
    control(console, "limit", ".choice-kind select").select_option(label="integer")
    console.field("limit").locator("input[type=number]").fill("4")


def fill_label(console: ConsolePage) -> None:
    console.field("labels").locator(".field-control input").last.fill("third")


def add_room(console: ConsolePage) -> None:
    console.field("rooms").get_by_role("button", name="Add to rooms").click()
    console.field("rooms").get_by_label("name", exact=True).last.fill("red")


CHANGES: dict[str, tuple[str, Any, Any]] = {
    "number": ("speech.rate", lambda c: control(c, "rate", "input[type=number]").fill("200.5"), 200.5),
    "slider": ("speech.pitch", lambda c: control(c, "pitch", "input[type=range]").fill("3"), 3),
    "enum": ("speech.voice", lambda c: control(c, "voice", "select").select_option(label="bruno"), "bruno"),
    "bool": ("speech.whisper", lambda c: control(c, "whisper", "input").click(), True),
    "text": ("texts.nickname", lambda c: control(c, "nickname", "input").fill("other"), "other"),
    "empty text": ("texts.instructions", lambda c: control(c, "instructions", "textarea").fill(""), ""),
    "several lines": ("texts.instructions", lambda c: control(c, "instructions", "textarea").fill("a\nb"), "a\nb"),
    "date": ("texts.opening", lambda c: control(c, "opening", "input").fill("2031-02-01"), "2031-02-01"),
    "null to text": ("texts.note", fill_note, "hello"),
    "item": ("structures.words", lambda c: control(c, "words", "input").first.fill("coffee"), ["coffee", "scone"]),
    "fewer items": (
        "structures.words",
        lambda c: c.field("words").get_by_label("remove item 1").click(),
        ["scone"],
    ),
    "order": ("structures.words", lambda c: c.field("words").get_by_label("move item 2 up").click(), ["scone", "tea"]),
    "ticks": ("structures.days", lambda c: c.field("days").get_by_label("wed").click(), ["mon", "wed"]),
    "new object": (
        "structures.rooms",
        add_room,
        [{"name": "blue", "beds": 2}, {"name": "red", "beds": 2}],
    ),
    "nested": (
        "structures.place",
        lambda c: c.field("place").get_by_label("lat", exact=True).fill("-10"),
        {"lat": -10, "lon": 13.4},
    ),
    "union": ("structures.limit", fill_limit, 4),
    "map": ("structures.labels", fill_label, {"floor": "third"}),
    "object": ("structures.settings", lambda c: control(c, "settings", "textarea").fill('{"a": [1]}'), {"a": [1]}),
    "any": ("structures.anything", lambda c: control(c, "anything", "textarea").fill("[true, null]"), [True, None]),
    "secret": ("speech.api_key", lambda c: control(c, "api_key", "input").fill("brand-new-key"), "(secret)"),
}


@pytest.mark.parametrize(("option", "change", "value"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_sent_as_the_schema_wants_it(options: ConsolePage, option: str, change: Any, value: Any) -> None:
    change(options)
    row = options.page.locator(f"[id='{option}']")
    expect(row.locator(".field-now").last).to_contain_text("The bot has")
    options.see("1 change")
    assert apply(options) == {option: value}
    options.view("configure")
    assert options.page.locator(".apply-bar").count() == 0
    assert options.page.locator(".is-changed").count() == 0


@both_hosts
def test_changes_of_several_services_go_together(options: ConsolePage) -> None:
    control(options, "rate", "input[type=number]").fill("300")
    control(options, "nickname", "input").fill("both")
    options.see("2 changes")
    assert apply(options) == {"speech.rate": 300, "texts.nickname": "both"}


FAULTS: dict[str, tuple[str, Any, str]] = {
    "too large": ("rate", lambda c: control(c, "rate", "input[type=number]").fill("900"), "must be at most 450"),
    "no number": ("pitch", lambda c: control(c, "pitch", "input[type=number]").fill("1.5"), "expected integer"),
    "pattern": ("nickname", lambda c: control(c, "nickname", "input").fill("No"), "must match the pattern ^[a-z]+$"),
    "short secret": (
        "api_key",
        lambda c: control(c, "api_key", "input").fill("abc"),
        "must have at least 4 characters",
    ),
    "nested": ("place", lambda c: c.field("place").get_by_label("lon", exact=True).fill("999"), "must be at most 180"),
    "item": ("words", lambda c: control(c, "words", "input").first.fill(""), "must have at least 1 character"),
    "emptied": ("rate", lambda c: control(c, "rate", "input[type=number]").fill(""), "missing"),
    "no JSON": ("settings", lambda c: control(c, "settings", "textarea").fill("{"), "not JSON yet"),
    "wrong JSON": ("settings", lambda c: control(c, "settings", "textarea").fill("[]"), "expected object, got array"),
}


@pytest.mark.parametrize(("name", "change", "text"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_at_its_field_as_one_types(options: ConsolePage, name: str, change: Any, text: str) -> None:
    change(options)
    expect(options.field(name).locator(".fault").first).to_contain_text(text)
    if name != "settings" or "JSON yet" not in text:
        assert options.button("Apply").is_disabled()
    options.page.wait_for_timeout(50)
    assert options.page.locator(".field .fault").count() == options.field(name).locator(".fault").count()


@both_hosts
def test_what_the_bot_refuses_is_told_at_the_field_and_taken_back(options: ConsolePage) -> None:
    control(options, "rate", "input[type=number]").fill("200")
    control(options, "voice", "select").select_option(label="carla")
    options.button("Apply").click()
    options.see("Nothing was changed.")
    options.see("All 2 changes were taken back")
    assert options.field("voice").locator(".fault").inner_text() == "Carla is on holiday"
    assert options.field("rate").locator(".fault").count() == 0
    assert options.field("rate").locator(".field-now").inner_text().startswith("The bot has 175")
    assert control(options, "rate", "input[type=number]").input_value() == "200", "what was typed is still there"
    options.field("voice").get_by_role("button", name="Undo").click()
    assert apply(options) == {"speech.rate": 200}


def test_discarding(options: ConsolePage) -> None:
    control(options, "rate", "input[type=number]").fill("900")
    options.button("Discard").click()
    assert control(options, "rate", "input[type=number]").input_value() == "175"
    assert options.page.locator(".apply-bar, .field .fault").count() == 0


def test_changes_wait_while_one_looks_elsewhere(options: ConsolePage) -> None:
    control(options, "rate", "input[type=number]").fill("210")
    options.view("talk")
    options.view("configure")
    assert control(options, "rate", "input[type=number]").input_value() == "210"


@pytest.mark.parametrize(
    ("name", "badge"), [("greeting", "at start only"), ("engine", "read-only"), ("uptime", "read-only")]
)
def test_what_cannot_be_changed_says_why(options: ConsolePage, name: str, badge: str) -> None:
    row = options.field(name)
    assert row.locator(".badge").inner_text() == badge
    assert row.locator(".field-why").inner_text().strip()
    assert control(options, name, "input").first.get_attribute("readonly") is not None


@both_hosts
def test_secrets_are_never_shown(options: ConsolePage) -> None:
    assert control(options, "api_key", "input").input_value() == ""
    control(options, "api_key", "input").fill("brand-new-key")
    apply(options)
    assert "brand-new-key" not in options.page.content()
    options.view("configure")
    assert control(options, "api_key", "input").input_value() == ""
    assert "first-secret-value" not in options.page.content()
    assert options.page.get_by_text("internal").count() == 0, "what is not for clients"


@both_hosts
def test_a_change_by_the_bot_is_seen_at_once(options: ConsolePage) -> None:
    options.call("desk.retune", rate="333")
    options.view("configure")
    expect(control(options, "rate", "input[type=number]")).to_have_value("333")


def fallback(console: ConsolePage, name: str) -> Locator:
    return console.field(name).locator(".field-fallback")


def to_default(console: ConsolePage, name: str) -> Locator:
    return console.button(f"Reset {name} to its default")


DEFAULTS = {
    "voice": "alba",
    "rate": "175",
    "whisper": "false",
    "note": "null",
    "words": '["tea","scone"]',
    "greeting": "Welcome!",
    "uptime": "7",
}


@both_hosts
def test_the_default_stands_beside_each_option(options: ConsolePage) -> None:
    found = {name: fallback(options, name).locator("code").inner_text() for name in DEFAULTS}
    assert found == DEFAULTS
    assert fallback(options, "api_key").count() == 0, "what is secret is not told"
    assert to_default(options, "rate").is_disabled(), "it is at its default"
    for name in ("greeting", "engine", "uptime"):
        assert to_default(options, name).count() == 0, "clients cannot set it"


@both_hosts
def test_an_option_goes_back_to_its_default(options: ConsolePage) -> None:
    control(options, "rate", "input[type=number]").fill("300")
    assert apply(options) == {"speech.rate": 300}
    options.view("configure")
    assert to_default(options, "voice").is_disabled()
    to_default(options, "rate").click()
    number = control(options, "rate", "input[type=number]")
    expect(number).to_have_value("175")
    expect(number).to_be_focused()
    expect(options.field("rate").locator(".field-now")).to_contain_text("The bot has 300")
    expect(to_default(options, "rate")).to_be_disabled()
    assert apply(options) == {"speech.rate": 175}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rate", lambda c: control(c, "rate", "input[type=number]").fill("900")),
        ("words", lambda c: c.field("words").get_by_label("remove item 1").click()),
        ("note", fill_note),
        ("settings", lambda c: control(c, "settings", "textarea").fill("{}")),
    ],
)
def test_a_change_that_was_not_applied_goes_back_too(options: ConsolePage, name: str, change: Any) -> None:
    change(options)
    options.see("1 change")
    to_default(options, name).click()
    assert options.page.locator(".apply-bar, .is-changed, .field .fault").count() == 0
