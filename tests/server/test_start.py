"""`POST /start` and `/connect`, CORS, the bound on sessions, several bots side by side, `/health` and `/ready`."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from .harness import Serving, bare, serve, talk, until

FIRST = [{"service": "desk", "options": [{"name": "first", "value": "mine"}]}]
NO_SUCH = [{"service": "desk", "options": [{"name": "frist", "value": "mine"}]}]
WRONG = [{"service": "desk", "options": [{"name": "second", "value": "2"}]}]

BODIES: list[Any] = [
    pytest.param(b"", 200, "", id="empty"),
    pytest.param(b"  ", 200, "", id="blank"),
    pytest.param(b"{}", 200, "", id="object"),
    pytest.param(b'{"rtvi_client_version":"0.4.1","services":{},"more":[1]}', 200, "", id="legacy-client"),
    pytest.param(b'{"config":[]}', 200, "", id="no-config"),
    pytest.param(b'{"config":null}', 200, "", id="config-null"),
    pytest.param({"config": FIRST}, 200, "", id="config"),
    pytest.param({"config": NO_SUCH}, 400, "did you mean 'first'?", id="config-unknown-option"),
    pytest.param({"config": WRONG}, 400, "desk.second", id="config-wrong-type"),
    pytest.param({"config": {"desk": 1}}, 400, "expected array", id="config-an-object"),
    pytest.param({"config": "x"}, 400, "expected array", id="config-text"),
    pytest.param(b"hello", 400, "not JSON", id="junk"),
    pytest.param(b"\xff\xfe", 400, "not JSON", id="no-utf-8"),
    pytest.param(b"[]", 400, "no JSON object", id="list"),
    pytest.param(b"7", 400, "no JSON object", id="number"),
    pytest.param(b"null", 400, "no JSON object", id="null"),
    pytest.param(b"[" * 200 + b"]" * 200, 400, "nested", id="deep"),
    pytest.param(b" " * 10_000_000, 413, "larger than", id="10-MB"),
]


@pytest.mark.parametrize("path", ["/start", "/connect", "/bots/wild/start", "/bots/wild/connect"])
@pytest.mark.parametrize(("body", "status", "told"), BODIES)
def test_start_answers_what_both_generations_take(
    serving: Serving, body: Any, status: int, told: str, path: str
) -> None:
    how = {"content": body} if isinstance(body, bytes) else {"json": body}
    try:
        answer = httpx.post(f"{serving.address}{path}", **how)
    except httpx.WriteError:
        assert status == 413  # the server closed before it was given all
        return
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    given = answer.json()
    if status != 200:
        assert set(given) == {"error", "info", "detail"}
        assert given["error"] == given["info"] == given["detail"]
        assert told in given["error"]
        return
    assert set(given) == {"ws_url", "wsUrl"}  # the JavaScript transport refuses every other key
    assert given["ws_url"] == given["wsUrl"]
    with talk(given["ws_url"], version=None) as client:
        first = client.action("who")["data"]["result"]["first"]
        assert first == ("mine" if isinstance(body, dict) else "one")


def test_a_body_without_length_is_bounded_too(serving: Serving) -> None:
    def endless() -> Any:
        while True:
            yield b" " * 65_536

    try:
        answer = httpx.post(f"{serving.address}/start", content=endless())
    except httpx.WriteError:
        return
    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_start_takes_no_other_method(serving: Serving, method: str) -> None:
    assert httpx.request(method, f"{serving.address}/start").status_code == 405


@pytest.mark.parametrize("path", ["/nothing", "/bots/other/start", "/bots/wild/start/more", "/ws", "/../etc/passwd"])
def test_other_places_are_not_found(serving: Serving, path: str) -> None:
    assert httpx.post(f"{serving.address}{path}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/bots/typo/start", 404),
        ("POST", "/bots/wild/typo", 404),
        ("POST", "/typo", 404),
        ("GET", "/start", 405),
        ("GET", "/bots/wild/start", 405),
        ("POST", "/health", 405),
    ],
)
@pytest.mark.parametrize("count", [1, 2], ids=["one-bot", "two-bots"])
def test_what_is_not_served_is_told_readably(folder: Path, count: int, method: str, path: str, status: int) -> None:
    if count == 2 and path == "/start":
        status = 404
    bots = [("wild", {"origins": ["https://app.example"]}), ("other", {})][:count]
    with serve(folder, bots=bots) as serving:
        answer = httpx.request(method, f"{serving.address}{path}", headers={"origin": "https://app.example"})
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "info", "detail"}
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert ("allow" in answer.headers) is (status == 405)


@pytest.mark.parametrize("path", ["/nothing", "/bots/other/ws", "/start"])
def test_other_sockets_are_refused(serving: Serving, path: str) -> None:
    with bare(serving.port, shake=False) as connection:
        assert connection.shake(path=path) in (403, 404)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_the_url_is_usable_over_ipv6(folder: Path) -> None:
    with serve(folder, host="::1") as serving:
        assert serving.address.startswith("http://[::1]:")
        given = httpx.post(f"{serving.address}/bots/wild/start", json={"config": FIRST}).json()
        assert given["ws_url"].startswith(f"ws://[::1]:{serving.port}/bots/wild/ws?session=")
        with talk(given["ws_url"]) as client:
            assert client.is_alive()


def test_the_url_is_wss_behind_a_proxy_that_ends_tls(serving: Serving) -> None:
    answer = httpx.post(f"{serving.address}/start", headers={"x-forwarded-proto": "https"})
    assert answer.json()["ws_url"] == f"wss://127.0.0.1:{serving.port}/ws"


# -- CORS -------------------------------------------------------------------------------------------------------------


def preflight(serving: Serving, origin: str, headers: str = "content-type, authorization, x-own") -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": headers}
    return httpx.options(f"{serving.address}/start", headers=asked)


def test_an_allowed_origin_may_read_the_answers(folder: Path) -> None:
    with serve(folder, origins=["https://app.example"]) as serving:
        asked = preflight(serving, "https://app.example")
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "x-own" in asked.headers["access-control-allow-headers"]
        for body, status in ((b"", 200), (b"junk", 400)):
            answer = httpx.post(f"{serving.address}/start", content=body, headers={"origin": "https://app.example"})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "https://app.example"


def test_another_origin_may_not(serving: Serving) -> None:
    asked = preflight(serving, "https://evil.example")
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


# -- bounds and neighbours --------------------------------------------------------------------------------------------


def test_sessions_are_bounded_with_a_readable_refusal(folder: Path) -> None:
    with serve(folder, runtime={"limits": {"max_sessions": 2}}) as serving:
        with talk(serving.ws) as one, talk(serving.ws) as two:
            with pytest.raises(InvalidStatus) as caught, talk(serving.ws):
                pass
            assert caught.value.response.status_code == 503
            answer = httpx.post(f"{serving.address}/start")
            assert answer.status_code == 503
            assert answer.json()["info"] == "All 2 sessions are taken"
            assert one.is_alive()
            assert two.is_alive()
        assert until(lambda: serving.sessions == 0)
        with talk(serving.ws) as three:
            assert three.is_alive()


def test_bots_side_by_side_know_nothing_of_each_other(folder: Path) -> None:
    bots = [
        ("left", {"limits": {"max_sessions": 1, "max_message_bytes": 2000}}),
        ("right", {"auth": {"tokens": {"anna": "anna-token-1"}}}),
    ]
    with serve(folder, bots=bots) as serving:
        listed = httpx.get(serving.address).json()["bots"]
        assert [(bot["bot"], bot["ws"], bot["start"]) for bot in listed] == [
            ("left", "/bots/left/ws", "/bots/left/start"),
            ("right", "/bots/right/ws", "/bots/right/start"),
        ]
        left, right = (f"ws://127.0.0.1:{serving.port}/bots/{name}/ws" for name in ("left", "right"))
        with talk(left) as one, talk(f"{right}?token=anna-token-1") as two:
            one.request("update-config", {"config": FIRST})
            assert one.action("who")["data"]["result"] == {"name": "", "first": "mine"}
            assert two.action("who")["data"]["result"] == {"name": "anna", "first": "one"}
            one.put({"label": "rtvi-ai", "type": "get-config", "id": "x", "data": {"more": "x" * 2000}})
            refused = one.reply("x")
            assert (refused["type"], refused["data"]["code"]) == ("error-response", "invalid-message")
            assert refused["data"]["error"] == "Invalid message: larger than 2000 bytes"
            one.put(json.dumps({"label": "rtvi-ai", "data": "é" * 1500, "id": "y"}, ensure_ascii=False))
            assert one.reply("y")["data"]["error"] == "Invalid message: larger than 2000 bytes"
            one.put("x" * 2001)
            assert one.next()["data"]["error"] == "Invalid RTVI transport message: larger than 2000 bytes"
            assert two.action("echo", value="x" * 2000)["data"]["result"] == "x" * 2000
            assert httpx.post(f"{serving.address}/bots/left/start").status_code == 503
            assert httpx.post(f"{serving.address}/bots/right/start").status_code == 401
            assert httpx.get(f"{serving.address}/ready").json()["sessions"] == {"left": 1, "right": 1}
        assert httpx.post(f"{serving.address}/start").status_code == 404


def test_health_and_ready(serving: Serving) -> None:
    assert httpx.get(f"{serving.address}/health").json() == {"status": "ok"}
    ready = httpx.get(f"{serving.address}/ready")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "sessions": {"wild": 0}}
