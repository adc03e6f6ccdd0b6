"""`rtvi run`: what it prints, how it ends, and what it does not survive."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import TIMEOUT_S, Running, Site

MINIMAL = "manifest: 1\nbot: {name}\nservices: {{kitchen: {{options: {{pin: {{type: string, mutable: never}}}}}}}}\n"


def add_bots(site: Site, *names: str) -> None:
    for name in names:
        site.add_manifest(f"bots/{name}.yaml", MINIMAL.format(name=name))


def test_one_bot_is_served_at_the_root(site: Site) -> None:
    add_bots(site, "lobby")
    with site.running("bots/lobby.yaml") as running:
        assert re.fullmatch(r"serving lobby on http://127\.0\.0\.1:[1-9][0-9]*", running.serving[0])
        assert httpx.get(f"{running.url}/ready", trust_env=False).json() == {"ready": True, "sessions": {"lobby": 0}}
        assert running.end() == 0
        assert running.out.all == running.serving


def test_several_bots_are_served_under_their_names(site: Site) -> None:
    add_bots(site, "lobby", "bar")
    with site.running("bots", bots=2) as running:
        address = f"http://{running.address}"
        assert running.serving == [f"serving bar on {address}/bots/bar/", f"serving lobby on {address}/bots/lobby/"]
        for name in ("bar", "lobby"):
            started = httpx.post(f"{address}/bots/{name}/start", json={}, trust_env=False).json()
            assert started["ws_url"] == f"ws://{running.address}/bots/{name}/ws"
        assert running.end() == 0
        assert running.out.all == running.serving


def test_name_of_two_addresses_is_served_at_one_port(site: Site) -> None:
    add_bots(site, "lobby")
    with site.running("bots", "--host", "localhost") as running:
        port = running.url.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).json() == {"status": "ok"}
        assert running.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_first_signal_stops_gracefully(site: Site, number: int) -> None:
    add_bots(site, "lobby")
    with site.running("bots") as running:
        assert running.end(number) == 0
        assert "stopping" in running.err.all[-1]


@pytest.fixture
def calling(shared: Site) -> Callable[[Running, str], subprocess.Popen[str]]:
    """A function that starts `rtvi call` for an action that does not end."""

    def start(running: Running, action: str) -> subprocess.Popen[str]:
        command = shared.command("call", running.url, f"kitchen.{action}")
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=shared.environment, stdout=pipe, stderr=pipe, text=True)

    return start


Calling = Callable[[Running, str], subprocess.Popen[str]]


def test_hanging_thread_does_not_hold_up_the_end(shared: Site, calling: Calling) -> None:
    with shared.running("kitchen.yaml") as running, calling(running, "hang") as call:
        running.out.wait("hanging")
        assert running.end() == 0
        assert call.wait(TIMEOUT_S) in (1, 3)
        assert any("1 handler still busy in a thread" in line for line in running.err.all)


def test_running_action_is_cancelled_and_its_client_told(shared: Site, calling: Calling) -> None:
    with shared.running("kitchen.yaml") as running, calling(running, "wait") as call:
        running.out.wait("waiting")
        assert running.end() == 0
        _, said = call.communicate(timeout=TIMEOUT_S)
        assert call.returncode in (1, 3)
        assert said.startswith("rtvi: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_second_signal_ends_at_once(site: Site, calling: Calling, number: int) -> None:
    text = (Path(__file__).parent / "kitchen.yaml").read_text().replace("stop_timeout: 200ms", "stop_timeout: 1h")
    site.add_manifest("kitchen.yaml", text)
    with site.running("kitchen.yaml") as running, calling(running, "wait") as call:
        running.out.wait("waiting")
        running.process.send_signal(number)
        running.err.wait("stopping")
        assert running.end(number) == 128 + number
        assert call.wait(TIMEOUT_S) == 3


def test_second_signal_is_heard_while_a_handler_blocks_everything(shared: Site, calling: Calling) -> None:
    with shared.running("kitchen.yaml") as running, calling(running, "block") as call:
        running.out.wait("blocking")
        running.process.send_signal(signal.SIGINT)
        assert running.end(signal.SIGTERM) in (128 + signal.SIGINT, 128 + signal.SIGTERM)
        assert call.wait(TIMEOUT_S) == 3


INTERRUPTED_WRITE = """
import io, os, signal, sys
from rtvi_plugins.cli.serving import end_now

class Raw(io.RawIOBase):
    def writable(self):
        return True
    def write(self, data):
        os.kill(os.getpid(), signal.SIGTERM)
        return len(data)

signal.signal(signal.SIGTERM, lambda *_: end_now(143))
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Raw()))
print("something", flush=True)
"""


def test_a_signal_in_the_midst_of_a_write_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WRITE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "")


def test_problems_are_printed_and_nothing_is_started(site: Site) -> None:
    add_bots(site, "lobby")
    site.add_manifest("bad.yaml", "manifest: 1\nbot: 3x\n")
    done = site.rtvi("run", "bots", "bad.yaml", "nothere.yaml", "--port", "0")
    assert done.returncode == 1
    assert done.stderr == ""
    *problems, last = done.stdout.splitlines()
    assert [line.rpartition(" ")[2] for line in problems] == ["[empty-bot]", "[bad-name]", "[unreadable-file]"]
    assert last == "3 problems in 2 manifests; nothing was started"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        pytest.param("127.0.0.1", "address already in use", id="taken port"),
        pytest.param("203.0.113.1", "cannot assign requested address", id="foreign address"),
        pytest.param("no.such.host.invalid", "no such host", id="unknown name"),
        pytest.param("a" * 70, "no such host", id="impossible name"),
    ],
)
def test_address_that_cannot_be_had(site: Site, taken: int, host: str, reason: str) -> None:
    add_bots(site, "lobby")
    done = site.rtvi("run", "bots", "--host", host, "--port", str(taken))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"rtvi: cannot listen on {host}:{taken}: {reason}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no path"),
        pytest.param(("bots", "--port", "x"), id="port no number"),
        pytest.param(("bots", "--port", "65536"), id="port too large"),
        pytest.param(("bots", "--log-level", "loud"), id="unknown level"),
        pytest.param(("bots", "--lot-level", "info"), id="unknown option"),
    ],
)
def test_bad_usage(site: Site, arguments: tuple[str, ...]) -> None:
    add_bots(site, "lobby")
    done = site.rtvi("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: rtvi run" in done.stderr


@pytest.mark.parametrize(
    ("options", "headers", "status"),
    [
        pytest.param((), {"Origin": "https://a.example"}, 403, id="foreign origin"),
        pytest.param(
            ("--allow-origin", "https://b.example", "--allow-origin", "https://a.example"),
            {"Origin": "https://a.example"},
            200,
            id="allowed origin",
        ),
        pytest.param((), {"Host": "bot.example"}, 403, id="foreign name"),
        pytest.param(("--allow-host", "bot.example"), {"Host": "bot.example"}, 200, id="allowed name"),
    ],
)
def test_who_may_come_in(site: Site, options: tuple[str, ...], headers: dict[str, str], status: int) -> None:
    add_bots(site, "lobby")
    with site.running("bots", *options) as running:
        answer = httpx.post(f"{running.url}/start", json={}, headers=headers, trust_env=False)
        assert answer.status_code == status
        assert running.end() == 0


def test_log_level(site: Site) -> None:
    add_bots(site, "lobby")
    with site.running("bots", "--log-level", "error") as running:
        assert running.end() == 0
        assert running.err.all == []


def test_reload_follows_manifests_used_files_and_plugins(site: Site) -> None:
    manifest = site.add_manifest("bot.yaml", "manifest: 1\nbot: one\nservices: {kitchen: {use: ./parts/k.yaml}}\n")
    used = site.add_manifest("parts/k.yaml", "manifest: 1\nactions: {add: {arguments: {a: number, b: number}}}\n")
    with site.running("bot.yaml", "--reload") as running:
        address = running.address

        manifest.write_text(manifest.read_text().replace("one", "two"))
        assert running.out.wait("serving") == f"serving two on http://{address}"

        used.write_text(used.read_text().replace("add:", "ad:"))
        assert "[missing-handler]" in running.out.wait("[")
        assert running.out.wait("nothing was started") == "1 problem in 1 manifest; nothing was started"
        used.write_text(used.read_text().replace("ad:", "add:"))
        assert running.out.wait("serving") == f"serving two on http://{address}"

        (site.path / "rtvi_plugin_kitchen.py").write_text("import nothing_of_this_name\n")
        assert "[broken-plugin]" in running.out.wait("broken-plugin")
        assert "nothing was started" in running.out.wait("nothing was started")
        (site.path / "rtvi_plugin_kitchen.py").write_text((Path(__file__).parent / "kitchen.py").read_text())
        assert running.out.wait("serving") == f"serving two on http://{address}"
        assert running.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_reload_ends_while_it_waits_for_better_files(site: Site, number: int) -> None:
    site.add_manifest("bot.yaml", "manifest: 1\n")
    with site.running("bot.yaml", "--reload", bots=0) as running:
        running.out.wait("nothing was started")
        assert running.end(number) == 1


def test_uvloop_is_used_where_it_is_installed(site: Site) -> None:
    pytest.importorskip("uvloop")
    site.add_plugin(
        "loop",
        """
        import asyncio
        from rtvi_plugins import Handlers, hookimpl

        loop = Handlers("loop")

        @loop.action("kind")
        async def kind(processor):
            return type(asyncio.get_running_loop()).__module__

        @hookimpl
        def rtvi_handlers():
            return [loop]
        """,
    )
    site.add_manifest("bot.yaml", "manifest: 1\nbot: loop\nservices: {loop: {actions: {kind: {}}}}\n")
    with site.running("bot.yaml") as running:
        assert site.rtvi("call", running.url, "loop.kind").stdout == "uvloop\n"
        assert running.end() == 0


def test_pipe_that_nobody_reads_any_more(shared: Site) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = shared.command("describe", "kitchen.yaml")
    with subprocess.Popen(
        command, cwd=shared.work, env=shared.environment, stdout=writing, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writing)
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert said == ""


def test_module_and_script_are_one_command() -> None:
    by_module = subprocess.run([sys.executable, "-m", "rtvi_plugins", "--version"], capture_output=True, check=True)
    code = "from rtvi_plugins.cli import main; main()"
    by_script = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, check=True)
    assert by_module.stdout == by_script.stdout
    assert re.fullmatch(rb"rtvi-plugins [0-9.]+\n", by_module.stdout)
