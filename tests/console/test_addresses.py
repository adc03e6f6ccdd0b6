"""Addresses and titles: each view has its own, and what leads nowhere is told as such."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Open, both_hosts
from tests.console.harness import VIEWS, ConsolePage

pytestmark = pytest.mark.browser


def go(console: ConsolePage, address: str) -> None:
    console.page.evaluate("hash => { location.hash = hash }", address)


@both_hosts
def test_each_view_has_its_title(console: ConsolePage) -> None:
    for view in VIEWS:
        console.view(view)
        expect(console.page).to_have_title(f"{view.capitalize()} · gallery · console")
        heading = console.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(view.capitalize())


UNKNOWN = {
    "no view": "nonsense",
    "no view, below": "nonsense/x",
    "capitals": "Call",
    "below a view without parts": "wire/x",
    "broken encoding": "call/%E0%A4",
    "like a property of objects": "constructor",
    "markup": "<b>bold</b>",
}


@pytest.mark.parametrize("address", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_address_says_so(console: ConsolePage, address: str) -> None:
    go(console, address)
    expect(console.page.locator("main.is-unknown h1")).to_have_text("Nothing at this address")
    expect(console.page).to_have_title("Nothing at this address · gallery · console")
    shown = console.page.locator(".unknown code")
    expect(shown).to_have_text("#" + (address if "%" in address else console.page.evaluate("decodeURI", address)))
    assert console.page.locator(".unknown b, nav [aria-current=page]").count() == 0
    links = console.page.locator(".unknown-links a")
    assert [link.get_attribute("href") for link in links.all()] == [f"#{view}" for view in VIEWS]
    links.get_by_text("Configure").click()
    expect(console.page).to_have_title("Configure · gallery · console")


def test_no_address_is_the_conversation(console: ConsolePage) -> None:
    console.view("call")
    for address in ("", "talk"):
        go(console, address)
        expect(console.page).to_have_title("Talk · gallery · console")


@both_hosts
def test_an_unknown_action_says_so_with_what_is_like_it(console: ConsolePage) -> None:
    view = console.view("call", "desk.ook")
    expect(view.locator("#unknown-callable")).to_have_text("This bot has no desk.ook")
    expect(view.locator(".unknown-links a").first).to_have_text("desk.book")
    assert view.locator("form, .call-list [aria-current]").count() == 0
    view.locator(".unknown-links a").first.click()
    expect(view.get_by_role("heading", level=2, name="desk.book")).to_be_visible()


@pytest.mark.parametrize("item", ["nowhere.at_all", "desk", "<b>x</b>", "a/b", "."])
def test_an_unknown_service_says_so_and_shows_no_other(console: ConsolePage, item: str) -> None:
    view = console.view("call", item)
    expect(view.locator("#unknown-callable")).to_have_text(f"This bot has no {item}")
    assert view.locator("form, main b").count() == 0
    expect(view.locator(".call-list a").first).to_be_visible()


def test_an_address_is_kept_while_the_bot_is_awaited(open_page: Open, bot: str) -> None:
    """What was asked for is shown once the bot has told what it has, not something else meanwhile."""
    console = open_page()
    console.page.goto(f"{bot}/#call/desk.search")
    console.page.reload()
    expect(console.page.get_by_role("heading", level=2, name="desk.search")).to_be_visible()


def test_an_unknown_job_says_so(console: ConsolePage) -> None:
    view = console.view("jobs", "j-17")
    expect(view.locator(".outcome")).to_contain_text("There is no job j-17 here")
    view.get_by_role("link", name="All jobs").click()
    expect(view.locator(".outcome")).to_have_count(0)
