"""What one TCP connection may do, on both of uvicorn's HTTP protocols: how long, how many, how large, how slow."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rtvi_plugins.hosting.addresses import Addresses, Place, group_of
from rtvi_plugins.server import http

from .harness import PATIENCE_S, PING, TEXT, Bare, Serving, bare, frame, ready_message, serve, talk, until

HALF_SENT = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@pytest.fixture(params=[H11Protocol, HttpToolsProtocol], ids=["h11", "httptools"])
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve by one of uvicorn's protocols: which one is installed depends on what else is."""
    monkeypatch.setattr(http, "AutoHTTPProtocol", request.param)


def dial(serving: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", serving.port), PATIENCE_S)


def rest(connection: socket.socket) -> bytes:
    """Read what comes up to the end of the connection."""
    got = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            got += part
    return got


@pytest.mark.usefixtures("protocol")
def test_headers(folder: Path) -> None:
    with serve(folder, runtime={"limits": {"header_timeout": "500ms"}}) as serving, ExitStack() as stack:
        dialled = [stack.enter_context(closing(dial(serving))) for _ in range(20)]
        for number, connection in enumerate(dialled):
            connection.sendall((HALF_SENT, b"", b"G", b"GET / HTTP/1.1\r\n")[number % 4])
        assert [rest(connection) for connection in dialled] == [b""] * 20
        assert until(lambda: serving.tcp_connections == 0)


@pytest.mark.usefixtures("protocol")
def test_headers_that_come_byte_by_byte(folder: Path) -> None:
    """A sign of life now and then does not make the time longer."""
    with serve(folder, runtime={"limits": {"header_timeout": "500ms"}}) as serving, closing(dial(serving)) as slow:
        slow.sendall(HALF_SENT)
        with suppress(ConnectionError):  # which of the bytes is too late is not said
            while True:
                slow.sendall(b"x")
                time.sleep(0.02)
        assert until(lambda: serving.tcp_connections == 0)


@pytest.mark.usefixtures("protocol")
def test_headers_after_an_answer(folder: Path) -> None:
    whole = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with serve(folder, runtime={"limits": {"header_timeout": "2s"}}) as serving, closing(dial(serving)) as again:
        for _ in range(3):
            again.sendall(whole)
            assert b'"ok"' in again.recv(65_536)
        again.sendall(whole + HALF_SENT)  # the second comes before the first is answered
        got = rest(again)
        assert got.count(b"HTTP/1.1 200") == 1
        assert got.count(b"HTTP/1.1 4") == 0


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("length", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_bodies(folder: Path, length: bytes) -> None:
    begin = b"POST /start HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length + b"\r\n\r\n"
    with serve(folder, runtime={"limits": {"body_timeout": "500ms"}}) as serving, closing(dial(serving)) as slow:
        slow.sendall(begin + (b"{" if b"100" in length else b"1\r\n{\r\n"))
        head, _, body = rest(slow).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert json.loads(body)["detail"] == "The body did not come within 0.5 s"
        with closing(dial(serving)) as unread:  # nothing is at this path, which is told before the body has come
            unread.sendall(begin.replace(b"/start", b"/nothing"))
            assert rest(unread).startswith(b"HTTP/1.1 404 ")
        assert until(lambda: serving.tcp_connections == 0)


@pytest.mark.usefixtures("protocol")
def test_handlers_that_take_their_time_are_waited_for(folder: Path) -> None:
    limits = {"header_timeout": "1s", "body_timeout": "1s", "send_timeout": "1s"}
    data = {"service": "acts", "action": "hang"}  # each for 200 ms, one after the other
    actions = [{"label": "rtvi-ai", "type": "action", "id": str(number), "data": data} for number in range(10)]
    with serve(folder, runtime={"limits": limits}) as serving:
        with httpx.Client(trust_env=False, timeout=PATIENCE_S, headers={"accept": "text/event-stream"}) as client:
            answer = client.post(f"{serving.address}/action", json={"actions": actions})
        assert answer.text.count("data: ") == 10


@pytest.mark.usefixtures("protocol")
def test_headers_are_bounded(folder: Path) -> None:
    with serve(folder) as serving, closing(dial(serving)) as endless:
        got = b""
        with suppress(ConnectionError):
            endless.sendall(HALF_SENT)
            while True:
                endless.sendall(b"x" * 4096)
        got = rest(endless)
        assert got == b"" or got.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
        assert until(lambda: serving.tcp_connections == 0)


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_answers_that_nobody_reads(folder: Path, accept: str) -> None:
    """One answer is larger than what the system keeps for a reader, so that its connection cannot just be closed."""
    limits = {"send_timeout": "300ms", "header_timeout": "500ms"}
    with serve(folder, runtime={"limits": limits}) as serving, closing(socket.socket()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", serving.port))
        action = {"service": "acts", "action": "huge", "arguments": [{"name": "size", "value": 20_000_000}]}
        body = json.dumps({"actions": [{"label": "rtvi-ai", "type": "action", "id": "1", "data": action}]}).encode()
        head = f"POST /action HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n"
        deaf.sendall(head.encode() + body)
        assert until(lambda: serving.tcp_connections == 1)
        assert until(lambda: serving.tcp_connections == 0)


# -- WebSocket --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pinging(folder: Path) -> Iterator[Serving]:
    """A server that asks its clients often whether they are there."""
    with serve(folder, runtime={"limits": {"send_timeout": "1h"}}) as serving:
        serving.server.config.ws_ping_interval = 0.2
        serving.server.config.ws_ping_timeout = 0.5
        yield serving


def test_pongs_that_never_come(pinging: Serving) -> None:
    with bare(pinging.port) as mute, talk(pinging.ws) as honest:
        mute.put(ready_message())
        opcodes = []
        while (got := mute.next())[0] != 8:
            opcodes.append(got[0])
            mute.put(ready_message())  # messages are no pongs
        assert opcodes.count(PING) == 1
        assert int.from_bytes(got[1][:2], "big") == 1011
        assert until(lambda: pinging.sessions == 1)
        assert honest.is_alive()


def test_pongs_of_a_client_that_reads_nothing(pinging: Serving) -> None:
    """What was written for it does not keep the connection, though the server's own time for it is long."""
    connection = Bare.__new__(Bare)
    connection.socket, connection._kept = socket.socket(), b""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.socket.connect(("127.0.0.1", pinging.port))
    with closing(connection.socket):
        assert connection.shake() == 101
        connection.put(ready_message())
        action = {"service": "acts", "action": "huge", "arguments": [{"name": "size", "value": 20_000_000}]}
        connection.send(
            frame(TEXT, json.dumps({"label": "rtvi-ai", "type": "action", "id": "1", "data": action}).encode())
        )
        assert until(lambda: pinging.sessions == 0)
        assert until(lambda: pinging.tcp_connections == 0)


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("not an address", "not an address"),
        ("", ""),
    ],
)
def test_what_addresses_count_as(address: str, group: str) -> None:
    assert group_of(address) == group


def test_places() -> None:
    addresses = Addresses(2)
    first, second, third = Place(addresses), Place(addresses), Place(addresses)
    assert first.move("2001:db8::1")
    assert second.move("2001:db8::2")
    assert not third.move("2001:db8::3")
    assert third.move("2001:db8:0:1::")
    assert not third.move("2001:db8::3")
    assert third.address == "2001:db8:0:1::"
    first.leave()
    first.leave()
    assert third.move("2001:db8::3")
    second.leave()
    third.leave()
    assert len(addresses) == 0


@pytest.mark.usefixtures("protocol")
def test_whatever_ends_a_connection_frees_its_place(folder: Path) -> None:
    with serve(folder, runtime={"limits": {"max_connections_per_address": 3}}) as serving:
        for _ in range(4):
            for begin in (
                b"",
                HALF_SENT,
                b"nonsense\r\n\r\n",
                b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            ):
                with closing(dial(serving)) as connection:
                    connection.sendall(begin)
            with suppress(AssertionError), bare(serving.port) as vanishing:
                vanishing.reset()
            assert until(lambda: serving.tcp_connections == 0)
            with talk(serving.ws) as client:
                assert client.is_alive()
            assert until(lambda: serving.tcp_connections == 0)
        assert httpx.get(f"{serving.address}/health", trust_env=False).status_code == 200


def test_several_bots_share_what_each_of_them_allows(folder: Path) -> None:
    def limits(number: int) -> dict[str, Any]:
        return {"limits": {"max_connections_per_address": number}}

    with serve(folder, bots=[("one", limits(2)), ("two", limits(3))]) as serving, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(closing(dial(serving)))
        with closing(dial(serving)) as refused:
            assert rest(refused).startswith(b"HTTP/1.1 429 ")
