"""Legacy messages, the same names as `t` of a `client-message`, and the short form: one call, three envelopes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIActionArgument, RTVIProcessor
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import Told, action, service, session


async def search(processor: RTVIProcessor, *, query: str, limit: int = 3) -> Any:
    if query == "refuse":
        raise ActionError("not that", code="not-that", details={"n": 1})
    if query == "raise":
        raise ValueError("private")
    if query == "none":
        return None
    if query == "wrong":
        return [3]
    if query == "object":
        return [object()]
    return [query] * limit


def bot() -> RTVIProcessor:
    rtvi = make()
    rtvi.register_service(
        service("voice", Told().option, rate={"type": "number", "default": 1, "description": "Speed."}, name="string")
    )
    arguments = [
        RTVIActionArgument("query", required=True),
        RTVIActionArgument("limit", {"type": "integer", "minimum": 0}, default=2),
    ]
    result = {"type": ["array", "null"], "items": {"type": "string"}}
    rtvi.register_action(action("library.search", search, arguments, result=result))
    return rtvi


def call(**arguments: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in arguments.items()]
    return {"service": "library", "action": "search", "arguments": listed}


def update(**options: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in options.items()]
    return {"config": [{"service": "voice", "options": listed}]}


REQUESTS: dict[str, tuple[str, Any, str]] = {
    "describe-config": ("describe-config", {}, "config-available"),
    "describe-config without data": ("describe-config", None, "config-available"),
    "get-config": ("get-config", {}, "config"),
    "describe-bot": ("describe-bot", {}, "bot-description"),
    "describe-actions": ("describe-actions", {}, "actions-available"),
    "update-config": ("update-config", update(rate=2, name="x"), "config"),
    "update-config of nothing": ("update-config", {"config": []}, "config"),
    "update-config, wrong type": ("update-config", update(rate="fast"), "error-response"),
    "update-config, no such option": ("update-config", update(rat=1), "error-response"),
    "update-config, malformed": ("update-config", {"config": 3}, "error-response"),
    "action": ("action", call(query="spa"), "action-response"),
    "action, plain object": ("action", {**call(), "arguments": {"query": "spa", "limit": 1}}, "action-response"),
    "action, null": ("action", call(query="none"), "action-response"),
    "action, empty": ("action", call(query="spa", limit=0), "action-response"),
    "action refuses": ("action", call(query="refuse"), "error-response"),
    "action raises": ("action", call(query="raise"), "error-response"),
    "action, wrong result": ("action", call(query="wrong"), "error-response"),
    "action, result is no JSON": ("action", call(query="object"), "error-response"),
    "action, missing": ("action", call(), "error-response"),
    "action, no arguments": ("action", {"service": "library", "action": "search"}, "error-response"),
    "action, unknown argument": ("action", call(query="spa", limt=1), "error-response"),
    "action, not an integer": ("action", call(query="spa", limit=1.5), "error-response"),
    "action, out of range": ("action", call(query="spa", limit=-1), "error-response"),
    "unknown action": ("action", {"service": "library", "action": "serch"}, "error-response"),
    "unknown service": ("action", {"service": "libary", "action": "search"}, "error-response"),
    "action without its name": ("action", {"service": "library"}, "error-response"),
    "action, name is a number": ("action", {"service": 3, "action": "search"}, "error-response"),
    "action, a name twice": (
        "action",
        {**call(), "arguments": [{"name": "query", "value": "a"}, {"name": "query", "value": "b"}]},
        "error-response",
    ),
    "action, arguments are text": ("action", {**call(), "arguments": "spa"}, "error-response"),
    "action, an entry is text": ("action", {**call(), "arguments": ["spa"]}, "error-response"),
    "action without data": ("action", None, "error-response"),
}


async def ask(version: str | None, type_: str, data: Any) -> dict[str, Any]:
    """Put one request to a new bot and give the one message that answers it."""
    async with session(bot(), version=version) as client:
        before = len(client.received)
        sent = data if version is None else {"t": type_} if data is None else {"t": type_, "d": data}
        id_ = await client.send(type_ if version is None else "client-message", sent)
        await client.request("client-message" if version else "get-config", {"t": "get-config"} if version else {})
        (answer,) = (message for message in client.received[before:] if message.get("id") == id_)
        return answer  # type: ignore[no-any-return]


@pytest.mark.parametrize(("type_", "data", "answered_by"), REQUESTS.values(), ids=REQUESTS.keys())
async def test_one_answer_in_both_dialects(type_: str, data: Any, answered_by: str) -> None:
    legacy = await ask(None, type_, data)
    new = await ask("2.1.0", type_, data)
    assert legacy["type"] == answered_by
    if answered_by == "error-response":
        assert new["type"] == "error-response"
        assert new["data"] == legacy["data"]
        assert legacy["data"].keys() >= {"error", "code", "category"}
    else:
        assert new["type"] == "server-response"
        assert new["data"] == {"t": type_, "d": legacy["data"]}


SHORT: dict[str, tuple[Any, Any]] = {
    "result": ({"query": "spa"}, ["spa", "spa"]),
    "null": ({"query": "none"}, None),
    "empty": ({"query": "spa", "limit": 0}, []),
}


@pytest.mark.parametrize(("d", "expected"), SHORT.values(), ids=SHORT.keys())
async def test_short_form(d: Any, expected: Any) -> None:
    async with session(bot()) as client:
        assert await client.request("client-message", {"t": "library.search", "d": d}) == {
            "t": "library.search",
            "d": expected,
        }


SHORT_FAULTS: dict[str, tuple[str, Any, str]] = {
    "missing": ("library.search", {}, "Invalid arguments for library.search: query: missing"),
    "no d": ("library.search", None, "Invalid arguments for library.search: query: missing"),
    "d is a list": ("library.search", [], "Invalid message: d: expected object"),
    "refused": ("library.search", {"query": "refuse"}, "not that"),
    "near action": ("library.serch", {}, "Action library.serch not registered; did you mean 'library.search'?"),
    "request with a list": ("get-config", [], "Invalid message: d: expected object"),
}


@pytest.mark.parametrize(("t", "d", "text"), SHORT_FAULTS.values(), ids=SHORT_FAULTS.keys())
async def test_short_form_refused(t: str, d: Any, text: str) -> None:
    async with session(bot()) as client:
        with pytest.raises(RequestError) as refused:
            await client.ask(t, d)
        assert refused.value.text == text


UNKNOWN: dict[str, tuple[str, str]] = {
    "near service": ("libary.search", "Unknown message 'libary.search'; did you mean 'library.search'?"),
    "near request": ("get-confg", "Unknown message 'get-confg'; did you mean 'get-config'?"),
    "nothing near": ("xyzzy", "Unknown message 'xyzzy'"),
}


@pytest.mark.standalone("in a pipeline a stage may answer: tests/pipecat/test_frames.py")
@pytest.mark.parametrize(("t", "text"), UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_what_nobody_knows(t: str, text: str) -> None:
    async with session(bot()) as client:
        with pytest.raises(RequestError) as refused:
            await client.ask(t, {})
        assert refused.value.text == text


ENVELOPES: dict[str, tuple[Any, str, Any]] = {
    "no type": ({"label": "rtvi-ai", "id": "a"}, "error-response", "Invalid message: type: expected string"),
    "numeric type": ({"label": "rtvi-ai", "id": "a", "type": 3}, "error-response", "Invalid message: type: "),
    "unknown type": ({"label": "rtvi-ai", "id": "a", "type": "sing"}, "error-response", "Unsupported type sing"),
    "data is a list": (
        {"label": "rtvi-ai", "id": "a", "type": "get-config", "data": []},
        "error-response",
        "Invalid message: data: expected object",
    ),
    "no id": ({"label": "rtvi-ai", "type": "get-config"}, "error", "Invalid RTVI transport message: id: missing"),
    "numeric id": (
        {"label": "rtvi-ai", "id": 5, "type": "get-config"},
        "error",
        "Invalid RTVI transport message: id: expected string",
    ),
    "null id": ({"label": "rtvi-ai", "id": None, "type": "get-config"}, "error", "Invalid RTVI transport message: id"),
    "no object": (["get-config"], "error", "Invalid RTVI transport message: expected an object"),
    "null": ("text", "error", "Invalid RTVI transport message: expected an object"),
}


@pytest.mark.parametrize(("message", "type_", "text"), ENVELOPES.values(), ids=ENVELOPES.keys())
async def test_malformed_envelopes(message: Any, type_: str, text: str) -> None:
    async with session(bot()) as client:
        told = client.next(type_)
        waiting = asyncio.ensure_future(told)
        await asyncio.sleep(0)
        await client.send_raw(message)
        answer = await waiting
        assert answer["data"]["error"].startswith(text)
        assert answer["data"]["code"] in ("invalid-message", "unsupported-type")
        assert answer.get("id") == ("a" if type_ == "error-response" else None)
        assert await client.get_config()  # the session goes on


@pytest.mark.parametrize("message", [{}, {"label": "other", "id": "a", "type": "get-config"}, {"type": "get-config"}])
async def test_foreign_messages_are_ignored(message: Any) -> None:
    async with session(bot()) as client:
        await client.send_raw(message)
        await client.get_config()
        assert client.types() == ["bot-ready", "server-response"]
