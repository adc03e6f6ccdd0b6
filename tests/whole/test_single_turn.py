"""`POST /action`: legacy clients' actions without a connection. Source: rtvi-protocol 2.5, last part."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from rtvi_plugins.server.app import BotHost

from .harness import serving

pytestmark = pytest.mark.standalone("the standalone server itself")

STREAM = {"accept": "text/event-stream"}


@asynccontextmanager
async def caller() -> AsyncIterator[tuple[httpx.AsyncClient, BotHost]]:
    async with serving() as (address, host), httpx.AsyncClient(base_url=address, trust_env=False) as http:
        yield http, host
        assert host._turns == 0


def act(action: str, id_: str = "a1", **arguments: Any) -> dict[str, Any]:
    """Make an action message for `desk`."""
    listed = [{"name": name, "value": value} for name, value in arguments.items()]
    data = {"service": "desk", "action": action, "arguments": listed}
    return {"label": "rtvi-ai", "type": "action", "id": id_, "data": data}


def events(answer: httpx.Response) -> list[Any]:
    """Read what the client reads: of each event the base64 behind the first colon."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    *parts, rest = answer.text.split("\n\n")
    assert rest == ""
    return [json.loads(base64.b64decode(part.partition(":")[2].strip())) for part in parts]


async def test_the_answer_is_the_actions() -> None:
    async with caller() as (http, _):
        answer = await http.post("/action", json={"anything": "of the application", "actions": [act("add", a=2, b=3)]})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"label": "rtvi-ai", "type": "action-response", "id": "a1", "data": {"result": 5}}


async def test_a_stream_holds_every_message() -> None:
    async with caller() as (http, _):
        body = {"actions": [act("push", "a1", data={"n": 1}), act("add", "a2", a=1), act("sub", "a3")]}
        messages = events(await http.post("/action", json=body, headers=STREAM))
        assert [(m["type"], m.get("id")) for m in messages] == [
            ("server-message", None),
            ("action-response", "a1"),
            ("action-response", "a2"),
            ("error-response", "a3"),
        ]
        assert messages[0]["data"] == {"n": 1}
        # Plain JSON has room for one message: the answer to the first action.
        assert (await http.post("/action", json=body)).json() == messages[1]


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (act("sub"), "unknown-action"),
        (act("add"), "invalid-arguments"),
        (act("add", a="1"), "invalid-arguments"),
        (act("break_down"), "out-of-order"),
        (act("later"), "timeout"),
        (act("call", name="dawdle"), "timeout"),
        ({"label": "rtvi-ai", "type": "action", "id": "a1"}, "invalid-message"),
        ({"label": "rtvi-ai", "type": "action", "id": "a1", "data": [1]}, "invalid-message"),
    ],
)
async def test_an_action_that_fails_is_answered_as_in_a_session(action: dict[str, Any], code: str) -> None:
    async with caller() as (http, _):
        answer = await http.post("/action", json={"actions": [action]})
        assert answer.status_code == 200
        message = answer.json()
        assert (message["type"], message["id"], message["data"]["code"]) == ("error-response", "a1", code)


async def test_every_request_is_a_session_with_its_own_configuration() -> None:
    async with caller() as (http, host):
        for _ in range(2):
            answer = await http.post("/action", json={"actions": [act("count", key="k")]})
            assert answer.json()["data"]["result"]["runs"] == 1
        config = [{"service": "desk", "options": [{"name": "sign", "value": "closed"}]}]
        body = {"config": config, "actions": [act("set_option", name="sign", value="open")]}
        messages = events(await http.post("/action", json=body, headers=STREAM))
        assert messages[0]["data"]["type"] == "config-changed"
        config[0]["options"] = [{"name": "sign", "value": "ajar"}]
        refused = await http.post("/action", json=body)
        assert refused.status_code == 400
        assert "desk.sign" in refused.json()["error"]
        assert not host.connections


LABEL = {"label": "rtvi-ai", "type": "action", "id": "a1"}

BAD: list[Any] = [
    ("nothing", b"", "actions"),
    ("not-json", b"{", "not JSON"),
    ("not-utf8", b'{"actions": "\xff"}', "not JSON"),
    ("not-an-object", b"[1]", "no JSON object"),
    ("no-actions", b"{}", "actions"),
    ("actions-not-an-array", {"actions": LABEL}, "actions"),
    ("no-action", {"actions": []}, "actions"),
    ("not-a-message", {"actions": [7]}, "actions.0:"),
    ("no-label", {"actions": [{"type": "action", "id": "a1", "data": {}}]}, "actions.0:"),
    ("other-label", {"actions": [LABEL | {"label": "x"}]}, "actions.0:"),
    ("no-id", {"actions": [{"label": "rtvi-ai", "type": "action"}]}, "actions.0:"),
    ("id-not-text", {"actions": [LABEL | {"id": 7}]}, "actions.0:"),
    ("another-type", {"actions": [LABEL, LABEL | {"type": "get-config"}]}, "actions.1:"),
    ("too-deep", {"actions": [[[[[]]]]], "x": json.loads("[" * 90 + "]" * 90)}, "nested"),
    ("config-not-an-array", {"actions": [LABEL], "config": {"desk": {}}}, "config"),
]


@pytest.mark.parametrize(("body", "text"), [pytest.param(b, t, id=i) for i, b, t in BAD])
async def test_a_bad_body_is_refused_with_the_reason(body: Any, text: str) -> None:
    async with caller() as (http, _):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await http.post("/action", content=content)
        assert answer.status_code == 400
        assert text in answer.json()["error"]
        assert answer.json()["info"] == answer.json()["error"]


async def test_a_large_body_is_refused() -> None:
    async with caller() as (http, host):
        answer = await http.post("/action", content=b" " * (host.limits.max_message_bytes + 1))
        assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_acts(method: str) -> None:
    async with caller() as (http, _):
        assert (await http.request(method, "/action")).status_code == 405


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        pytest.param({}, "", 401, id="none"),
        pytest.param({"authorization": "Bearer wrong-wrong"}, "", 401, id="wrong"),
        pytest.param({}, "?token=wrong-wrong", 401, id="wrong-in-query"),
        pytest.param({"authorization": "Bearer token-of-the-desk"}, "", 200, id="header"),
        pytest.param({}, "?token=token-of-the-desk", 200, id="query"),
    ],
)
async def test_a_token_is_asked_for(headers: dict[str, str], query: str, status: int) -> None:
    async with caller() as (http, host):
        host.tokens = MappingProxyType({"desk": "token-of-the-desk"})
        answer = await http.post(f"/action{query}", json={"actions": [act("add", a=1)]}, headers=headers)
        assert answer.status_code == status
        assert "token-of-the-desk" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"origin": "https://evil.example"}, 403, id="foreign-origin"),
        pytest.param({"origin": "null"}, 403, id="null-origin"),
        pytest.param({"host": "evil.example"}, 403, id="foreign-host"),
        pytest.param({"origin": "https://app.example"}, 200, id="allowed-origin"),
        pytest.param({}, 200, id="no-origin"),
    ],
)
async def test_browsers_of_other_origins_may_not_act(headers: dict[str, str], status: int) -> None:
    async with caller() as (http, host):
        host.origins = ("https://app.example",)
        answer = await http.post("/action", json={"actions": [act("add", a=1)]}, headers=headers)
        assert answer.status_code == status


async def test_turns_count_as_sessions() -> None:
    async with caller() as (http, host):
        host.limits = host.limits.model_copy(update={"max_sessions": 1})
        host._turns = 1
        assert (await http.post("/action", json={"actions": [act("add", a=1)]})).status_code == 503
        host._turns = 0
        host.is_stopping = True
        assert (await http.post("/action", json={"actions": [act("add", a=1)]})).status_code == 503
        host.is_stopping = False
