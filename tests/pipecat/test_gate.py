"""The gate before the runner: who comes in, what is read, where a start leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtvi_plugins import Bot
from tests.pipecat.building import Folder
from tests.pipecat.serving import Serving, serve

OPEN = "services: {desk: {}}\npipeline: {}\nruntime: {responder: echo}\n"
GUARDED = """
    pipeline: {}
    services: {desk: {options: {floor: {type: integer, default: 1, client: write, mutable: never}}}}
    runtime:
      responder: echo
      auth: {tokens: {anna: anna-token-1, bert: bert-token-2}}
      origins: ["https://app.example"]
      hosts: [bot.example]
      limits: {max_message_bytes: 2048, max_depth: 8, max_sessions: 1}
"""
ANNA = {"authorization": "Bearer anna-token-1"}
HERE = "127.0.0.1:1"
Row = tuple[str, str, dict[str, str]]


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Folder(tmp_path).bot(OPEN)


@pytest.fixture
def guarded(tmp_path: Path) -> Bot:
    return Folder(tmp_path).bot(GUARDED)


async def ask(serving: Serving, method: str, path: str, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=serving.address, trust_env=False) as http:
        return await http.request(method, path, **request)


REQUESTS: list[Any] = [
    pytest.param("POST", "/start", {}, 401, id="start-without-token"),
    pytest.param("POST", "/start", {"authorization": "Bearer nobody"}, 401, id="start-with-wrong-token"),
    pytest.param("POST", "/start", {"authorization": "Basic anna-token-1"}, 401, id="start-with-other-scheme"),
    pytest.param("POST", "/start", ANNA, 200, id="start-with-token"),
    pytest.param("POST", "/start?token=bert-token-2", {}, 200, id="start-with-token-in-address"),
    pytest.param("POST", "/connect", {}, 401, id="legacy-start-without-token"),
    pytest.param("POST", "/connect", ANNA, 200, id="legacy-start"),
    pytest.param("POST", "/start", {**ANNA, "host": "bot.example"}, 200, id="listed-host"),
    pytest.param("POST", "/start", {**ANNA, "host": "evil.example"}, 403, id="foreign-host"),
    pytest.param("GET", "/client/", {"host": "evil.example"}, 403, id="page-under-foreign-host"),
    pytest.param("POST", "/start", {**ANNA, "origin": "https://app.example"}, 200, id="listed-origin"),
    pytest.param("POST", "/start", {**ANNA, "origin": "https://evil.example"}, 403, id="foreign-origin"),
    pytest.param("POST", "/start", {**ANNA, "origin": "null"}, 403, id="no-origin-worth-the-name"),
    pytest.param("GET", "/client/", {"origin": "https://evil.example"}, 403, id="page-for-foreign-origin"),
    pytest.param("POST", "/api/offer", {}, 401, id="offer-without-token"),
    pytest.param("POST", "/api/offer", ANNA, 200, id="offer"),
    pytest.param("PATCH", "/api/offer", {}, 401, id="candidates-without-token"),
    pytest.param("POST", "/sessions/made-up/api/offer", {}, 401, id="session-never-started"),
    pytest.param("GET", "/daily", {}, 401, id="room-without-token"),
    pytest.param("GET", "/docs", {}, 401, id="interface-without-token"),
    pytest.param("GET", "/", {}, 200, id="page"),
    pytest.param("GET", "/client/", {}, 401, id="their-page-without-token"),
    pytest.param("GET", "/client", {}, 401, id="their-page-without-slash-or-token"),
    pytest.param("GET", "/client/?token=anna-token-1", {}, 200, id="their-page"),
    pytest.param("GET", "/client/", ANNA, 200, id="their-page-with-token-in-header"),
    pytest.param("POST", "/client/", {}, 401, id="page-is-only-read"),
    pytest.param("GET", "/status", {}, 401, id="status-without-token"),
    pytest.param("GET", "/status", ANNA, 200, id="status"),
    pytest.param("GET", "/health", {"host": "evil.example"}, 200, id="health-for-anyone"),
    pytest.param("GET", "/ready", {}, 200, id="ready"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), REQUESTS)
async def test_requests(guarded: Bot, method: str, path: str, headers: dict[str, str], status: int) -> None:
    async with serve(guarded) as serving:
        answer = await ask(serving, method, path, headers=headers)
    assert answer.status_code == status, answer.text
    if status in (401, 403):
        assert answer.json().keys() == {"error", "info", "detail"}


SOCKETS: list[Any] = [
    pytest.param("/ws-client", {}, 401, id="without-token"),
    pytest.param("/ws-client/wrong-token", {}, 401, id="wrong-token-in-path"),
    pytest.param("/ws?session=made-up", ANNA, 403, id="session-never-started"),
    pytest.param("/ws-client", {**ANNA, "Origin": "https://evil.example"}, 403, id="foreign-origin"),
    pytest.param("/ws-client", ANNA, None, id="token-in-header"),
    pytest.param("/ws-client?token=anna-token-1", {}, None, id="token-in-address"),
    pytest.param("/ws-client/anna-token-1", {}, None, id="token-in-path"),
    pytest.param("/ws/bert-token-2", {"Origin": "https://app.example"}, None, id="token-in-path-of-telephones"),
]


@pytest.mark.parametrize(("path", "headers", "status"), SOCKETS)
async def test_handshakes(guarded: Bot, path: str, headers: dict[str, str], status: int | None) -> None:
    async with serve(guarded) as serving:
        if status is None:
            async with connect(f"{serving.ws}{path}", additional_headers=headers, proxy=None):
                pass
        else:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{serving.ws}{path}", additional_headers=headers, proxy=None)
            assert refused.value.response.status_code == status


async def test_start_is_answered_in_the_one_form_that_all_clients_take(bot: Bot) -> None:
    async with serve(bot) as serving:
        expected = {"ws_url": f"{serving.ws}/ws-client", "wsUrl": f"{serving.ws}/ws-client"}
        for path, body in (
            ("/start", b""),
            ("/start", b"{}"),
            ("/start", b'{"transport":"websocket"}'),
            ("/connect", b""),
        ):
            answer = await ask(serving, "POST", path, content=body)
            assert (answer.status_code, answer.json()) == (200, expected), path


TRANSPORTS: list[Any] = [
    pytest.param(None, "/start", {"transport": "webrtc"}, "webrtc", id="named"),
    pytest.param(None, "/start", {"enableDefaultIceServers": True}, "webrtc", id="webrtc-by-its-keys"),
    pytest.param(None, "/start", {"createDailyRoom": True}, "daily", id="daily-by-its-keys"),
    pytest.param("webrtc", "/start", {}, "webrtc", id="the-only-one"),
    pytest.param("daily", "/start", {}, "daily", id="another-only-one"),
    pytest.param("webrtc", "/start", {"transport": "websocket"}, "websocket", id="not-served-the-runner-refuses"),
    pytest.param("webrtc", "/connect", {}, "websocket", id="legacy-not-served"),
]


@pytest.mark.parametrize(("only", "path", "body", "asked"), TRANSPORTS)
async def test_other_transports_are_the_runners_affair(
    bot: Bot, only: str | None, path: str, body: dict[str, Any], asked: str
) -> None:
    async with serve(bot, transport=only) as serving:
        answer = await ask(serving, "POST", path, json=body)
    assert answer.json() == {"sessionId": f"session-of-{asked}"}


async def test_session_that_was_started_needs_no_second_token(guarded: Bot) -> None:
    async with serve(guarded) as serving:
        await ask(serving, "POST", "/start", json={"transport": "webrtc"}, headers=ANNA)
        answer = await ask(serving, "POST", "/sessions/session-of-webrtc/api/offer", json={"sdp": "x"})
    assert answer.json() == {
        "path": "/sessions/session-of-webrtc/api/offer",
        "caller": ["anna", "127.0.0.1"],
        "body": '{"sdp":"x"}',
    }


BODIES: list[Any] = [
    pytest.param(b"x", 400, "not JSON", id="no-json"),
    pytest.param(b"[]", 400, "no JSON object", id="no-object"),
    pytest.param(b"[" * 20 + b"]" * 20, 400, "nested more than 8 deep", id="too-deep"),
    pytest.param(b'{"x":"' + b"x" * 3000 + b'"}', 413, "larger than 2048 bytes", id="too-large"),
    pytest.param(b'{"config":[{"service":"dsk","options":[]}]}', 400, "did you mean 'desk'", id="unknown-service"),
    pytest.param(
        b'{"body":{"config":[{"service":"desk","options":[{"name":"floor","value":2}]}]}}',
        400,
        "desk.floor: is read-only",
        id="faulty-config-for-the-bot",
    ),
]


@pytest.mark.parametrize(("body", "status", "said"), BODIES)
async def test_bodies_of_starts(guarded: Bot, body: bytes, status: int, said: str) -> None:
    async with serve(guarded) as serving:
        answer = await ask(serving, "POST", "/start", content=body, headers=ANNA)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


async def test_large_bodies_reach_nobody(guarded: Bot) -> None:
    async with serve(guarded) as serving:
        answer = await ask(serving, "POST", "/api/offer", content=b"x" * 3000, headers=ANNA)
    assert answer.status_code == 413


async def test_pages_of_ours_come_first(bot: Bot) -> None:
    ours = (
        Route("/", lambda _: PlainTextResponse("ours")),
        Route("/assets/{name}", lambda r: PlainTextResponse(r.url.path)),
    )
    async with serve(bot, routes=ours) as serving:
        assert (await ask(serving, "GET", "/")).text == "ours"
        assert (await ask(serving, "GET", "/assets/a.js")).text == "/assets/a.js"
        assert (await ask(serving, "GET", "/client/")).text == "theirs"
        listed = await ask(serving, "GET", "/", headers={"accept": "application/json"})
    assert listed.json()["bots"] == [{"bot": "test", "description": "", "ws": "/ws", "start": "/start"}]


async def test_no_more_sessions_than_there_is_room_for(guarded: Bot) -> None:
    async with serve(guarded) as serving:
        async with serving.client("/ws-client/anna-token-1") as client:
            assert await client.send_text("one") == "one"
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{serving.ws}/ws-client", additional_headers=ANNA, proxy=None)
            assert refused.value.response.status_code == 503
            assert (await ask(serving, "POST", "/start", headers=ANNA)).status_code == 503
        assert (await ask(serving, "GET", "/ready")).json()["ready"]
