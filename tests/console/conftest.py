"""Fixtures of the console's tests: a bot with every kind of schema, a browser, and a page that must not misbehave."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.harness import absent
from tests.console.harness import HERE, PATIENCE, PIPELINE, SOURCE, ConsolePage, run, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, WebSocketRoute

Open = Callable[..., ConsolePage]
OnHost = Callable[[Path], Path]
Between = Callable[["WebSocketRoute"], None]
"""What stands between the page and the bot's socket."""

both_hosts = pytest.mark.parametrize("host", ["standalone", "pipecat"], indirect=True, scope="module")
"""For tests of what the page learns from the bot. What the page does by itself is tried on one host."""

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    # The tests need no network, and nothing that the page might fetch may decide how they end.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def npm() -> str:
    """Install the packages of the lock file, unless they are there."""
    found = shutil.which("npm")
    if found is None or shutil.which("node") is None:
        absent("Node.js with npm is not installed")
    files = ("package.json", "package-lock.json", ".npmrc")
    wanted = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in files)).hexdigest()
    stamp = SOURCE / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        run(found, "ci")
        stamp.write_text(wanted)
    return found


@pytest.fixture(scope="session")
def axe(npm: str) -> str:
    """The source of axe, which looks for what keeps people out."""
    source = SOURCE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        absent("axe-core is not installed")
    return source.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest) -> str:
    """The host of the running test; see `both_hosts`."""
    return str(getattr(request, "param", "standalone"))


@pytest.fixture(scope="module")
def on_host(host: str, tmp_path_factory: pytest.TempPathFactory) -> OnHost:
    """A function that gives a manifest, made one for the host of the running test."""

    def of_host(manifest: Path) -> Path:
        if host == "standalone":
            return manifest
        made = tmp_path_factory.mktemp("pipecat") / manifest.name
        made.write_text(manifest.read_text(encoding="utf-8") + PIPELINE, encoding="utf-8")
        return made

    return of_host


@pytest.fixture(scope="module")
def bot(on_host: OnHost) -> Iterator[str]:
    """The address of the bot with every kind of schema."""
    with serve(on_host(HERE / "bot.yaml")) as address:
        yield address


@contextmanager
def launch(*args: str) -> Iterator[Browser]:
    """Start a browser; while it runs, this thread has an event loop, which tests without a browser must not see."""
    try:
        from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - its absence has to be told
    except ImportError:
        absent("the Python package playwright is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        executable = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
        if not Path(executable).exists():
            absent("Chromium is not installed; install it, or run `playwright install chromium`")
        running = playwright.chromium.launch(executable_path=executable, args=[*CHROMIUM_ARGS, *args])
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of one module."""
    with launch() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, bot: str) -> Iterator[Open]:
    """A function that opens the console in a browser context of its own; afterwards nothing may have gone wrong."""
    opened: list[ConsolePage] = []

    def opening(
        address: str = "", *, is_ready: bool = True, errors: str = "", between: Between | None = None, **context: object
    ) -> ConsolePage:
        page = ConsolePage(browser.new_context(**context), address or bot, errors)  # type: ignore[arg-type]
        opened.append(page)
        if between is not None:
            page.page.route_web_socket(re.compile(".*"), between)
        page.open(is_ready=is_ready)
        return page

    yield opening
    for page in opened:
        page.close()


@pytest.fixture
def console(open_page: Open) -> ConsolePage:
    """The console, connected to the bot."""
    return open_page()
