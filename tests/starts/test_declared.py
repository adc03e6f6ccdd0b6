"""`start:` and `from:`: data that is declared is checked before a session is made, on both hosts and every way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins import Caller, Session
from rtvi_plugins.testing import connect
from rtvi_plugins.testing.client import RequestError
from tests.starts.harness import DECLARED, HOSTS, begun, load, refused, serving

GIVEN = {"customer": "c-17"}
WHOLE = {"customer": "c-17", "level": 2}
SETTINGS = {"first": "one", "level": 1, "who": "c-17", "depth": 2, "labels": ["none"]}

FITTING: list[Any] = [
    pytest.param({"body": GIVEN}, WHOLE, SETTINGS, id="default"),
    pytest.param({**GIVEN, "level": 3}, {**WHOLE, "level": 3}, SETTINGS | {"depth": 3}, id="of old"),
    pytest.param({"body": {**GIVEN, "level": 3.0}}, {**WHOLE, "level": 3}, SETTINGS | {"depth": 3}, id="whole number"),
    pytest.param(
        {"body": {**GIVEN, "tags": ["a"]}}, {**WHOLE, "tags": ["a"]}, SETTINGS | {"labels": ["a"]}, id="optional"
    ),
    pytest.param(
        {"body": {**GIVEN, "config": [{"service": "desk", "options": [{"name": "depth", "value": 5}]}]}},
        WHOLE,
        SETTINGS | {"depth": 5},
        id="config over it",
    ),
    pytest.param(
        {"transport": "websocket", "rtvi_client_version": "0.4.1", **GIVEN}, WHOLE, SETTINGS, id="keys of others"
    ),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("body", "data", "settings"), FITTING)
async def test_what_fits(tmp_path: Path, host: str, body: Any, data: Any, settings: Any) -> None:
    bot, desk = load(tmp_path, DECLARED, host)
    async with serving(bot, host) as served:
        answer = await served.start(body)
        assert answer.status_code == 200, answer.text
        async with served.at(answer.json()["ws_url"]) as client:
            assert await begun(client) == (data, settings)
            shown = (await client.get_config())["desk"]
            assert shown.keys() == {"first", "level", "depth"}
    assert dict(desk.told) == settings
    assert [type(value) for name, value in desk.told if name == "depth"] == [int]


WRONG: list[Any] = [
    pytest.param({}, ["/customer"], "customer: missing", id="missing"),
    pytest.param(b"", ["/customer"], "customer: missing", id="no body"),
    pytest.param({"customer": 17}, ["/customer"], "customer: expected string, got integer", id="wrong type"),
    pytest.param({"body": {"customer": "x"}}, ["/body/customer"], "customer: ", id="pattern, in body"),
    pytest.param({"body": {**GIVEN, "custmer": 1}}, ["/body/custmer"], "custmer: ", id="unknown"),
    pytest.param({**GIVEN, "levl": 1}, ["/levl"], "did you mean 'level'?", id="did you mean"),
    pytest.param({"body": {**GIVEN, "tags": ["a", 2]}}, ["/body/tags/1"], "tags.1: expected string", id="deep"),
    pytest.param({"body": {"level": 0}}, ["/customer", "/body/level"], "level: must be at least 1", id="all of them"),
    pytest.param(
        {**GIVEN, "level": 9}, ["/level"], "level (for desk.depth): must be at most 5", id="what the option cannot take"
    ),
    pytest.param(
        {"body": {"level": 1}, "config": [{"service": "desk", "options": [{"name": "frist", "value": 1}]}]},
        ["/config/0/options/0", "/customer"],
        "did you mean 'first'?; Invalid start data: customer: missing",
        id="configuration too",
    ),
    pytest.param(
        {"body": {"config": [{"service": "desk", "options": [{"name": "who", "value": "c-1"}]}]}},
        ["/body/config/0/options/0", "/customer"],
        "desk.who: unknown option",
        id="hidden option",
    ),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("body", "pointers", "text"), WRONG)
async def test_what_does_not_fit(tmp_path: Path, host: str, body: Any, pointers: list[str], text: str) -> None:
    bot, desk = load(tmp_path, DECLARED, host)
    async with serving(bot, host) as served:
        for path in ("/start", "/connect"):
            answer = await served.start(body, path)
            told = answer.json()
            assert (answer.status_code, told["code"]) == (400, "invalid-start")
            assert told["error"] == told["info"] == told["detail"]
            assert text in told["error"]
            assert [fault["pointer"] for fault in told["details"]] == pointers
            assert "c-17" not in answer.text
    assert desk.told == []


@pytest.mark.parametrize("host", HOSTS)
async def test_straight_to_the_socket(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, DECLARED, host)
    async with serving(bot, host) as served:
        assert "customer: missing" in await refused(served.straight())
    bot, _ = load(tmp_path, DECLARED.replace("Who rings.", "Who rings., default: c-0"), host)
    async with serving(bot, host) as served, served.straight() as client:
        assert (await begun(client))[0] == {"customer": "c-0", "level": 2}


async def test_a_socket_that_telephones_share_says_it_in_a_message(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, DECLARED, "pipecat")
    async with serving(bot, "pipecat") as served:
        assert "customer: missing" in await refused(served.at(f"{served.address.replace('http', 'ws', 1)}/ws"))


async def test_an_action_without_a_connection(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, DECLARED, "standalone")
    ask = {"label": "rtvi-ai", "type": "action", "id": "1", "data": {"service": "desk", "action": "settings"}}
    async with serving(bot, "standalone") as served:
        answer = await served.start({**GIVEN, "actions": [ask]}, "/action")
        assert answer.json()["data"]["result"] == SETTINGS
        answer = await served.start({"actions": [ask]}, "/action")
        assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (400, "/customer")


async def test_offers_are_checked_with_what_the_start_said(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, DECLARED, "pipecat")
    offer = {"sdp": "x", "type": "offer"}
    async with serving(bot, "pipecat") as served:
        for sent, status in ((offer, 400), ({**offer, "request_data": {"customer": 1}}, 400)):
            answer = await served.start(sent, "/api/offer")
            assert (answer.status_code, answer.json()["details"][0]["pointer"][-9:]) == (status, "/customer")
        answer = await served.start({**offer, "request_data": GIVEN}, "/api/offer")
        assert json.loads(answer.headers["x-start"])["data"] == WHOLE
        session = (await served.start({"transport": "webrtc", "body": GIVEN})).json()["sessionId"]
        answer = await served.start({**offer, "requestData": {"level": 3}}, f"/sessions/{session}/api/offer")
        assert json.loads(answer.headers["x-start"])["data"] == {**WHOLE, "level": 3}


@pytest.mark.parametrize("host", HOSTS)
async def test_a_bot_says_what_it_wants(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, DECLARED, host, "auth: {tokens: {anna: anna-token-1}}")
    json_only, token = {"accept": "application/json"}, {"authorization": "Bearer anna-token-1"}
    async with serving(bot, host) as served:
        listed = (await served.http.get("/", headers=json_only)).json()["bots"]
        assert [entry.keys() for entry in listed] == [{"bot", "description", "ws", "start"}]
        listed = (await served.http.get("/", headers=json_only | token)).json()["bots"]
        schema = listed[0]["start_schema"]
        assert (schema["required"], schema["additionalProperties"]) == (["customer"], False)
        answer = await served.start({"body": GIVEN}, headers=token)
        async with served.at(answer.json()["ws_url"]) as client:
            assert (await client.request("describe-bot", {}))["start"] == schema


async def test_declared_to_be_empty(tmp_path: Path) -> None:
    bot, _ = load(
        tmp_path, "start: {}\nservices: {desk: {options: {first: {type: string, client: none}}}}\n", "pipecat"
    )
    async with serving(bot, "pipecat") as served:
        assert (await served.start({})).status_code == 200
        assert (await served.start({"x": 1})).status_code == 400


async def test_without_a_host(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, DECLARED, "standalone")
    async with connect(bot, start=GIVEN) as client:
        assert await begun(client) == (WHOLE, SETTINGS)
    with pytest.raises(RequestError) as wrong:
        async with connect(bot, start={"customer": 1}):
            pass
    assert (wrong.value.code, wrong.value.text) == (
        "invalid-start",
        "Invalid start data: customer: expected string, got integer",
    )
    # Whoever makes sessions by hand may leave the check out: what an option does not take it does not get.
    made = bot.processor_class(session=Session("1", Caller(), {"customer": "c-1", "level": 9}))
    assert (made.values["desk"]["who"], "depth" in made.values["desk"]) == ("c-1", False)
