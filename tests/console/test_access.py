"""For everybody: assistive technology, keyboard alone, either theme, any width."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Open
from tests.console.harness import VIEWS, ConsolePage, serve
from tests.console.test_starting import write
from tests.console.test_wire import MEASURED, measure

pytestmark = pytest.mark.browser


def fill(console: ConsolePage) -> None:
    """Have something in every view."""
    console.say("hello")
    console.see("That is all.")
    console.say("please wait")
    console.call("desk.search", query="spa")
    console.call("desk.refuse", code="x")
    console.view("call", "desk.bake")
    console.page.get_by_label("wait", exact=True).click()
    console.page.locator("form button[type=submit]").click()
    console.call("desk.fail")
    measure(console, MEASURED)
    console.view("call", "desk.ask_page")
    console.page.locator("form button[type=submit]").click()
    console.view("configure")
    console.page.get_by_label("rate", exact=True).fill("900")
    console.view("page")
    for summary in console.page.locator(".event > summary").all():
        summary.click()


@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: Open, axe: str, theme: str, width: int) -> None:
    console = open_page(color_scheme=theme, viewport={"width": width, "height": 900})
    assert console.page.evaluate("document.documentElement.dataset.theme") == theme
    fill(console)
    found: dict[str, list[str]] = {}
    for view in VIEWS:
        for item in ("desk.book", "desk.bake", "echo") if view == "call" else ("",):
            console.view(view, item)
            console.page.wait_for_timeout(50)
            if there := console.findings(axe):
                found[f"{view} {item}"] = there
    assert not found


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_page(open_page: Open, width: int) -> None:
    console = open_page(viewport={"width": width, "height": 800})
    fill(console)
    wide = []
    for view in VIEWS:
        for item in ("desk.book", "desk.search") if view == "call" else ("",):
            console.view(view, item)
            over = console.page.evaluate(
                "() => [document.documentElement, document.querySelector('main')]"
                ".some(one => one.scrollWidth > one.clientWidth + 1)"
            )
            if over:
                wide.append(f"{view} {item}")
    assert not wide


def test_the_theme_is_chosen_and_kept(open_page: Open) -> None:
    console = open_page(color_scheme="light")
    console.button("use dark colours").click()
    assert console.page.evaluate("document.documentElement.dataset.theme") == "dark"
    console.open()
    assert console.page.evaluate("document.documentElement.dataset.theme") == "dark"
    console.button("use light colours").click()
    assert console.page.evaluate("document.documentElement.dataset.theme") == "light"


OVERFLOW = """() => [document.documentElement, document.querySelector('main')]
  .some(one => one.scrollWidth > one.clientWidth + 1)"""


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_goes_wrong_is_for_everybody_too(
    open_page: Open, axe: str, tmp_path: Path, theme: str, width: int
) -> None:
    """Nothing found, nothing at an address, a form before the start, and no bot any more."""
    bad: dict[str, object] = {}

    def look(console: ConsolePage, name: str) -> None:
        console.page.wait_for_timeout(50)
        if found := console.findings(axe):
            bad[name] = found
        if console.page.evaluate(OVERFLOW):
            bad[f"{name}, width"] = width

    view = {"color_scheme": theme, "viewport": {"width": width, "height": 800}}
    with serve(write(tmp_path)) as address:
        console = open_page(address, is_ready=False, errors="ERR_|WebSocket|signaling", **view)
        console.see("Before it starts")
        look(console, "start")
        console.button("Start").click()
        console.see("missing")
        look(console, "start, missing")
        console.page.get_by_label("customer", exact=True).fill("c-17")
        console.button("Start").click()
        console.wait_for_status("Connected")
    console.wait_for_status("Reconnecting")
    look(console, "lost")
    console = open_page(**view)
    for address in (
        "call/desk.nothing",
        "call/desk.tidy",
        "call/desk.bok",
        f"call/{'long' * 40}",
        "x" * 160,
        "jobs/j-1",
    ):
        console.page.evaluate("hash => { location.hash = hash }", address)
        look(console, address)
    for where, what in (("call", "actions"), ("configure", "options")):
        console.view(where)
        for typed in ("zebra" * 20, "rate"):
            console.page.get_by_label(f"Filter {what}").fill(typed)
            look(console, f"{where} {typed}")
    console.button("Disconnect").click()
    console.see("Disconnected.")
    look(console, "disconnected")
    assert not bad


def press_until(console: ConsolePage, key: str, script: str) -> None:
    """Press a key until what has the focus is what the script looks for."""
    for _ in range(60):
        console.page.keyboard.press(key)
        if console.page.evaluate(f"({script})(document.activeElement)"):
            return
    pytest.fail(f"never got to {script}")


def test_the_keyboard_is_enough(console: ConsolePage) -> None:
    """From the first Tab to a called action and an applied option, without a mouse."""
    page = console.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    press_until(console, "Tab", "one => one.id === 'message'")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    console.see("You said: by keyboard.")
    press_until(console, "Shift+Tab", "one => one.getAttribute('href') === '#call'")
    page.keyboard.press("Enter")
    press_until(console, "Tab", "one => one.name === 'call-desk.greet_name'")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    console.see("Hello, Ada!")
    press_until(console, "Shift+Tab", "one => one.getAttribute('href') === '#configure'")
    page.keyboard.press("Enter")
    press_until(console, "Tab", "one => one.type === 'range'")
    page.keyboard.press("ArrowRight")
    press_until(console, "Tab", "one => one.role === 'switch'")
    page.keyboard.press("Space")
    console.see("2 changes")
    press_until(console, "Shift+Tab", "one => one.textContent === 'Apply'")
    page.keyboard.press("Enter")
    console.page.locator(".outcome.is-good").wait_for()


def test_what_changes_is_told_to_screen_readers(console: ConsolePage) -> None:
    page = console.page
    expect(page.get_by_role("log", name="conversation")).to_be_visible()
    expect(page.get_by_role("status").first).to_have_text("Connected")
    expect(page.get_by_role("navigation", name="views").get_by_role("link")).to_have_count(len(VIEWS))
    console.view("configure")
    field = page.get_by_label("rate", exact=True)
    field.fill("900")
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby") or ""
    texts = page.evaluate("ids => ids.map(id => document.getElementById(id)?.textContent ?? '')", described.split())
    assert "must be at most 450" in " ".join(texts)
    assert "How fast it speaks." in " ".join(texts)
