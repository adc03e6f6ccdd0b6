"""What clients of every generation send with their start means one thing, on both hosts and every way in."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins.testing import connect
from rtvi_plugins.testing.client import RequestError
from tests.starts.harness import HOSTS, OPEN, begun, load, serving

FIRST = [{"service": "desk", "options": [{"name": "first", "value": "mine"}]}]
LEVEL = [{"service": "desk", "options": [{"name": "level", "value": 7}]}]
CUSTOMER = {"customer": "c-17"}

BODIES: list[Any] = [
    # body, start data, `first`, `level`
    pytest.param(b"", {}, "one", 1, id="nothing"),
    pytest.param({}, {}, "one", 1, id="empty"),
    pytest.param(CUSTOMER, CUSTOMER, "one", 1, id="own keys"),
    pytest.param({"body": CUSTOMER}, CUSTOMER, "one", 1, id="body"),
    pytest.param({"body": None, **CUSTOMER}, CUSTOMER, "one", 1, id="no body"),
    pytest.param({"config": FIRST}, {}, "mine", 1, id="config"),
    pytest.param({"body": {"config": FIRST}}, {}, "mine", 1, id="config in body"),
    pytest.param({"config": FIRST, "body": {"config": LEVEL}}, {}, "mine", 7, id="config twice"),
    pytest.param({"body": {"config": FIRST, **CUSTOMER}}, CUSTOMER, "mine", 1, id="all in body"),
    pytest.param(
        {"config": FIRST, "rtvi_client_version": "0.4.1", "services": {"llm": "x"}, **CUSTOMER},
        {"services": {"llm": "x"}, **CUSTOMER},
        "mine",
        1,
        id="0.3",
    ),
    pytest.param(
        {
            "transport": "websocket",
            "createDailyRoom": False,
            "dailyRoomProperties": {"x": 1},
            "dailyMeetingTokenProperties": {},
            "namespace": "n",
            "body": CUSTOMER,
        },
        CUSTOMER,
        "one",
        1,
        id="runner's keys",
    ),
    pytest.param({"body": {"transport": "fax"}}, {"transport": "fax"}, "one", 1, id="any name in body"),
    pytest.param({"a": 1, "b": 2, "body": {"b": 3}}, {"a": 1, "b": 3}, "one", 1, id="body over the rest"),
    pytest.param(
        {"body": {"deep": [{"a": [None, 1.5, "é"]}]}}, {"deep": [{"a": [None, 1.5, "é"]}]}, "one", 1, id="deep"
    ),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("body", "data", "first", "level"), BODIES)
async def test_what_a_session_begins_with(
    tmp_path: Path, host: str, body: Any, data: Any, first: str, level: int
) -> None:
    bot, desk = load(tmp_path, OPEN, host)
    async with serving(bot, host) as served:
        for path in ("/start", "/connect"):
            answer = await served.start(body, path)
            assert answer.status_code == 200, answer.text
            async with served.at(answer.json()["ws_url"]) as client:
                assert await begun(client) == (data, {"first": first, "level": level})
    assert desk.told == [("first", first), ("level", level)] * 2


WRONG: list[Any] = [
    pytest.param({"body": 7}, "Invalid start data: body: expected object", "/body", id="a number"),
    pytest.param({"body": []}, "Invalid start data: body: expected object", "/body", id="a list"),
    pytest.param({"body": {"x": "y" * 300}}, "Invalid start data: larger than 256 bytes", "", id="too large"),
    pytest.param({"x": "y" * 300}, "Invalid start data: larger than 256 bytes", "", id="too large, of old"),
    pytest.param({"x": "y" * 200, "body": {"z": "y" * 60}}, "Invalid start data: larger", "", id="together"),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("body", "text", "pointer"), WRONG)
async def test_what_is_refused(tmp_path: Path, host: str, body: Any, text: str, pointer: str) -> None:
    bot, _ = load(tmp_path, OPEN, host, "limits: {max_start_bytes: 256}")
    async with serving(bot, host) as served:
        answer = await served.start(body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "invalid-start")
    assert told["error"] == told["info"] == told["detail"]
    assert told["error"].startswith(text)
    assert [fault["pointer"] for fault in told["details"]] == [pointer]


@pytest.mark.parametrize("size", [256, 257])
@pytest.mark.parametrize("host", HOSTS)
async def test_the_bound_in_bytes(tmp_path: Path, host: str, size: int) -> None:
    bot, _ = load(tmp_path, OPEN, host, "limits: {max_start_bytes: 256}")
    data = {"é": "x" * (size - len('{"é":""}'.encode()))}
    async with serving(bot, host) as served:
        assert (await served.start({"body": data})).status_code == (200 if size == 256 else 400)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("body", [{"config": "x"}, {"body": {"config": "x"}}, {"body": {"config": {"desk": 1}}}])
async def test_a_configuration_that_is_none(tmp_path: Path, host: str, body: Any) -> None:
    bot, _ = load(tmp_path, OPEN, host)
    async with serving(bot, host) as served:
        answer = await served.start(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid message: config: expected array")


@pytest.mark.parametrize("host", HOSTS)
async def test_straight_to_the_socket_there_is_none(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, OPEN, host)
    async with serving(bot, host) as served, served.straight() as client:
        assert await begun(client) == ({}, {"first": "one", "level": 1})


@pytest.mark.parametrize("host", HOSTS)
async def test_it_is_there_again_after_a_reconnect(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, OPEN, host, "auth: {tokens: {anna: anna-token-1}}")
    async with serving(bot, host) as served:
        answer = await served.start({"body": CUSTOMER}, headers={"authorization": "Bearer anna-token-1"})
        for _ in range(2):
            async with served.at(answer.json()["ws_url"]) as client:
                assert (await begun(client))[0] == CUSTOMER


async def test_an_action_without_a_connection(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, OPEN, "standalone", "limits: {max_start_bytes: 256}")
    ask = {"label": "rtvi-ai", "type": "action", "id": "1", "data": {"service": "desk", "action": "started"}}
    async with serving(bot, "standalone") as served:
        for body in ({**CUSTOMER, "actions": [ask]}, {"body": CUSTOMER, "actions": [ask], "config": FIRST}):
            answer = await served.start(body, "/action")
            assert answer.json()["data"] == {"result": CUSTOMER}
        answer = await served.start({"body": {"x": "y" * 300}, "actions": [ask]}, "/action")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-start")


@pytest.mark.parametrize("key", ["request_data", "requestData"])
@pytest.mark.parametrize("start", [None, {"body": {"customer": "c-1", "kept": 1, "config": FIRST}}])
async def test_offers(tmp_path: Path, key: str, start: Any) -> None:
    """The runner gets the offer alone; for whom it begins a session is left what start and offer say together."""
    bot, _ = load(tmp_path, OPEN, "pipecat")
    async with serving(bot, "pipecat") as served:
        path = "/api/offer"
        if start is not None:
            session = (await served.start({"transport": "webrtc", **start})).json()["sessionId"]
            path = f"/sessions/{session}/api/offer"
        offer = {"sdp": "x", "type": "offer", key: {**CUSTOMER, "config": LEVEL}}
        answer = await served.start(offer, path)
        assert json.loads(answer.json()["body"]) == {"sdp": "x", "type": "offer"}
        left = json.loads(answer.headers["x-start"])
        assert left["data"] == (CUSTOMER if start is None else {"kept": 1, **CUSTOMER})
        assert left["config"] == {"desk": {"level": 7} | ({} if start is None else {"first": "mine"})}
        answer = await served.start({**offer, key: 7}, path)
        assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (400, "/body")


async def test_the_runner_is_given_its_own_keys_alone(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, OPEN, "pipecat")
    async with serving(bot, "pipecat") as served:
        body = {"createDailyRoom": True, "dailyRoomProperties": {"a": 1}, "own": 1, "body": CUSTOMER, "config": FIRST}
        answer = await served.start(body)
    asked = {"transport": "daily", "createDailyRoom": True, "dailyRoomProperties": {"a": 1}}
    assert json.loads(answer.headers["x-asked"]) == asked


async def test_an_offer_to_a_session_that_is_forgotten(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, OPEN, "pipecat")
    async with serving(bot, "pipecat") as served:
        offer = {"sdp": "x", "type": "offer"}
        assert (await served.start(offer, "/sessions/gone/api/offer")).status_code == 403
        assert (await served.start({**offer, "pc_id": "1"}, "/sessions/gone/api/offer")).status_code == 200


async def test_nobody_can_change_it(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, OPEN, "standalone")
    async with connect(bot, start={"a": [1], "config": FIRST}) as client:
        start = client.processor.session.start  # type: ignore[attr-defined]
        start["a"].append(2)
        assert client.processor.session.start == {"a": [1]}  # type: ignore[attr-defined]
        with pytest.raises(TypeError):
            start["b"] = 1
        assert (await begun(client))[1]["first"] == "mine"
    with pytest.raises(RequestError) as wrong:
        async with connect(bot, start={"config": "x"}):
            pass
    assert wrong.value.code == "invalid-message"


@pytest.mark.parametrize("host", HOSTS)
async def test_the_log_says_nothing_of_it(tmp_path: Path, host: str, caplog: pytest.LogCaptureFixture) -> None:
    bot, _ = load(tmp_path, OPEN, host, "limits: {max_start_bytes: 64}")
    caplog.set_level(logging.DEBUG)
    async with serving(bot, host) as served:
        await served.start({"body": {"secret": "kept-quiet" * 20}})
        answer = await served.start({"body": {"secret": "kept-quiet"}})
        async with served.at(answer.json()["ws_url"]) as client:
            assert (await begun(client))[0] == {"secret": "kept-quiet"}
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("rtvi_plugins", "pipecat"))]
    assert "kept-quiet" not in "\n".join(ours)
