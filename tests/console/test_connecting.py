"""Getting to the bot: at once, with a token, again after a loss; and being told why when it does not work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.console.conftest import Between, OnHost, Open, both_hosts
from tests.console.harness import HERE, ConsolePage, serve
from tests.console.proxy import proxy

pytestmark = pytest.mark.browser

LOCKED = """\
manifest: 1
bot: locked
description: Lets in who has the token.
services:
  desk: {plugin: gallery, actions: {nothing: {}}}
runtime: {auth: {tokens: {anna: anna-token-1}}, limits: {max_sessions: 1}}
"""

REFUSED = r"Failed to load resource: the server responded with a status of (401|503)"
LOST = r"WebSocket connection to|net::ERR_|signaling socket closed"


def write(folder: Path, text: str, name: str = "bot.yaml") -> Path:
    path = folder / name
    # Only the handlers this manifest has are wanted of the plugin; the others are for the large one.
    path.write_text(text, encoding="utf-8")
    return path


@both_hosts
def test_the_page_connects_and_shows_its_bot(console: ConsolePage) -> None:
    assert console.page.title() == "Talk · gallery · console"
    console.see("Shows every kind of option")
    console.see("neither hears nor speaks")
    ready = console.wire("bot-ready")
    assert len(ready) == 1
    assert ready[0]["direction"] == "received"
    assert console.wire("client-ready")[0]["message"]["data"]["about"]["library"] == "@pipecat-ai/client-js"


def test_the_first_load_is_small(open_page: Open) -> None:
    console = open_page(is_ready=False)
    sizes: dict[str, int] = {}
    session = console.context.new_cdp_session(console.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    urls: dict[str, str] = {}
    session.on("Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]}))

    def finished(event: dict[str, object]) -> None:
        sizes[urls.get(str(event["requestId"]), "")] = int(str(event["encodedDataLength"]).partition(".")[0])

    session.on("Network.loadingFinished", finished)
    console.open()
    console.page.wait_for_timeout(200)
    assert any(".js" in url for url in sizes)
    assert any(".css" in url for url in sizes)
    assert sum(sizes.values()) < 400_000, sizes


@both_hosts
def test_leaving_and_coming_back(console: ConsolePage) -> None:
    console.button("Disconnect").click()
    console.wait_for_status("Disconnected")
    console.see("Disconnected.")
    assert console.page.get_by_label("Message").is_visible()
    console.page.locator(".banner").get_by_role("button", name="Connect").click()
    console.wait_for_status("Connected")
    console.say("hello again")
    console.see("You said: hello again.")


@both_hosts
def test_a_session_that_the_bot_ends_stays_ended(open_page: Open) -> None:
    console = open_page(errors=LOST)
    console.view("call", "desk.leave")
    console.page.locator("form button[type=submit]").click()
    console.wait_for_status("Ended")
    console.see("The bot has ended the session")


@both_hosts
def test_after_a_loss_the_page_comes_back_by_itself(open_page: Open, on_host: OnHost) -> None:
    """The server goes and comes back at the same port: what was said before is still there."""
    manifest = on_host(HERE / "bot.yaml")
    with serve(manifest) as address:
        console = open_page(address, errors=LOST)
        console.say("before the loss")
        console.see("You said: before the loss.")
    console.wait_for_status("Reconnecting")
    console.see(re.compile("Trying again in"))
    console.button("Try now").click()
    console.wait_for_status("Reconnecting")
    with serve(manifest, port=int(address.rpartition(":")[2])):
        console.wait_for_status("Connected")
        console.say("after the loss")
        console.see("You said: after the loss.")
        console.see("You said: before the loss.")
        console.button("Disconnect").click()


@both_hosts
def test_a_bot_that_asks_for_a_token(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    with serve(on_host(write(tmp_path, LOCKED))) as address:
        console = open_page(address, is_ready=False, errors=REFUSED)
        console.wait_for_status("Refused")
        console.see("This bot asks for a token")
        console.page.get_by_label("Token").fill("wrong")
        console.page.get_by_label("Token").press("Enter")
        console.see("This token is not known here")
        console.page.get_by_label("Token").fill("anna-token-1")
        console.page.get_by_label("Token").press("Enter")
        console.wait_for_status("Connected")
        assert "anna-token-1" not in console.page.content()
        for storage in ("localStorage", "sessionStorage"):
            assert "anna" not in console.page.evaluate(f"JSON.stringify({storage})")


@both_hosts
def test_a_full_server_is_waited_for(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    with serve(on_host(write(tmp_path, LOCKED.replace("auth: {tokens: {anna: anna-token-1}}, ", "")))) as address:
        first = open_page(address)
        second = open_page(address, is_ready=False, errors=REFUSED)
        second.wait_for_status("Reconnecting")
        second.see("All 1 sessions are taken")
        first.button("Disconnect").click()
        first.wait_for_status("Disconnected")
        second.wait_for_status("Connected")


def test_several_bots_are_listed(open_page: Open, tmp_path: Path) -> None:
    one = LOCKED.partition("runtime")[0]
    write(tmp_path, one, "a.yaml")
    write(tmp_path, one.replace("locked", "open").replace("token", "key"), "b.yaml")
    with serve(tmp_path) as address:
        console = open_page(address, is_ready=False)
        console.page.get_by_role("link", name="open").click()
        console.wait_for_status("Connected")
        assert console.page.url == f"{address}/bots/open/"
        expect(console.page).to_have_title("Talk · open · console")
        console.button("Disconnect").click()


@both_hosts
def test_behind_a_proxy_that_has_the_bot_below_a_path(open_page: Open, bot: str) -> None:
    with proxy(bot, "/hotel/desk") as address:
        console = open_page(address)
        console.say("through the proxy")
        console.see("You said: through the proxy.")
        console.button("Disconnect").click()
        console.wait_for_status("Disconnected")


@both_hosts
def test_a_page_of_a_foreign_origin_is_told_that_it_may_not_connect(open_page: Open, bot: str) -> None:
    """A proxy that does not tell the name by which it is known: to the server, the page is somebody else's."""
    with proxy(bot, "/desk", tells_host=False) as address:
        console = open_page(address, is_ready=False, errors="status of 403")
        console.wait_for_status("Refused")
        expect(console.page.locator(".banner")).to_contain_text("origin")
        assert console.button("Connect").count(), "one can try again"


def spoken_as(page_speaks: bytes = b"2.", bot_speaks: bytes = b"2.") -> Between:
    """Let the versions of RTVI, at their beginnings, seem to be others on the way."""

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def changed(message: str | bytes, version: bytes) -> bytes:
            assert isinstance(message, bytes)
            return re.sub(rb'("version": ?")2\.', rb"\g<1>" + version, message)  # as long as before: frames count bytes

        route.on_message(lambda message: server.send(changed(message, page_speaks)))
        server.on_message(lambda message: route.send(changed(message, bot_speaks)))

    return between


@both_hosts
def test_a_bot_that_does_not_take_our_version_says_so(open_page: Open) -> None:
    console = open_page(is_ready=False, between=spoken_as(page_speaks=b"9."))
    expect(console.page.locator(".notice")).to_contain_text(re.compile(r"version .*9\.", re.IGNORECASE))


@both_hosts
def test_a_bot_of_an_older_version_can_still_be_talked_to(open_page: Open) -> None:
    console = open_page(between=spoken_as(bot_speaks=b"1."))
    expect(console.page.locator(".notice")).to_contain_text("speaks RTVI 1.2.0, older than this page")
    console.say("hello")
    console.see("You said: hello.")
