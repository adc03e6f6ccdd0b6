"""Who may come in: decisions as tables, then over real sockets and HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from rtvi_plugins.hosting import access

from .harness import Serving, bare, serve, talk

ALLOWED = "https://app.example"
TOKENS = {"anna": "anna-token-1", "bert": "bert-token-2"}

HOST_ROWS: list[Any] = [
    pytest.param("127.0.0.1:{port}", True, id="loopback"),
    pytest.param("localhost:{port}", True, id="localhost"),
    pytest.param("LOCALHOST", True, id="upper-case"),
    pytest.param("localhost.:{port}", True, id="trailing-dot"),
    pytest.param("[::1]:{port}", True, id="ipv6"),
    pytest.param("192.168.7.9:80", True, id="address"),
    pytest.param("bot.example", True, id="listed"),
    pytest.param("bot.example:8443", True, id="listed-other-port"),
    pytest.param("evil.example", False, id="foreign-name"),
    pytest.param("bot.example.evil.example", False, id="name-that-begins-so"),
    pytest.param("127.0.0.1.evil.example", False, id="address-that-begins-so"),
    pytest.param("localhost.evil.example", False, id="localhost-that-begins-so"),
    pytest.param("evil.example@localhost", False, id="with-user"),
    pytest.param("localhost/evil", False, id="with-path"),
    pytest.param("localhost?evil", False, id="with-query"),
    pytest.param("localhost#evil", False, id="with-fragment"),
    pytest.param("localhost evil", False, id="with-space"),
    pytest.param("localhost\\evil", False, id="with-backslash"),
    pytest.param("localhost:port", False, id="port-no-number"),
    pytest.param("localhost:99999", False, id="port-too-high"),
    pytest.param("[::1", False, id="half-a-bracket"),
    pytest.param("::1", False, id="ipv6-without-brackets"),
    pytest.param("2130706433", False, id="address-as-number"),
    pytest.param("0x7f.1", False, id="address-in-hex"),
    pytest.param("", False, id="empty"),
    pytest.param(":80", False, id="only-port"),
    pytest.param("*", False, id="star"),
    pytest.param("é.example", False, id="not-ascii"),
]

# Origin, allowed; the server is at http://127.0.0.1:{port} and allows https://app.example.
ORIGIN_ROWS: list[Any] = [
    pytest.param(None, True, id="none"),
    pytest.param("http://127.0.0.1:{port}", True, id="own"),
    pytest.param("HTTP://127.0.0.1:{port}", True, id="own-upper-case"),
    pytest.param("http://127.0.0.1:1", False, id="other-port"),
    pytest.param("http://127.0.0.1", False, id="default-port"),
    pytest.param("http://localhost:{port}", False, id="other-name-of-this-machine"),
    pytest.param("https://evil.example", False, id="other-host"),
    pytest.param("http://127.0.0.1.evil.example:{port}", False, id="begins-like-own"),
    pytest.param("http://127.0.0.1:{port}.evil.example", False, id="port-that-goes-on"),
    pytest.param("http://127.0.0.1:{port}@evil.example", False, id="own-as-user"),
    pytest.param("null", False, id="null"),
    pytest.param("", False, id="empty"),
    pytest.param("garbage", False, id="garbage"),
    pytest.param("http://", False, id="no-host"),
    pytest.param("http://[::1", False, id="half-a-bracket"),
    pytest.param("file://127.0.0.1:{port}", False, id="file"),
    pytest.param("chrome-extension://127.0.0.1:{port}", False, id="extension"),
    pytest.param(ALLOWED, True, id="allowed"),
    pytest.param("https://APP.example/", True, id="allowed-otherwise-written"),
    pytest.param("http://app.example", False, id="allowed-with-other-scheme"),
    pytest.param("https://app.example:444", False, id="allowed-with-other-port"),
    pytest.param("https://app.example.evil.example", False, id="begins-like-allowed"),
    pytest.param("https://evil-app.example", False, id="ends-like-allowed"),
    pytest.param("*", False, id="star"),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A bot that one origin and one host name may use beside its own, and that has no tokens."""
    runtime = {"origins": [ALLOWED], "hosts": ["bot.example"], "limits": {"max_message_bytes": 100_000}}
    with serve(tmp_path_factory.mktemp("guarded"), runtime=runtime) as running:
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A bot that wants a token."""
    with serve(tmp_path_factory.mktemp("locked"), runtime={"auth": {"tokens": TOKENS}}) as running:
        yield running


def ws_status(serving: Serving, host: str | None = None, origin: str | None = None) -> int:
    headers = [] if origin is None else [("Origin", origin)]
    with bare(serving.port, shake=False) as socket:
        return socket.shake(host=host, headers=headers)


def assert_readable(body: Any) -> None:
    """Both JavaScript clients look for the text under one of these keys."""
    assert body["info"] == body["detail"] == body["error"]
    assert body["error"][0].isupper()


@pytest.mark.parametrize(("host", "allowed"), HOST_ROWS)
def test_only_hosts_that_are_meant_are_served(guarded: Serving, host: str, allowed: bool) -> None:
    host = host.format(port=guarded.port)
    status = ws_status(guarded, host=host)
    assert status == 101 if allowed else status in (400, 403)
    if host.isascii():
        answer = httpx.post(f"{guarded.address}/start", headers={"host": host})
        assert answer.status_code == 200 if allowed else answer.status_code in (400, 403)
        if allowed:
            assert answer.json()["ws_url"] == f"ws://{host}/ws"


def test_a_request_without_a_host_is_refused(guarded: Serving) -> None:
    with bare(guarded.port, shake=False) as socket:
        socket.send(b"POST /start HTTP/1.0\r\n\r\n")
        assert b" 403 " in socket.socket.recv(1000)
        socket.send(b"")


@pytest.mark.parametrize(("origin", "allowed"), ORIGIN_ROWS)
def test_only_origins_that_may_come_in_do(guarded: Serving, origin: str | None, allowed: bool) -> None:
    origin = None if origin is None else origin.format(port=guarded.port)
    assert ws_status(guarded, origin=origin) == (101 if allowed else 403)
    answer = httpx.post(f"{guarded.address}/start", headers={} if origin is None else {"origin": origin})
    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        assert_readable(answer.json())
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [None, "null", "https://anything.example", "garbage"])
def test_a_star_allows_every_origin_and_host(folder: Path, origin: str | None) -> None:
    with serve(folder, runtime={"origins": ["*"], "hosts": ["*"]}) as serving:
        assert ws_status(serving, host="anything.example", origin=origin) == 101


def test_the_refused_handshake_says_why(guarded: Serving) -> None:
    with pytest.raises(InvalidStatus) as caught, talk(guarded.ws, origin="https://evil.example"):
        pass
    assert caught.value.response.status_code == 403
    assert_readable(json.loads(caught.value.response.body or b""))


OWN_PLACES: list[Any] = [
    pytest.param("http://h.example", "h.example", "ws", True, id="default-port"),
    pytest.param("http://h.example:80", "h.example", "ws", True, id="port-80-named"),
    pytest.param("https://h.example", "h.example", "wss", True, id="tls"),
    pytest.param("https://h.example", "h.example:443", "wss", True, id="tls-port-named"),
    pytest.param("https://h.example:8443", "h.example", "wss", False, id="tls-other-port"),
    pytest.param("http://[::1]:7860", "[::1]:7860", "ws", True, id="ipv6"),
    pytest.param("http://[::1]:7860", "[::2]:7860", "ws", False, id="other-ipv6"),
    pytest.param("http://H.Example.", "h.example", "ws", True, id="written-otherwise"),
    pytest.param("http://h.example", "", "ws", False, id="no-host"),
]


@pytest.mark.parametrize(("origin", "host", "scheme", "allowed"), OWN_PLACES)
def test_own_pages_are_told_by_their_origin(origin: str, host: str, scheme: str, allowed: bool) -> None:
    assert access.is_origin_allowed(origin, host, scheme, ()) is allowed


# -- tokens -----------------------------------------------------------------------------------------------------------

TOKEN_ROWS: list[Any] = [
    pytest.param({}, "", None, id="none"),
    pytest.param({"authorization": "Bearer anna-token-1"}, "", "anna", id="bearer"),
    pytest.param({"authorization": "bearer   bert-token-2"}, "", "bert", id="bearer-otherwise-written"),
    pytest.param({"authorization": "Bearer anna-token-2"}, "", None, id="wrong-bearer"),
    pytest.param({"authorization": "Bearer"}, "", None, id="empty-bearer"),
    pytest.param({"authorization": "Basic anna-token-1"}, "", None, id="basic"),
    pytest.param({"authorization": "anna-token-1"}, "", None, id="no-scheme"),
    pytest.param({}, "?token=bert-token-2", "bert", id="query"),
    pytest.param({}, "?token=", None, id="empty-query"),
    pytest.param({}, "?token=wrong", None, id="wrong-query"),
    pytest.param({}, "?token=%ff%00", None, id="query-junk"),
    pytest.param({}, "?token=wrong&token=anna-token-1", None, id="two-in-query"),
    pytest.param({}, "?TOKEN=anna-token-1", None, id="other-key"),
    pytest.param({}, "?session=unknown", None, id="unknown-session"),
    pytest.param({"authorization": "Bearer wrong"}, "?token=anna-token-1", None, id="wrong-bearer-right-query"),
]


@pytest.mark.parametrize(("headers", "query", "caller"), TOKEN_ROWS)
def test_a_token_opens_the_door(locked: Serving, headers: dict[str, str], query: str, caller: str | None) -> None:
    if caller is None:
        with (
            pytest.raises(InvalidStatus) as caught,
            talk(locked.ws + query, additional_headers=headers),
        ):
            pass
        assert caught.value.response.status_code in (401, 403)
        assert_readable(json.loads(caught.value.response.body or b""))
    else:
        with talk(locked.ws + query, additional_headers=headers) as client:
            assert client.action("who")["data"]["result"]["name"] == caller
    if "session" not in query:
        answer = httpx.post(f"{locked.address}/start{query}", headers=headers)
        assert answer.status_code == (401 if caller is None else 200)
        if caller is None:
            assert_readable(answer.json())


def test_a_started_session_needs_no_token_and_may_reconnect(locked: Serving) -> None:
    url = httpx.post(f"{locked.address}/start", headers={"authorization": "Bearer anna-token-1"}).json()["ws_url"]
    assert "anna-token-1" not in url
    for _ in range(2):
        with talk(url) as client:
            assert client.action("who")["data"]["result"]["name"] == "anna"


def test_starts_are_forgotten_when_old_or_too_many() -> None:
    now = [0.0]
    starts = access.Starts(ttl_s=10, limit=3, clock=lambda: now[0])
    keys = [starts.add(access.Start(name, {})) for name in "abcd"]
    assert [start and start.caller for start in map(starts.take, keys)] == [None, "b", "c", "d"]
    now[0] = 9
    assert starts.take(keys[1])
    now[0] = 11
    assert [bool(starts.take(key)) for key in keys] == [False, True, False, False]
    now[0] = 22
    assert starts.take(keys[1]) is None
    assert not starts._kept


def test_starts_are_bounded_in_bytes() -> None:
    starts = access.Starts(max_bytes=10_000)
    config = {"desk": {"first": "x" * 4000}}
    keys = [starts.add(access.Start(name, config)) for name in "abc"]
    assert [starts.take(key) for key in keys] == [None, access.Start("b", config), access.Start("c", config)]
    large = starts.add(access.Start("d", {"desk": {"first": "x" * 20_000}}))
    assert list(starts._kept) == [large]
    for _ in range(300):
        starts.add(access.Start("", config))
    assert starts._bytes == sum(len(text) for _, _, text in starts._kept.values()) <= 10_000
