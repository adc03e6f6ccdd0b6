"""`rtvi run` with `pipeline:`: Pipecat's runner, behind the gate, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from rtvi_plugins.cli.connecting import connected
from rtvi_plugins.cli.target import Target, parse_address
from rtvi_plugins.testing.client import Client
from tests.pipecat.launching import REPOSITORY, TEXT_BOT, Process, rtvi, running

GUARDED = """
manifest: 1
bot: guarded
services: {room: {use: room}}
pipeline: {}
runtime:
  responder: echo
  auth: {tokens: {anna: anna-token-1}}
  origins: ["https://app.example"]
"""


@pytest.fixture(scope="module")
def text_bot() -> Iterator[Process]:
    with running(TEXT_BOT) as process:
        yield process


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    manifest = tmp_path_factory.mktemp("guarded") / "bot.yaml"
    manifest.write_text(GUARDED)
    with running(manifest) as process:
        yield process


def test_it_says_one_line(text_bot: Process) -> None:
    assert text_bot.said == [f"serving text-pipecat on {text_bot.address}"]


async def talk(client: Client) -> None:
    assert await client.send_text("please turn the lamp on") == "The lamp is now on."
    assert "lamp" in await client.call("room.state")
    await client.update_config({"room": {"scene": "night"}})
    assert await client.ask("echo", {"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize("legacy", [False, True], ids=["new", "legacy"])
@pytest.mark.parametrize("address", ["{http}", "{ws}/ws", "{ws}/ws-client"], ids=["started", "ws", "ws-client"])
async def test_clients(text_bot: Process, address: str, legacy: bool) -> None:
    target = parse_address(address.format(http=text_bot.address, ws=text_bot.ws))
    async with connected(target, legacy=legacy, timeout_s=10) as client:
        if legacy:
            assert await client.action("room", "state") is not None
        else:
            await talk(client)


def test_session_that_was_started_begins_with_its_configuration(text_bot: Process) -> None:
    config = [{"service": "room", "options": [{"name": "scene", "value": "evening"}]}]
    answer = httpx.post(f"{text_bot.address}/start", json={"config": config}, trust_env=False).json()

    async def ask() -> Any:
        async with connected(Target(answer["wsUrl"], must_start=False)) as client:
            return await client.get_config()

    assert asyncio.run(ask())["room"] == {"scene": "evening"}


def test_pages_and_paths_of_the_runner(text_bot: Process) -> None:
    with httpx.Client(base_url=text_bot.address, trust_env=False) as http:
        assert http.get("/client/").status_code == 200
        assert "websocket" in http.get("/status").json()["transports"]
        page = http.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")  # and no redirect
        assert http.post("/start", json={"transport": "webrtc"}).json().keys() == {"sessionId"}
        refused = http.post("/start", json={"transport": "pigeon"})
        assert (refused.status_code, refused.json()["detail"]) == (400, "Unknown transport 'pigeon'.")


CORS: list[Any] = [
    pytest.param("https://app.example", 200, "https://app.example", id="listed"),
    pytest.param("https://evil.example", 400, None, id="foreign"),
]


@pytest.mark.parametrize(("origin", "status", "allowed"), CORS)
def test_preflight(guarded: Process, origin: str, status: int, allowed: str | None) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    answer = httpx.options(f"{guarded.address}/start", headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, allowed)


@pytest.mark.parametrize(
    ("headers", "status", "allowed"),
    [
        ({"origin": "https://app.example", "authorization": "Bearer anna-token-1"}, 200, "https://app.example"),
        ({"origin": "https://app.example"}, 401, "https://app.example"),
        ({"origin": "https://evil.example", "authorization": "Bearer anna-token-1"}, 403, None),
    ],
    ids=["let-in", "readable-refusal", "foreign"],
)
def test_only_listed_pages_read_answers(
    guarded: Process, headers: dict[str, str], status: int, allowed: str | None
) -> None:
    for body in ({}, {"transport": "webrtc"}):
        answer = httpx.post(f"{guarded.address}/start", json=body, headers=headers, trust_env=False)
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, allowed)
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["sigint", "sigterm"])
def test_signals_stop_gracefully(number: int) -> None:
    with running(TEXT_BOT) as process:
        with connect(f"{process.ws}/ws-client", proxy=None) as client:
            client.send('{"label":"rtvi-ai","type":"client-ready","id":"1","data":{"version":"2.1.0"}}')
            assert json.loads(client.recv(10))["type"] == "bot-ready"
            code = process.stop(number)
            told = json.loads(client.recv(10))
        assert (told["type"], told["data"]["error"]) == ("error", "The server is shutting down")
    assert code == 0
    lines = process.errors.splitlines()
    assert len(lines) == 1, process.errors  # nothing of the runner's preparations, no banner
    assert lines[0].endswith("stopping; the next signal stops at once")


def test_only_transport(tmp_path: Path) -> None:
    with running(TEXT_BOT, "--transport", "webrtc", cwd=tmp_path) as process:
        with httpx.Client(base_url=process.address, trust_env=False) as http:
            assert http.get("/status").json()["transports"] == ["webrtc"]
            assert http.post("/start").json().keys() == {"sessionId"}
            assert "not allowed" in http.post("/connect").json()["detail"]
        assert process.stop() == 0


USAGE: list[Any] = [
    pytest.param([TEXT_BOT, REPOSITORY / "manifests/minimal.yaml"], "runs alone in its process", id="two-hosts"),
    pytest.param(
        [REPOSITORY / "manifests/minimal.yaml", "--transport", "webrtc"], "only a manifest with", id="transport"
    ),
    pytest.param([REPOSITORY / "manifests/minimal.yaml", "--proxy", "x.example"], "only a manifest with", id="proxy"),
    pytest.param([TEXT_BOT, "--transport", "pigeon"], "pigeon", id="unknown-transport"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_bad_usage(arguments: list[str | Path], said: str) -> None:
    done = rtvi("run", *arguments, "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_transport_that_is_not_installed() -> None:
    done = rtvi("run", TEXT_BOT, "--port", "0", "--transport", "daily")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "rtvi: 'daily' cannot be served: 'pipecat.transports.daily.transport' needs 'daily', which is not installed; "
        "pip install 'pipecat-ai[daily]'\n"
    )


def test_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = rtvi("run", TEXT_BOT, "--port", port)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"rtvi: cannot listen on 127.0.0.1:{port}: address already in use\n"


def test_importing_the_runner_leaves_the_environment_alone() -> None:
    code = "import os; from rtvi_plugins.pipecat import launch; a = dict(os.environ); launch._import_runner(); "
    code += "import sys; sys.exit(a != dict(os.environ))"
    given = {**os.environ, "ENV": "production"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


BOT_PY = """
from rtvi_plugins.pipecat import bot_from_manifest

bot = bot_from_manifest("bot.yaml")

if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_bot_py_under_pipecats_own_runner(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT_PY)
    (tmp_path / "bot.yaml").write_text(
        "manifest: 1\nbot: cloud\nservices: {room: {use: room}}\npipeline: {}\nruntime: {responder: echo}\n"
    )
    port = free_port()
    command = [sys.executable, "bot.py", "-t", "websocket", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = iter(process.stderr)
        reader = threading.Thread(target=deque, args=(log, 0), daemon=True)
        try:
            assert any("running on" in line for line in log)  # uvicorn's own words, once it listens
            reader.start()  # the bot would block when nobody reads

            async def ask() -> Any:
                target = Target(f"ws://127.0.0.1:{port}/ws-client", must_start=False)
                async with connected(target, timeout_s=20) as client:
                    return await client.get_config(), await client.send_text("Hello.")

            assert asyncio.run(ask()) == ({"room": {"scene": "day"}}, "Hello.")
        finally:
            process.kill()
            if reader.ident is not None:
                reader.join()  # before the pipe is closed under it


def test_bot_py_with_a_faulty_manifest_tells_every_problem(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT_PY)
    (tmp_path / "bot.yaml").write_text("manifest: 1\nbot: cloud\nservices: {romm: {use: romm}}\npipeline: {sst: x}\n")
    done = subprocess.run(
        [sys.executable, "bot.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "did you mean 'room'?" in done.stderr
    assert "did you mean 'stt'?" in done.stderr
