"""What the console's tests stand on: the running bot, and the page as a person meets it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.clients.harness import run_bot

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Request

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "console"
"""The page's sources."""

PIPELINE = "\npipeline: {idle_timeout: never}\n"
"""What makes a manifest one for the Pipecat host; the bot's responder answers there, too."""

PATIENCE = 20_000
"""Milliseconds to wait for what must come: a busy machine is slow."""

VIEWS = ("talk", "configure", "call", "jobs", "page", "wire")


@contextmanager
def serve(manifest: Path, port: int = 0) -> Iterator[str]:
    """Run the real command with the plugin of this folder; gives the address."""
    with run_bot(manifest, origin="http://127.0.0.1:1", plugins=HERE / "plugins", port=port) as running:
        yield running.http


class ConsolePage:
    """The console in a browser.

    errors: a pattern for what the browser may complain about in this test; by default nothing.
    """

    def __init__(self, context: BrowserContext, address: str, errors: str = "") -> None:
        self.address = address.rstrip("/")
        self.context = context
        self.page = context.new_page()
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self._errors = errors
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._check)
        self.page.on("websocket", lambda socket: self._check_address(socket.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _check(self, request: Request) -> None:
        self._check_address(request.url)

    def _check_address(self, url: str) -> None:
        host = self.address.partition("://")[2].partition("/")[0]
        if not re.match(rf"(?:http|ws)://{re.escape(host)}/|data:|blob:{re.escape(self.address)}", url):
            self.outside.append(url)

    def open(self, *, is_ready: bool = True) -> None:
        """Load the page anew."""
        self.page.goto(f"{self.address}/")
        if is_ready:
            self.wait_for_status("Connected")
            self.page.locator(".side-name", has_text=re.compile("^(?!Bot$)")).wait_for()

    def close(self) -> None:
        """Leave; nothing may have been asked of another server, and nothing may have gone wrong unseen."""
        self.context.close()
        assert not self.outside, self.outside
        bad = [text for text in self.complaints if not (self._errors and re.search(self._errors, text))]
        assert not bad, bad

    # -- looking ------------------------------------------------------------------------------------------------------

    def wait_for_status(self, word: str) -> None:
        self.page.locator(".status-word", has_text=word).wait_for()

    def view(self, name: str, item: str = "") -> Locator:
        """Go to a view, as its link does; gives its content."""
        self.page.evaluate("hash => { location.hash = hash }", f"{name}/{item}" if item else name)
        self.page.locator(f"main.is-{name}").wait_for()
        return self.page.locator("main")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def see(self, text: str | re.Pattern[str]) -> Locator:
        """Wait until a text can be seen; gives the first place where it stands."""
        found = self.page.get_by_text(text).first
        found.wait_for()
        return found

    def field(self, name: str) -> Locator:
        """The row of a field, by its name."""
        return self.page.locator(".field", has=self.page.locator(f".field-name:text-is('{name}')")).first

    def wire(self, type_: str) -> list[dict[str, Any]]:
        """The messages of a type in the console's own log, oldest first, as it exports them."""
        self.view("wire")
        self.page.get_by_label("Filter").fill("")
        self.page.wait_for_timeout(80)  # the log is drawn at most twenty times a second
        with self.page.expect_download() as downloading:
            self.button("Export").click()
        return [entry for entry in read_lines(downloading.value.path()) if entry["message"]["type"] == type_]

    def findings(self, axe: str) -> list[str]:
        """Give axe's serious and critical findings. It is put in past the page's policy, as developer tools are."""
        self.context.new_cdp_session(self.page).send("Runtime.evaluate", {"expression": axe})
        told = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert told["passes"], "it did look"
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in told["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    # -- doing --------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        box = self.page.get_by_label("Message")
        box.fill(text)
        box.press("Enter")

    def say_many(self, count: int, text: str) -> None:
        """Say the same again and again, each time without waiting for the answer."""
        self.view("talk")
        for _ in range(count):
            self.say(text)
        self.page.locator(".turn.is-bot.is-done").last.wait_for()

    def call(self, target: str, /, **fields: str) -> Locator:
        """Fill the text fields of an action's form and call it; gives its entry in the history once it is done."""
        self.view("call", target)
        for field, value in fields.items():
            self.page.get_by_label(field, exact=True).fill(value)
        entries = self.page.locator(".history .entry")
        before = entries.count()
        self.page.locator("form button[type=submit]").click()
        self.page.wait_for_function("n => document.querySelectorAll('.history .entry').length > n", arg=before)
        return entries.first


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def run(*command: str) -> str:
    """Run a command where the sources are; it has to succeed."""
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
