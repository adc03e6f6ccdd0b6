"""Fixtures of the real-client tests: one build, one browser and one bot for the folder, a page for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.hosts import pytest_configure

from .harness import HERE, Bot, absent, bundle_pages, run_on, serve_folder
from .pages import Client, LegacyClient, NewClient

if TYPE_CHECKING:
    from playwright.async_api import Browser

__all__ = ["pytest_configure"]

NewPage: TypeAlias = Callable[..., Client]

GENERATIONS = [pytest.param(NewClient, id="new"), pytest.param(LegacyClient, id="legacy")]

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # The tests need no network, and nothing that the packages might fetch may decide how they end.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


ON_BOTH_HOSTS = ("test_both_generations", "test_legacy_functions", "test_new_functions")
"""Modules whose tests run against both hosts: what each generation does with a bot of its own, and function calls.

The rest, which takes most of the time, asks the standalone host alone: in process it runs on both (`tests/hosts.py`).
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the host of each test that needs a bot."""
    if "host" in metafunc.fixturenames:
        is_both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH_HOSTS
        mark = metafunc.definition.get_closest_marker("standalone")
        hosts = ("standalone", "pipecat") if is_both and mark is None else ("standalone",)
        metafunc.parametrize("host", hosts, indirect=True, scope="session")


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> str:
    """Which host serves the bots."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def pages() -> Path:
    return bundle_pages()


@pytest.fixture(scope="session")
def origin(pages: Path) -> Iterator[str]:
    """Where the pages come from; the bot allows this origin."""
    with serve_folder(pages) as address:
        yield address


@pytest.fixture(scope="session")
def foreign_origin(pages: Path) -> Iterator[str]:
    """The same pages from an origin that the bot was not told of."""
    with serve_folder(pages) as address:
        yield address


@pytest.fixture(scope="session")
def bot(host: str, origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with run_on(host, HERE / "bot.yaml", tmp_path_factory.mktemp(host), origin=origin) as running:
        yield running


@pytest.fixture(scope="session")
def whole(host: str, origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot whose handlers do what the tests say, from a plugin that only it has."""
    folder, plugins = tmp_path_factory.mktemp(host), HERE / "plugins"
    with run_on(host, HERE / "bot_whole.yaml", folder, origin=origin, plugins=plugins) as running:
        yield running


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """The event loop the browser is driven from: in a thread of its own, so that tests may have theirs."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session")
def browser(portal: BlockingPortal) -> Iterator[Browser]:
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - its absence has to be told, not to end the run
    except ImportError:
        absent("the Python package playwright is not installed")
    with portal.wrap_async_context_manager(async_playwright()) as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        executable = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
        if not Path(executable).exists():
            absent("Chromium is not installed; install it, or run `playwright install chromium`")
        launch = partial(playwright.chromium.launch, executable_path=executable, args=CHROMIUM_ARGS)
        running = portal.call(launch)
        yield running
        portal.call(running.close)


@pytest.fixture
def new_page(browser: Browser, portal: BlockingPortal, origin: str) -> Iterator[NewPage]:
    """A function that opens a page of a generation, from the allowed origin or another."""
    opened: list[Client] = []

    def opening(kind: type[Client], at: str = origin) -> Client:
        client = kind(portal, portal.call(browser.new_context), at)
        opened.append(client)
        return client

    yield opening
    for client in opened:
        client.close()


@pytest.fixture(params=GENERATIONS)
def kind(request: pytest.FixtureRequest) -> type[Client]:
    """One generation of client after the other."""
    generation: type[Client] = request.param
    return generation


@pytest.fixture
def client(kind: type[Client], new_page: NewPage) -> Client:
    """A page of each generation, not connected."""
    return new_page(kind)


@pytest.fixture
def connected(client: Client, bot: Bot) -> Client:
    """A page of each generation, connected."""
    client.ask(client.start(bot))
    return client


@pytest.fixture(scope="module", params=GENERATIONS)
def steady(
    request: pytest.FixtureRequest, browser: Browser, portal: BlockingPortal, origin: str, bot: Bot
) -> Iterator[Client]:
    """A page of each generation with one session for all tests of a module: each finds it usable after the last."""
    client: Client = request.param(portal, portal.call(browser.new_context), origin)
    client.ask(client.start(bot))
    yield client
    client.close()
