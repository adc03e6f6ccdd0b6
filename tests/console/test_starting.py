"""Start data: a bot that declares it has a form for it before its session begins."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request, expect

from tests.console.conftest import OnHost, Open, both_hosts
from tests.console.harness import ConsolePage, serve
from tests.console.test_connecting import LOST, REFUSED

pytestmark = pytest.mark.browser

HELPDESK = """\
manifest: 1
bot: helpdesk
description: Answers the phone.
start:
  customer: {type: string, pattern: "^c-[0-9]+$", description: Who rings.}
  level: {type: integer, minimum: 1, default: 2}
  tags: {type: array, items: {type: string}, required: false}
services:
  desk:
    plugin: gallery
    options:
      customer: {type: string, mutable: never, from: start.customer}
      depth: {type: integer, maximum: 5, mutable: never, from: start.level}
    actions: {nothing: {}, leave: {}}
"""
TOKENS = "runtime: {auth: {tokens: {anna: anna-token-1}}}\n"


def write(folder: Path, text: str = HELPDESK) -> Path:
    path = folder / "bot.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Starts:
    """What a page sends with its starts."""

    def __init__(self, console: ConsolePage) -> None:
        self.bodies: list[Any] = []
        console.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/start"):
            self.bodies.append(json.loads(request.post_data or "null"))


def fill(console: ConsolePage, customer: str) -> None:
    console.page.get_by_label("customer", exact=True).fill(customer)


@both_hosts
def test_the_form_comes_first_and_what_it_holds_is_sent(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    with serve(on_host(write(tmp_path))) as address:
        console = open_page(address, is_ready=False)
        starts = Starts(console)
        console.see("Before it starts")
        console.see("helpdesk asks for this with the start of a session.")
        console.wait_for_status("Not started")
        expect(console.page.locator(".side-name")).to_have_text("helpdesk")
        expect(console.page.get_by_label("level", exact=True)).to_have_value("2")
        console.button("Start").click()
        expect(console.field("customer").locator(".fault")).to_have_text("missing")
        fill(console, "x")
        expect(console.field("customer").locator(".fault")).to_contain_text("must match")
        assert starts.bodies == [], "what does not fit is not sent"
        fill(console, "c-17")
        console.button("Start").click()
        console.wait_for_status("Connected")
        assert starts.bodies == [{"body": {"customer": "c-17", "level": 2}}]
        console.view("configure")
        expect(console.field("customer").locator("input")).to_have_value("c-17")
        console.button("Disconnect").click()


@both_hosts
def test_what_the_bot_refuses_is_told_at_its_place(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    """The schema of `level` takes 9; the option that it fills does not: only the server knows."""
    with serve(on_host(write(tmp_path))) as address:
        console = open_page(address, is_ready=False, errors="status of 400")
        fill(console, "c-17")
        console.page.get_by_label("level", exact=True).fill("9")
        console.button("Start").click()
        expect(console.page.locator(".card.start [role=alert]")).to_contain_text("Invalid start data")
        expect(console.field("level").locator(".fault")).to_contain_text("must be at most 5")
        expect(console.page.get_by_label("customer", exact=True)).to_have_value("c-17")
        console.page.get_by_label("level", exact=True).fill("3")
        console.button("Start").click()
        console.wait_for_status("Connected")
        console.button("Disconnect").click()


@both_hosts
def test_a_lost_session_begins_again_with_the_same(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    manifest = on_host(write(tmp_path))
    with serve(manifest) as address:
        console = open_page(address, is_ready=False, errors=LOST)
        starts = Starts(console)
        fill(console, "c-17")
        console.button("Start").click()
        console.wait_for_status("Connected")
    console.wait_for_status("Reconnecting")
    with serve(manifest, port=int(address.rpartition(":")[2])):
        console.wait_for_status("Connected")
        assert starts.bodies[-1] == {"body": {"customer": "c-17", "level": 2}}
        console.button("Disconnect").click()
        console.wait_for_status("Disconnected")
        console.page.locator(".banner").get_by_role("button", name="Connect").click()
        console.see("Before it starts")
        expect(console.page.get_by_label("customer", exact=True)).to_have_value("c-17")


@both_hosts
def test_a_token_comes_before_the_form(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    """Who may not come in is not told what a start holds."""
    with serve(on_host(write(tmp_path, HELPDESK + TOKENS))) as address:
        console = open_page(address, is_ready=False, errors=REFUSED)
        console.see("This bot asks for a token")
        assert console.page.get_by_text("Who rings.").count() == 0
        console.page.get_by_label("Token").fill("anna-token-1")
        console.page.get_by_label("Token").press("Enter")
        fill(console, "c-1")
        console.button("Start").click()
        console.wait_for_status("Connected")
        console.button("Disconnect").click()


@both_hosts
def test_a_copied_call_has_the_start_data(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    with serve(on_host(write(tmp_path))) as address:
        console = open_page(address, is_ready=False)
        console.context.grant_permissions(["clipboard-read", "clipboard-write"])
        fill(console, "c-17")
        console.button("Start").click()
        console.wait_for_status("Connected")
        entry = console.call("desk.nothing")
        entry.get_by_role("button", name="Copy rtvi call").click()
        expect(entry.get_by_text("Copied")).to_be_visible()
        words = shlex.split(console.page.evaluate("navigator.clipboard.readText()"))
        assert words[-4:] == ["--start", "customer=c-17", "--start", "level=2"]
        done = subprocess.run(
            [sys.executable, "-m", "rtvi_plugins", *words[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        console.button("Disconnect").click()


@pytest.mark.parametrize("start", ["", "start: {}\n"], ids=["undeclared", "declared to be empty"])
@both_hosts
def test_a_bot_that_asks_for_nothing_starts_at_once(
    open_page: Open, on_host: OnHost, tmp_path: Path, start: str
) -> None:
    text = f"manifest: 1\nbot: plain\n{start}services: {{desk: {{plugin: gallery, actions: {{nothing: {{}}}}}}}}\n"
    with serve(on_host(write(tmp_path, text))) as address:
        console = open_page(address)
        assert console.page.locator(".card.start").count() == 0
        console.button("Disconnect").click()
