"""The log of every message: filtered, paused, exported, bounded."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.conftest import both_hosts
from tests.console.harness import ConsolePage, read_lines

pytestmark = pytest.mark.browser


def rows(console: ConsolePage) -> list[str]:
    return console.page.locator(".wire-type").all_inner_texts()


@both_hosts
def test_both_directions_are_logged(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row.is-sent .wire-type", has_text="client-ready")).to_have_count(1)
    expect(console.page.locator(".wire-row.is-received .wire-type", has_text="bot-ready")).to_have_count(1)
    row = console.page.locator(".wire-row", has_text="bot-ready")
    row.locator("summary").first.click()
    expect(row.locator(".json").first).to_contain_text("rtvi-ai")


def test_filtering(console: ConsolePage) -> None:
    console.say("find this text")
    console.see("That is all.")
    console.view("wire")
    console.page.get_by_label("Filter").fill("FIND this")
    expect(console.page.locator(".wire-row").first).to_be_visible()
    assert "send-text" in rows(console)
    assert "bot-ready" not in rows(console)
    console.page.get_by_label("Direction").select_option("sent")
    expect(console.page.locator(".wire-row")).to_have_count(1)
    console.page.get_by_label("Filter").fill("no such thing")
    console.see("No messages.")


def test_pausing(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row", has_text="bot-ready")).to_have_count(1)
    console.page.wait_for_timeout(150)
    before = len(rows(console))
    console.button("Pause").click()
    # The page itself sends while it is paused: another view is not looked at, so the message is sent from there.
    console.page.evaluate("location.hash = 'talk'")
    console.say("while paused")
    console.see("You said: while paused.")
    console.view("wire")
    assert len(rows(console)) > before, "looking anew shows everything"
    console.button("Pause").click()
    expect(console.page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "true")


def test_exporting_what_is_shown(console: ConsolePage) -> None:
    console.say("keep this")
    console.see("That is all.")
    console.view("wire")
    console.page.get_by_label("Filter").fill("send-text")
    expect(console.page.locator(".wire-row")).to_have_count(1)
    with console.page.expect_download() as downloading:
        console.button("Export").click()
    assert downloading.value.suggested_filename.endswith(".jsonl")
    (entry,) = read_lines(downloading.value.path())
    assert entry["direction"] == "sent"
    assert entry["at"].endswith("Z")
    assert entry["message"]["data"]["content"] == "keep this"


def test_the_log_is_bounded(console: ConsolePage) -> None:
    """Many more messages than it keeps: the oldest go, and it says so."""
    console.view("call", "desk.bake")
    console.page.get_by_label("steps", exact=True).fill("100")
    for _ in range(6):
        console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(6)
    console.say_many(120, "a b c d e f g h i j")
    console.view("wire")
    expect(console.page.locator(".wire-count")).to_contain_text("older forgotten")
    expect(console.page.locator(".wire-count")).to_contain_text("2000 messages, the last 300 shown")
    assert len(rows(console)) == 300


def test_clearing(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row").first).to_be_visible()
    console.button("Clear").click()
    console.see("No messages.")
