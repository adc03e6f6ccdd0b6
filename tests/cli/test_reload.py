"""`rtvi run --reload`: a change is tried before it is served; sessions are told, and nobody is refused meanwhile."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .conftest import TIMEOUT_S, Running, Site

MANIFEST = "manifest: 1\nbot: one\nservices: {shop: {actions: {which: {}, started: {}}}}\n"
PLUGIN = """
from rtvi_plugins import Handlers, hookimpl

shop = Handlers("shop")

@shop.action("which")
async def which(processor):
    return "first"

@shop.action("started")
async def started(processor):
    return dict(processor.session.start)

@hookimpl
def rtvi_handlers():
    return [shop]
"""
HOSTS = [
    pytest.param("", "/ws", id="standalone"),
    pytest.param("pipeline: {}\nruntime: {responder: echo}\n", "/ws-client", id="pipecat"),
]


class Lenient(Site):
    """A place where Pipecat, whose imports warn, can be run."""

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "rtvi_plugins", *map(str, arguments)]


class Session:
    """One session over JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.ask("client-ready", {"version": "2.1.0"})

    def ask(self, type_: str, data: Any = None) -> Any:
        self.socket.send(json.dumps({"label": "rtvi-ai", "type": type_, "id": "1", "data": data}))
        while True:
            message = json.loads(self.socket.recv(TIMEOUT_S))
            if message.get("id") == "1":
                return message["data"]

    def call(self, action: str) -> Any:
        return self.ask("action", {"service": "shop", "action": action, "arguments": []})["result"]

    def end(self) -> tuple[list[Any], int]:
        """Wait for the end. Returns the errors that were told, and the close code."""
        told = []
        try:
            while True:
                message = json.loads(self.socket.recv(TIMEOUT_S))
                if message["type"] == "error":
                    told.append(message["data"])
        except ConnectionClosed as closed:
            return told, 1006 if closed.rcvd is None else closed.rcvd.code


@contextmanager
def session(url: str) -> Iterator[Session]:
    with connect(url, open_timeout=TIMEOUT_S, proxy=None) as socket:
        yield Session(socket)


def ws_of(running: Running, path: str = "/ws") -> str:
    return f"ws://{running.address}{path}"


@pytest.mark.parametrize(("more", "path"), HOSTS)
@pytest.mark.parametrize("what", ["manifest", "plugin"])
def test_what_is_broken_changes_nothing(site: Site, more: str, path: str, what: str) -> None:
    plugin = site.add_plugin("shop", PLUGIN)
    manifest = site.add_manifest("bot.yaml", MANIFEST + more)
    place = Lenient(site.path, site.work) if more else site
    with place.running("bot.yaml", "--reload") as running, session(ws_of(running, path)) as old:
        broken, text = (manifest, MANIFEST + more) if what == "manifest" else (plugin, PLUGIN)
        broken.write_text(text.replace("which", "wich", 1) if what == "manifest" else "import nothing_of_this_name\n")
        assert f"[{'missing-handler' if what == 'manifest' else 'broken-plugin'}]" in running.out.wait("[")
        running.err.wait("what was served before goes on")
        assert old.call("which") == "first"
        with session(ws_of(running, path)) as another:
            assert another.call("which") == "first"

        broken.write_text(text.replace("one", "two").replace("first", "second"))
        told, code = old.end()
        assert [(error["code"], error["fatal"]) for error in told] == [("restarting", False)]
        assert code == 1012
        assert running.out.wait("serving") == f"serving {'two' if what == 'manifest' else 'one'} on {running.url}"
        with session(ws_of(running, path)) as new:
            assert new.call("which") == ("first" if what == "manifest" else "second")
        assert running.end() == 0


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import os\nos._exit(7)\n", id="ends the process"),
        pytest.param("raise SystemExit(0)\n", id="exits"),
        pytest.param("x = (\n", id="no Python"),
    ],
)
def test_whatever_a_plugin_does_at_import(site: Site, code: str) -> None:
    plugin = site.add_plugin("shop", PLUGIN)
    site.add_manifest("bot.yaml", MANIFEST)
    with site.running("bot.yaml", "--reload") as running, session(ws_of(running)) as old:
        plugin.write_text(code)
        running.err.wait("what was served before goes on")
        assert old.call("which") == "first"
        assert running.end() == 0


def test_a_trial_that_hangs_is_given_up_for_the_next_change(site: Site) -> None:
    plugin = site.add_plugin("shop", PLUGIN)
    site.add_manifest("bot.yaml", MANIFEST)
    hanging = "import sys, time\nprint('hanging', flush=True)\ntime.sleep(1000)\n"
    with site.running("bot.yaml", "--reload") as running, session(ws_of(running)) as old:
        plugin.write_text(hanging)
        running.out.wait("hanging")
        assert old.call("which") == "first"
        plugin.write_text(PLUGIN.replace("first", "second"))
        running.out.wait("serving")
        with session(ws_of(running)) as new:
            assert new.call("which") == "second"
        plugin.write_text(hanging)
        running.out.wait("hanging")
        assert running.end() == 0


def test_nobody_is_refused_meanwhile(site: Site) -> None:
    site.add_plugin("shop", PLUGIN)
    manifest = site.add_manifest("bot.yaml", MANIFEST)
    failed: list[str] = []
    done = threading.Event()
    with site.running("bot.yaml", "--reload") as running:

        def come_again() -> None:
            while not done.is_set():
                try:
                    answer = httpx.post(f"{running.url}/start", json={}, timeout=TIMEOUT_S, trust_env=False)
                    assert answer.status_code == 200, answer.text
                    with session(ws_of(running)) as one:
                        one.call("which")
                except ConnectionClosed as closed:
                    if closed.rcvd is None or closed.rcvd.code != 1012:
                        failed.append(repr(closed))
                except Exception as error:  # noqa: BLE001 - whatever it is, it is a refusal
                    failed.append(repr(error))

        threads = [threading.Thread(target=come_again) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for name in ("two", "three"):
                manifest.write_text(MANIFEST.replace("one", name))
                running.out.wait(f"serving {name}")
        finally:
            done.set()
            for thread in threads:
                thread.join(TIMEOUT_S)
        assert failed == []
        assert running.end() == 0


def test_a_start_leads_into_the_next_process_too(site: Site) -> None:
    """Clients connect again by the address they have, whose key was made by the process before."""
    site.add_plugin("shop", PLUGIN)
    auth = "runtime: {auth: {tokens: {anna: anna-token-1, bert: bert-token-2}}}\n"
    manifest = site.add_manifest("bot.yaml", MANIFEST + auth)
    with site.running("bot.yaml", "--reload") as running:

        def start(token: str) -> str:
            headers = {"authorization": f"Bearer {token}"}
            answer = httpx.post(f"{running.url}/start", json={"body": {"n": 1}}, headers=headers, trust_env=False)
            return str(answer.json()["ws_url"])

        anna, bert = start("anna-token-1"), start("bert-token-2")
        with session(anna) as one:
            assert one.call("started") == {"n": 1}
            manifest.write_text((MANIFEST + auth).replace(", bert: bert-token-2", ""))
            assert one.end()[1] == 1012
        running.out.wait("serving one")
        with session(anna) as one:
            assert one.call("started") == {"n": 1}
        with pytest.raises(InvalidStatus), session(bert):
            pass
        manifest.write_text(MANIFEST + auth + "start: {n: {type: string}}\n")
        running.out.wait("serving one")
        with pytest.raises(InvalidStatus), session(anna):  # the bot would take no such start any more
            pass
        assert running.end() == 0


def test_without_a_change_the_end_is_what_it_was(site: Site) -> None:
    site.add_plugin("shop", PLUGIN)
    site.add_manifest("bot.yaml", MANIFEST)
    with site.running("bot.yaml", "--reload") as running, session(ws_of(running)) as old:
        running.process.terminate()
        told, code = old.end()
        assert [(error["error"], error["fatal"]) for error in told] == [("The server is shutting down", True)]
        assert code == 1001
        assert running.process.wait(TIMEOUT_S) == 0
