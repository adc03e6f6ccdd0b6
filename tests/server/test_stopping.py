"""SIGINT and SIGTERM: running actions get their time, clients are told, the process ends with 0."""

from __future__ import annotations

import asyncio
import math
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.pace import slowness

from .harness import PATIENCE_S, Process, Talk, bare, ready_message, serve, serve_process, talk, until
from .wild import write_manifest

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    with serve_process(write_manifest(folder, runtime={"limits": {"stop_timeout": "1s"}})) as running:
        yield running


def wait_for(client: Talk, key: str) -> str:
    """Start an action that runs until `open` is called; returns once it runs."""
    id_ = client.send("client-message", {"t": "acts.wait", "d": {"key": key}})
    assert client.is_alive()
    return id_


def assert_told_and_closed(client: Talk) -> None:
    error = client.next()
    assert error["type"] == "error"
    assert error["data"]["fatal"] is True
    assert error["data"]["error"] == error["data"]["message"] == "The server is shutting down"
    with pytest.raises(ConnectionClosed) as caught:
        client.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_an_idle_server_stops_at_once_and_tells_its_clients(process: Process, number: signal.Signals) -> None:
    with talk(process.ws) as one, talk(process.ws, version=None, binary=True) as two:
        process.signal(number)
        assert_told_and_closed(one)
        assert_told_and_closed(two)
        assert process.wait() == 0


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_an_action_that_runs_is_given_its_time(process: Process, number: signal.Signals) -> None:
    with talk(process.ws) as client:
        id_ = client.send("client-message", {"t": "acts.in_turn", "d": {"number": 1}})
        many = [client.send("client-message", {"t": "acts.in_turn", "d": {"number": n}}) for n in range(100)]
        assert client.reply(id_)["type"] == "server-response"
        process.signal(number)
        for other in many:
            assert client.reply(other)["type"] == "server-response"
        assert_told_and_closed(client)
        assert process.wait() == 0


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_an_action_beyond_the_deadline_is_cancelled(folder: Path, number: signal.Signals) -> None:
    manifest = write_manifest(folder, runtime={"limits": {"stop_timeout": f"{math.ceil(2 * slowness())}s"}})
    with serve_process(manifest) as process, talk(process.ws) as client:
        wait_for(client, "k")
        before = time.monotonic()
        process.signal(number)
        assert until(lambda: httpx.get(f"{process.address}/ready").status_code == 503)
        assert httpx.get(f"{process.address}/health").status_code == 200
        assert httpx.post(f"{process.address}/start").status_code == 503
        with pytest.raises(InvalidStatus) as caught, talk(process.ws):
            pass
        assert caught.value.response.status_code == 503
        refused = client.request("get-config")
        assert (refused["type"], refused["data"]["code"]) == ("error-response", "shutting-down")
        assert_told_and_closed(client)
        assert process.wait() == 0
        assert time.monotonic() - before > 1.9


def test_a_second_sigint_does_not_wait(folder: Path) -> None:
    manifest = write_manifest(folder, runtime={"limits": {"stop_timeout": "10m"}})
    with serve_process(manifest) as process, talk(process.ws) as client:
        wait_for(client, "k")
        process.signal(signal.SIGINT)
        assert until(lambda: httpx.get(f"{process.address}/ready").status_code == 503)
        process.signal(signal.SIGINT)
        assert process.wait() == 128 + signal.SIGINT


def test_a_client_that_does_not_read_does_not_keep_the_server(process: Process) -> None:
    with bare(process.port) as socket:
        socket.put(ready_message())
        huge = {"service": "acts", "action": "huge", "arguments": {"size": 4_000_000}}
        for n in range(8):
            socket.put({"label": "rtvi-ai", "type": "action", "id": f"h{n}", "data": huge})
        assert socket.next()
        process.signal(signal.SIGTERM)
        assert process.wait() == 0


def test_a_connection_without_a_session_does_not_keep_the_server(process: Process) -> None:
    with bare(process.port, shake=False) as silent, bare(process.port, shake=False) as half:
        half.send(b"GET /ws HTTP/1.1\r\nHost: ")
        assert httpx.get(f"{process.address}/health").status_code == 200
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        assert silent


def test_a_session_that_is_being_prepared_ends_too(folder: Path) -> None:
    with serve(folder) as serving:
        begun, may_go_on = threading.Event(), asyncio.Event()

        async def slowly(_processor: Any) -> None:
            begun.set()
            await may_go_on.wait()

        serving.wild.start_hook = slowly
        with talk(serving.ws, ready=False) as client:
            assert begun.wait(5)
            serving.server.should_exit = True
            assert until(lambda: serving.ask(lambda: serving.hosts[0].is_stopping))
            serving.loop.call_soon_threadsafe(may_go_on.set)
            assert_told_and_closed(client)
        assert until(lambda: [reason for _, _, reason in serving.wild.sessions] == ["", "shutdown"])


def test_nothing_is_printed_but_the_address(process: Process) -> None:
    with talk(process.ws) as client, bare(process.port) as socket:
        assert client.is_alive()
        socket.reset()
        httpx.post(f"{process.address}/start", content=b"junk")
        for path in ("/start", "/action"):  # a client that vanishes in the middle of its body
            with bare(process.port, shake=False) as half:
                half.send(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{{".encode())
                assert httpx.get(f"{process.address}/health").status_code == 200
                half.reset()
        assert httpx.get(f"{process.address}/health").status_code == 200
        with pytest.raises(InvalidStatus), talk(process.ws, origin="https://evil.example"):
            pass
    process.signal(signal.SIGTERM)
    out, told = process.process.communicate(timeout=PATIENCE_S)
    assert process.process.returncode == 0
    assert (out, told) == ("", "")
