"""A bot that cannot be reached any more, or will not go on: what happened is told, and what can be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, WebSocketRoute, expect

from tests.console.conftest import OnHost, Open, both_hosts
from tests.console.harness import HERE, ConsolePage, serve
from tests.console.test_connecting import LOCKED, LOST, REFUSED, write

pytestmark = pytest.mark.browser

Cut = Callable[[int], None]


@pytest.fixture
def cut_off(open_page: Open) -> tuple[ConsolePage, Cut]:
    """The console, connected, and a function that closes its socket with a code."""
    routes: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        routes.append(route)
        route.on_message(server.send)
        server.on_message(route.send)

    console = open_page(between=between, errors=LOST)
    return console, lambda code: routes[-1].close(code=code)


def banner(console: ConsolePage, *texts: str | re.Pattern[str]) -> None:
    for text in texts:
        expect(console.page.locator(".banner")).to_contain_text(text)


STAY = {
    1000: "The bot has ended the session",
    1008: "The server does not let this page in",
    4410: "nothing happened in it for too long",
}
RETRY = {
    1001: "Start the bot again",
    1009: "max_message_bytes",
    1011: "The bot's log says what went wrong",
    1012: "The bot starts again",
    1013: "no room just now",
    4408: "did not hear from this page in time",
    4999: "The connection to the bot was lost",
}


@pytest.mark.parametrize(("code", "text"), STAY.items())
def test_a_close_after_which_somebody_has_to_connect(cut_off: tuple[ConsolePage, Cut], code: int, text: str) -> None:
    console, cut = cut_off
    cut(code)
    console.wait_for_status("Ended")
    banner(console, text)
    expect(console.page.locator(".banner [role=alert]")).to_contain_text(text)
    assert console.page.get_by_text("Trying again").count() == 0
    console.page.locator(".banner").get_by_role("button", name="Connect").click()
    console.wait_for_status("Connected")
    assert console.page.locator(".banner").count() == 0


@pytest.mark.parametrize(("code", "text"), RETRY.items())
def test_a_close_after_which_the_page_comes_again(cut_off: tuple[ConsolePage, Cut], code: int, text: str) -> None:
    console, cut = cut_off
    cut(code)
    banner(console, text, re.compile(r"Trying again in \d+ s"))
    expect(console.page.locator(".banner.is-bad")).to_have_count(1)
    console.wait_for_status("Connected")
    assert console.page.locator(".banner").count() == 0


FATAL = {"idle": ("Ended", "Connect to begin another one"), "shutting-down": ("Reconnecting", "Start the bot again")}


@both_hosts
@pytest.mark.parametrize(("code", "status", "advice"), [(code, *told) for code, told in FATAL.items()])
def test_a_fatal_error_counts_as_its_close_code(open_page: Open, code: str, status: str, advice: str) -> None:
    console = open_page(errors=LOST)
    console.view("call", "desk.expire")
    console.page.get_by_label("code", exact=True).fill(code)
    console.button("Call").click()
    console.wait_for_status(status)
    banner(console, "It is over.", advice)


@both_hosts
def test_a_server_that_is_gone_is_told_with_its_address(open_page: Open, on_host: OnHost) -> None:
    with serve(on_host(HERE / "bot.yaml")) as address:
        console = open_page(address, errors=LOST)
    banner(console, "The server cannot be reached", "Check that the bot runs (rtvi run)", f"{address}/ is where it is")
    console.wait_for_status("Reconnecting")
    banner(console, re.compile(r"Trying again in \d+ s"))
    console.button("Stop").click()
    console.wait_for_status("Disconnected")
    console.view("call", "desk.greet")
    expect(console.button("Call")).to_be_disabled()


def test_a_page_that_never_got_to_its_bot_does_not_say_that_it_waits(open_page: Open, bot: str) -> None:
    console = open_page(is_ready=False, errors="ERR_|Failed to load")
    console.page.route("**/start", lambda route: route.abort())
    console.page.reload()
    console.wait_for_status("Reconnecting")
    for view in ("talk", "configure", "call"):
        expect(console.view(view).locator(".empty")).to_contain_text("Not connected")


def test_a_bot_that_is_lost_while_it_describes_itself_is_not_taken_for_an_empty_one(open_page: Open) -> None:
    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(route.send)

        def pass_on(message: str | bytes) -> None:
            if b"describe-bot" in (message if isinstance(message, bytes) else message.encode()):
                route.close(code=1008)
            else:
                server.send(message)

        route.on_message(pass_on)

    console = open_page(is_ready=False, between=between, errors=LOST)
    console.wait_for_status("Ended")
    for view in ("talk", "configure", "call"):
        expect(console.view(view).locator(".empty")).to_contain_text("Not connected")


REFUSALS = {
    "too many": (429, '{"error": "Too many connections"}', "Too many connections", "comes in as soon as"),
    "broken proxy": (502, "<html>Bad Gateway</html>", "The server answered 502", "The server's log says"),
    "nothing there": (404, '{"detail": "Not Found"}', "Not Found", "check the address of this page"),
    "text": (418, "short and stout", "The server answered 418", "Connect tries again"),
    "no address": (200, "{}", "did not say where to connect", "check the address of this page"),
    "no JSON": (200, "hello", "did not say where to connect", "check the address of this page"),
    "a list": (200, "[]", "did not say where to connect", "check the address of this page"),
}


@pytest.mark.parametrize(("status", "body", "text", "advice"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_start_is_told_whatever_answers(
    open_page: Open, status: int, body: str, text: str, advice: str
) -> None:
    console = open_page(is_ready=False, errors="Failed to load resource")

    def answer(route: Route) -> None:
        route.fulfill(status=status, body=body, content_type="text/plain")

    console.page.route("**/start", answer)
    console.page.reload()
    banner(console, text, advice)
    console.page.unroute("**/start")
    console.page.locator(".banner").get_by_role("button").click()
    console.wait_for_status("Connected")


@both_hosts
def test_who_asks_for_a_token_says_where_tokens_stand(open_page: Open, on_host: OnHost, tmp_path: Path) -> None:
    with serve(on_host(write(tmp_path, LOCKED))) as address:
        console = open_page(address, is_ready=False, errors=REFUSED)
        banner(console, "This bot asks for a token", "runtime.auth")
