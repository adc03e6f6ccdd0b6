"""Nobody who has not come in, or is not heard of, keeps a place for ever; who is slow but honest is not cut."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtvi_plugins.server.codec import Frame
from tests.edge.conftest import EdgeRunning, Run
from tests.edge.talking import PATIENCE_S, Talk, talk

pytestmark = pytest.mark.slow

MANY = 60
HALF_SENT = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
PIECE_S = 0.1
"""How long an honest client takes for each piece."""


def dial(running: EdgeRunning) -> socket.socket:
    host, _, port = running.address.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE_S)


@contextmanager
def many(running: EdgeRunning, number: int = MANY) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(dial(running)) for _ in range(number)]


def rest(connection: socket.socket) -> bytes:
    """Read what still comes, up to the end of the connection; a test whose connection is kept open ends here."""
    got = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            got += part
    return got


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer with a length; gives its status and body."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65_536)
        assert part, got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split(b" ", 2)[1]), body


def told(running: EdgeRunning, key: str) -> list[str]:
    return [line for line in running.err.all if f"runtime.limits.{key})" in line]


def sessions(running: EdgeRunning) -> int:
    return int(httpx.get(f"http://{running.address}/ready", trust_env=False).json()["sessions"]["edge"])


def until_sessions(running: EdgeRunning, number: int) -> None:
    """Wait until so many sessions run; the test's own time limit ends it."""
    while sessions(running) != number:
        time.sleep(0.05)


def close_code(client: Talk) -> tuple[int, list[dict[str, Any]]]:
    """Read to the end; gives the close code, and what came before it."""
    heard: list[dict[str, Any]] = []

    def read() -> None:
        while True:
            given = client.socket.recv(timeout=PATIENCE_S)  # Pipecat takes a silent client for one of its own
            heard.append(json.loads(Frame.FromString(given).message.data if isinstance(given, bytes) else given))

    with pytest.raises(ConnectionClosed) as closed:
        read()
    return closed.value.rcvd.code if closed.value.rcvd else 0, heard


# -- HTTP -------------------------------------------------------------------------------------------------------------


def test_headers_have_to_come_in_time(run: Run) -> None:
    with run({"limits": {"header_timeout": "3s"}}) as running, many(running) as half, many(running) as silent:
        for connection in half:
            connection.sendall(HALF_SENT)
        with dial(running) as honest:
            for piece in (HALF_SENT, b"o", b"n\r\n", b"\r\n"):
                honest.sendall(piece)
                time.sleep(PIECE_S)
            assert answer(honest)[0] == 200
            honest.sendall(HALF_SENT)  # the second on one connection has a time of its own
            for connection in (*half, *silent, honest):
                assert rest(connection) == b""
        assert httpx.get(f"http://{running.address}/health", trust_env=False).status_code == 200
        running.err.wait("header_timeout")
        assert len(told(running, "header_timeout")) == 1


PATHS: Sequence[str] = ("/start", "/action", "/connect", "/health", "/nothing-here")


def test_bodies_have_to_come_in_time(run: Run) -> None:
    def begin(path: str) -> bytes:
        headers = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 18"
        return f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode()

    with run({"limits": {"body_timeout": "3s"}}) as running, many(running) as slow:
        for number, connection in enumerate(slow):
            connection.sendall(begin(PATHS[number % len(PATHS)]) + b"{")
        with dial(running) as honest:
            honest.sendall(begin("/start"))
            for piece in (b'{"body":', b' {"n"', b":", b"12}}"):
                time.sleep(PIECE_S)
                honest.sendall(piece)
            assert answer(honest)[0] == 200
        for number, connection in enumerate(slow):
            got = rest(connection)  # some are answered before their body has come; the others hear what was wrong
            if PATHS[number % len(PATHS)] in ("/start", "/connect"):
                head, _, body = got.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 408 ")
                assert b"connection: close" in head
                assert json.loads(body)["error"] == "The body did not come within 3 s"
        with httpx.Client(base_url=f"http://{running.address}", trust_env=False) as http:
            assert http.post("/start", json={}).status_code == 200
        running.err.wait("body_timeout")
        assert len(told(running, "body_timeout")) == 1
        assert not [line for line in running.err.all if "Traceback" in line], running.err.all


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_clients_have_to_come_in(run: Run) -> None:
    with run({"limits": {"client_ready_timeout": "3s"}}) as running, ExitStack() as stack:
        silent = [stack.enter_context(talk(running.ws, ready=False)) for _ in range(MANY // 2)]
        early = [stack.enter_context(talk(running.ws, ready=False)) for _ in range(4)]
        for client in early:
            client.send("get-config")
            client.socket.ping()
        honest = stack.enter_context(talk(running.ws, ready=False))
        time.sleep(5 * PIECE_S)
        honest.reply(honest.send("client-ready", {"version": "2.1.0"}))
        for client in (*silent, *early):
            code, heard = close_code(client)
            assert code == 4408
            assert (heard[-1]["type"], heard[-1]["data"]["code"]) == ("error", "not-ready")
            assert heard[-1]["data"]["fatal"] is True
        assert honest.is_alive()
        until_sessions(running, 1)
        running.err.wait("client_ready_timeout")
        assert len(told(running, "client_ready_timeout")) == 1


def test_a_client_of_0_3_comes_in_as_well(run: Run) -> None:
    with run({"limits": {"client_ready_timeout": "2s"}}) as running, talk(running.ws, ready=False) as client:
        client.reply(client.send("client-ready"))
        with talk(running.ws, ready=False) as silent:
            assert close_code(silent)[0] == 4408
        arguments = [{"name": "a", "value": 2}, {"name": "b", "value": 3}]
        call = {"service": "edge", "action": "add", "arguments": arguments}
        assert client.reply(client.send("action", call))["data"] == {"result": 5}


def test_idle_clients_have_to_go(run: Run) -> None:
    with (
        run({"limits": {"idle_timeout": "3s"}}) as running,
        talk(running.ws) as silent,
        talk(running.ws) as talking,
        talk(running.ws) as waiting,
    ):
        asked = waiting.send("client-message", {"t": "edge.hold", "d": {"seconds": 6}})
        silent.socket.ping()  # no message
        while not told(running, "idle_timeout"):
            assert talking.is_alive()
            time.sleep(PIECE_S)
        code, heard = close_code(silent)
        assert (code, heard[-1]["data"]["code"], heard[-1]["data"]["fatal"]) == (4410, "idle", True)
        assert waiting.reply(asked)["data"]["d"] is True
        assert talking.is_alive()
        until_sessions(running, 2)
        assert len(told(running, "idle_timeout")) == 1


# -- numbers ----------------------------------------------------------------------------------------------------------

TOKEN = {"anna": "anna-token-1"}


def test_sessions_of_one_start(run: Run) -> None:
    limits = {"max_sessions_per_start": 2}
    with run({"limits": limits, "auth": {"tokens": TOKEN}}) as running, ExitStack() as stack:
        bearer = {"authorization": "Bearer anna-token-1"}
        with httpx.Client(base_url=f"http://{running.address}", trust_env=False, headers=bearer) as http:
            mine, other = (http.post("/start", json={}).json()["ws_url"] for _ in range(2))
        first = stack.enter_context(ExitStack())
        first.enter_context(talk(mine))
        kept = stack.enter_context(talk(mine))
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused, talk(mine):
                pass
            assert refused.value.response.status_code == 429
        with talk(other) as client, talk(f"{running.ws}?token=anna-token-1") as direct:
            assert client.is_alive()
            assert direct.is_alive()
        first.close()
        until_sessions(running, 1)
        while True:  # the place is free once the server has heard that the client has gone
            with suppress(InvalidStatus), talk(mine) as again:
                assert again.is_alive()
                break
        assert kept.is_alive()
        running.err.wait("max_sessions_per_start")
        assert len(told(running, "max_sessions_per_start")) == 1


def test_connections_of_one_address(run: Run) -> None:
    with (
        run({"limits": {"max_connections_per_address": 8}}) as running,
        many(running, 5) as silent,
        ExitStack() as stack,
    ):
        for connection in silent[:2]:
            connection.sendall(HALF_SENT)
        clients = [stack.enter_context(talk(running.ws)) for _ in range(3)]
        for _ in range(3):
            with dial(running) as refused:
                status, body = answer(refused)
                assert (status, json.loads(body)["error"]) == (429, "Too many connections from this address")
                assert rest(refused) == b""
        assert all(client.is_alive() for client in clients)
        for connection in silent:
            connection.close()
        while True:  # once the server has heard that they have gone
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://{running.address}/health", trust_env=False).status_code == 200:
                    break
        running.err.wait("max_connections_per_address")
        assert len(told(running, "max_connections_per_address")) == 1


def test_behind_a_proxy_each_client_counts_for_itself(run: Run) -> None:
    """From this machine, `X-Forwarded-For` is believed."""

    def ask(connection: socket.socket, client: str) -> int:
        head = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {client}\r\n\r\n"
        connection.sendall(head.encode())
        return answer(connection)[0]

    with run({"limits": {"max_connections_per_address": 4}}) as running, ExitStack() as stack:

        def came(client: str) -> list[int]:
            return [ask(stack.enter_context(dial(running)), client) for _ in range(6)]

        assert came("192.0.2.1")[:5] == [200] * 4 + [429]
        assert ask(stack.enter_context(dial(running)), "192.0.2.2") == 200
        proxied = {"X-Forwarded-For": "192.0.2.1"}
        with pytest.raises(InvalidStatus) as refused, talk(running.ws, additional_headers=proxied):
            pass
        assert refused.value.response.status_code == 429


def test_any_number_of_connections(run: Run) -> None:
    with run({"limits": {"max_connections_per_address": 0, "max_sessions": 2}}) as running, many(running, 100):
        assert httpx.get(f"http://{running.address}/health", trust_env=False).status_code == 200
