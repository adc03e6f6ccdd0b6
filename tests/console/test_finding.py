"""Finding one of many: actions, options and bots are filtered where there are more than a few."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.conftest import OnHost, Open, both_hosts
from tests.console.harness import ConsolePage, serve

pytestmark = pytest.mark.browser

FEW = """\
manifest: 1
bot: {name}
services:
  desk: {{plugin: gallery, actions: {{nothing: {{}}}}}}
"""


def names(console: ConsolePage) -> list[str]:
    return [text.split()[0] for text in console.page.locator(".call-list a").all_inner_texts()]


ACTIONS = {
    "name": ("search", ["search"]),
    "capitals": ("SEARCH", ["search"]),
    "description": ("looks like html", ["mark_up"]),
    "service": ("messages", ["echo", "count"]),
    "several words": ("desk page", ["search", "ask_page"]),
    "spaces around": ("  tidy ", ["tidy"]),
    "no pattern": (".*", []),
}


@pytest.mark.parametrize(("typed", "found"), ACTIONS.values(), ids=ACTIONS.keys())
def test_actions_by_service_name_and_description(console: ConsolePage, typed: str, found: list[str]) -> None:
    console.view("call")
    all_of_them = names(console)
    console.page.get_by_label("Filter actions").fill(typed)
    told = console.page.locator(".list-found")
    if found:
        expect(told).to_have_text(f"{len(found)} of {len(all_of_them)} actions")
    else:
        expect(told).to_have_text(f"Nothing of {len(all_of_them)} actions matches “{typed}”.")
    assert names(console) == found
    assert told.get_attribute("role") == "status"


@both_hosts
def test_the_keyboard_leads_from_the_filter_to_the_action(console: ConsolePage) -> None:
    console.view("call", "desk.greet")
    box = console.page.get_by_label("Filter actions")
    box.fill("tid")
    box.press("Enter")
    expect(console.page.get_by_role("heading", level=2, name="desk.tidy")).to_be_visible()
    box.fill("sea")
    box.press("ArrowDown")
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("heading", level=2, name="desk.search")).to_be_visible()
    box.press("Escape")
    expect(box).to_have_value("")
    assert len(names(console)) > 8


def test_what_is_looked_at_stays_while_one_looks_for_another(console: ConsolePage) -> None:
    console.view("call", "desk.greet")
    console.page.get_by_label("name", exact=True).fill("Ada")
    console.page.get_by_label("Filter actions").fill("zebra")
    expect(console.page.get_by_label("name", exact=True)).to_have_value("Ada")
    console.button("Show all actions").click()
    assert "greet" in names(console)


@both_hosts
def test_options_and_changes_that_are_not_seen_are_applied_too(console: ConsolePage) -> None:
    console.view("configure")
    rate = console.field("rate").locator("input[type=number]")
    rate.fill("200")
    box = console.page.get_by_label("Filter options")
    box.fill("lower-case")
    expect(console.page.locator(".list-found")).to_have_text("1 of 23 options")
    shown = console.page.locator(".field-name").locator("visible=true")
    assert shown.all_inner_texts() == ["nickname"]
    expect(console.page.locator("main .card").locator("visible=true")).to_have_count(1)
    box.press("Enter")
    expect(console.field("nickname").locator("input")).to_be_focused()
    console.field("nickname").locator("input").fill("both")
    console.see("2 changes")
    box.fill("zebra")
    console.see("Nothing of 23 options matches “zebra”.")
    console.button("Apply").click()
    console.page.locator(".outcome.is-good").wait_for()
    console.button("Show all options").click()
    expect(rate).to_have_value("200")
    expect(console.field("nickname").locator("input")).to_have_value("both")


@both_hosts
def test_a_short_list_needs_no_filter(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(FEW.format(name="few"), encoding="utf-8")
    with serve(on_host(tmp_path / "bot.yaml")) as address:
        console = open_page(address)
        console.view("call")
        assert names(console) == ["nothing"]
        assert console.page.locator("input[type=search]").count() == 0
        console.button("Disconnect").click()


def test_bots(open_page: Open, tmp_path: Path) -> None:
    for number in range(1, 11):
        (tmp_path / f"{number}.yaml").write_text(FEW.format(name=f"bot-{number}"), encoding="utf-8")
    with serve(tmp_path) as address:
        console = open_page(address, is_ready=False)
        expect(console.page).to_have_title("Bots · console")
        box = console.page.get_by_label("Filter bots")
        box.fill("1")
        assert console.page.locator(".card strong").all_inner_texts() == ["bot-1", "bot-10"]
        box.press("Enter")
        expect(console.page).to_have_title("Talk · bot-1 · console")
        console.button("Disconnect").click()
