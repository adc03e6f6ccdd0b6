"""For everybody: assistive technology, keyboard alone, either theme, any width."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Open
from tests.console.harness import VIEWS, ConsolePage

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
