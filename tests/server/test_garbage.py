"""Whatever comes over the wire: the session goes on or the connection ends cleanly, and nothing internal is told."""

from __future__ import annotations

import contextlib
import json
import random
import re
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from rtvi_plugins.server.codec import Frame

from .harness import (
    BINARY,
    CLOSE,
    CONTINUED,
    PING,
    PONG,
    TEXT,
    Bare,
    Serving,
    Talk,
    bare,
    frame,
    ready_message,
    talk,
    until,
)

INTERNAL = re.compile(
    r"Traceback|File \"|/usr/|/site-packages|\.py\b|Error\b|Exception|pydantic|orjson|jsonschema|protobuf\.|"
    r"object at 0x|NoneType|unhashable|not subscriptable|https?://"
)
"""What no text for a client may hold."""


def assert_tells_nothing_internal(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        assert not INTERNAL.search(json.dumps(message)), message


def envelope(**parts: Any) -> str:
    return json.dumps({"label": "rtvi-ai", "type": "get-config", "id": "x"} | parts)


def without(part: str) -> str:
    return json.dumps({k: v for k, v in json.loads(envelope()).items() if k != part})


DEEP = 'x{"label":"rtvi-ai","type":"client-message","id":"x","data":{"t":"acts.echo","d":{"value":%s}}}'[1:]

# What is sent, and what comes back: None for nothing, "error" for the event, otherwise the code of an error-response.
ODD_TEXTS: list[Any] = [
    pytest.param("", "error", id="empty"),
    pytest.param(" \n", "error", id="blank"),
    pytest.param("hello", "error", id="no-json"),
    pytest.param('{"label":"rtvi-ai"', "error", id="cut-off"),
    pytest.param("[]", "error", id="list"),
    pytest.param("7", "error", id="number"),
    pytest.param("null", "error", id="null"),
    pytest.param("true", "error", id="true"),
    pytest.param('"rtvi-ai"', "error", id="string"),
    pytest.param("NaN", "error", id="nan-alone"),
    pytest.param('{"a":1}{"b":2}', "error", id="two-values"),
    pytest.param("{}", None, id="empty-object"),
    pytest.param(without("label"), None, id="no-label"),
    pytest.param(envelope(label="other"), None, id="other-label"),
    pytest.param(envelope(label=7), None, id="label-number"),
    pytest.param(envelope(label=["rtvi-ai"]), None, id="label-list"),
    pytest.param(without("id"), "error", id="no-id"),
    pytest.param(envelope(id=7), "error", id="id-number"),
    pytest.param(envelope(id=None), "error", id="id-null"),
    pytest.param(envelope(id=["x"]), "error", id="id-list"),
    pytest.param(envelope(id={"x": 1}), "error", id="id-object"),
    pytest.param(without("type"), "invalid-message", id="no-type"),
    pytest.param(envelope(type=None), "invalid-message", id="type-null"),
    pytest.param(envelope(type=7), "invalid-message", id="type-number"),
    pytest.param(envelope(type=["action"]), "invalid-message", id="type-list"),
    pytest.param(envelope(type={"a": 1}), "invalid-message", id="type-object"),
    pytest.param(envelope(type="t" * 10_000), "unsupported-type", id="type-long"),
    pytest.param(envelope(type="make-tea"), "unsupported-type", id="type-unknown"),
    pytest.param(envelope(type="bot-ready"), "unsupported-type", id="type-of-a-server"),
    pytest.param(envelope(type=None, id=None), "error", id="no-type-no-id"),
    pytest.param(envelope(data=[]), "invalid-message", id="data-list"),
    pytest.param(envelope(data="text"), "invalid-message", id="data-string"),
    pytest.param(envelope(data=7), "invalid-message", id="data-number"),
    pytest.param(envelope(data=False), "invalid-message", id="data-false"),
    pytest.param(envelope(type="action"), "invalid-message", id="action-no-data"),
    pytest.param(envelope(type="action", data={}), "invalid-message", id="action-empty"),
    pytest.param(envelope(type="action", data={"service": ["a"], "action": {}}), "invalid-message", id="action-odd"),
    pytest.param(
        envelope(type="action", data={"service": "acts", "action": "add", "arguments": 7}),
        "invalid-message",
        id="arguments-number",
    ),
    pytest.param(
        envelope(type="action", data={"service": "acts", "action": "add", "arguments": [7, None]}),
        "invalid-message",
        id="arguments-of-numbers",
    ),
    pytest.param(
        envelope(type="action", data={"service": "acts", "action": "add", "arguments": [{"name": []}]}),
        "invalid-message",
        id="argument-name-list",
    ),
    pytest.param(
        envelope(type="action", data={"service": "acts", "action": "add", "arguments": [{"name": "a", "value": "1"}]}),
        "invalid-arguments",
        id="argument-of-wrong-type",
    ),
    pytest.param(envelope(type="update-config"), "invalid-message", id="update-no-data"),
    pytest.param(envelope(type="update-config", data={"config": {}}), "invalid-message", id="update-object"),
    pytest.param(envelope(type="update-config", data={"config": [7]}), "invalid-message", id="update-of-numbers"),
    pytest.param(
        envelope(type="update-config", data={"config": [{"service": "desk", "options": [7]}]}),
        "invalid-message",
        id="options-of-numbers",
    ),
    pytest.param(
        envelope(type="update-config", data={"config": [], "interrupt": "yes"}), "invalid-message", id="interrupt-text"
    ),
    pytest.param(envelope(type="client-message"), "invalid-message", id="message-no-data"),
    pytest.param(envelope(type="client-message", data={"t": 7}), "invalid-message", id="t-number"),
    pytest.param(envelope(type="client-message", data={"t": "acts.add", "d": [1]}), "invalid-message", id="d-list"),
    pytest.param(envelope(type="client-message", data={"t": "action", "d": "x"}), "invalid-message", id="d-string"),
    pytest.param(envelope(type="client-message", data={"t": "", "d": 1}), "unknown-message", id="t-empty"),
    pytest.param(envelope(type="client-message", data={"t": "t" * 10_000}), "unknown-message", id="t-long"),
    pytest.param(envelope(type="client-message", data={"t": "."}), "unknown-message", id="t-dot"),
    pytest.param(envelope(type="client-message", data={"t": "acts."}), "unknown-action", id="t-half"),
    pytest.param(envelope(type="client-message", data={"t": "acts.ad"}), "unknown-action", id="t-nearly"),
    pytest.param(envelope(type="send-text", data={}), "invalid-message", id="text-missing"),
    pytest.param(envelope(type="send-text", data={"content": "x"}), "no-responder", id="nobody-to-talk-to"),
    pytest.param('{"label":"rtvi-ai","type":"get-config","id":"x","data":{"a":NaN}}', "invalid-message", id="nan"),
    pytest.param(
        '{"label":"rtvi-ai","type":"get-config","id":"x","data":{"a":1e999}}', "invalid-message", id="infinity"
    ),
    pytest.param('{"label":"rtvi-ai","type":"make-\\ud83d","id":"x"}', "unsupported-type", id="lone-surrogate"),
    pytest.param('{"data":{"id":"y","a":NaN},"label":"rtvi-ai","id":"x"}', "invalid-message", id="nan-id-last"),
    pytest.param('{"label":"rtvi-ai","data":{"id":"y","a":NaN}}', "error", id="nan-id-inside"),
    pytest.param('{"id":"x","a":NaN}', "error", id="nan-no-label"),
    pytest.param(DEEP % ("[" * 200 + "]" * 200), "invalid-message", id="200-deep"),
    pytest.param(DEEP % ('{"a":' * 200 + "1" + "}" * 200), "invalid-message", id="200-deep-objects"),
    pytest.param(DEEP % ("[" * 900 + "]" * 900), "invalid-message", id="900-deep"),
    pytest.param(DEEP % ("[" * 100_000 + "]" * 100_000), "invalid-message", id="100000-deep"),
    pytest.param("[" * 100_000, "error", id="100000-open"),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "protobuf"])
@pytest.mark.parametrize(("text", "expected"), ODD_TEXTS)
def test_odd_json_is_answered_or_passed_over(serving: Serving, text: str, expected: str | None, binary: bool) -> None:
    with talk(serving.ws, binary=binary) as client:
        client.put(text)
        heard = client.drain()
        assert_tells_nothing_internal(heard)
        assert sum(len(json.dumps(message)) for message in heard) < 1000
        if expected is None:
            assert heard == []
        elif expected == "error":
            (event,) = heard
            assert event["type"] == "error"
            assert "id" not in event
            assert event["data"]["error"].startswith("Invalid RTVI transport message: ")
            assert event["data"]["message"] == event["data"]["error"]
            assert event["data"]["fatal"] is False
            assert event["data"]["category"] == "protocol"
        else:
            (answer,) = heard
            assert (answer["type"], answer["id"], answer["data"]["code"]) == ("error-response", "x", expected)
            assert answer["data"]["error"]
            assert answer["data"]["category"]
        assert client.is_alive()


def test_half_an_emoji_arrives_as_the_replacement_character(client: Talk) -> None:
    client.put(DEEP % r'"abc\ud83d \ud83d\ude00 \\ud83d"')
    assert client.reply("x")["data"]["d"] == "abc\ufffd \U0001f600 \\ud83d"


def test_the_last_of_duplicate_keys_counts(client: Talk) -> None:
    client.put('{"label":"rtvi-ai","type":"action","type":"get-config","id":"a","id":"b"}')
    assert client.next()["id"] == "b"
    assert client.is_alive()


def test_extra_keys_are_ignored(client: Talk) -> None:
    client.put({"label": "rtvi-ai", "type": "get-config", "id": "x", "data": {"more": 1}, "extra": [1]})
    assert client.next()["type"] == "config"


def encoded(**parts: Any) -> bytes:
    data: bytes = Frame(**parts).SerializeToString()
    return data


WHOLE = encoded(message={"data": envelope()})

ODD_FRAMES: list[Any] = [
    pytest.param(b"", "error", id="empty"),
    *(pytest.param(WHOLE[:cut], "error", id=f"cut-at-{cut}") for cut in (1, 2, 5, len(WHOLE) - 1)),
    pytest.param(b"\xff" * 64, "error", id="all-ones"),
    pytest.param(envelope().encode(), "error", id="json-as-binary"),
    pytest.param(b"\x22\x02\xff\xfe", "error", id="message-no-utf-8"),
    pytest.param(encoded(message={"data": ""}), "error", id="message-empty"),
    pytest.param(encoded(message={"data": "[1]"}), "error", id="message-a-list"),
    pytest.param(b"\x32\x00", "error", id="unknown-kind"),
    pytest.param(encoded(text={"text": "hello"}), None, id="text"),
    pytest.param(encoded(audio={"audio": b"\0" * 640, "sample_rate": 16000, "num_channels": 1}), None, id="audio"),
    pytest.param(encoded(audio={}), None, id="audio-empty"),
    pytest.param(encoded(transcription={"text": "hi", "user_id": "u"}), None, id="transcription"),
    pytest.param(encoded(interruption={"id": 7}), None, id="interruption"),
]


@pytest.mark.parametrize(("data", "expected"), ODD_FRAMES)
def test_odd_protobuf_is_told_and_media_passed_over(serving: Serving, data: bytes, expected: str | None) -> None:
    with talk(serving.ws, binary=True) as client:
        client.socket.send(data)
        heard = client.drain()
        assert [message["type"] for message in heard] == ([] if expected is None else [expected])
        assert_tells_nothing_internal(heard)
        assert client.is_alive()


def test_random_bytes_never_end_a_session(serving: Serving, other: Talk) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    with talk(serving.ws, binary=True) as client:
        for _ in range(500):
            data = bytearray(WHOLE if chance.random() < 0.7 else chance.randbytes(chance.randrange(200)))
            for _ in range(chance.randrange(4)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            client.socket.send(bytes(data))
        assert_tells_nothing_internal(client.drain())
        assert client.is_alive()
    assert other.is_alive()


def test_a_session_may_change_between_text_and_protobuf(client: Talk) -> None:
    for binary in (False, True, False, True):
        client.binary = binary
        client.send("get-config", id_="x")
        given = client.socket.recv(timeout=120)
        assert isinstance(given, bytes) is binary


# -- below JSON: WebSocket frames -------------------------------------------------------------------------------------

REQUEST = envelope().encode()

ENDINGS: list[Any] = [
    pytest.param(frame(TEXT, b"\xff\xfe{}"), {1007}, id="text-no-utf-8"),
    pytest.param(frame(TEXT, b'{"a":"\xed\xa0\x80"}'), {1007}, id="text-with-surrogate"),
    pytest.param(frame(TEXT, REQUEST, masked=False), {1002}, id="not-masked"),
    pytest.param(frame(3, REQUEST), {1002}, id="reserved-opcode"),
    pytest.param(frame(TEXT, REQUEST, reserved=4), {1002}, id="compressed-unasked"),
    pytest.param(frame(CONTINUED, REQUEST), {1002}, id="continues-nothing"),
    pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), {1002}, id="message-within-message"),
    pytest.param(frame(PING, b"x" * 126), {1002}, id="long-ping"),
    pytest.param(frame(PING, fin=False), {1002}, id="ping-in-parts"),
    pytest.param(frame(CLOSE, b"\x03"), {1002}, id="close-of-one-byte"),
    pytest.param(frame(CLOSE, b"\x03\xed"), {1002}, id="close-1005"),
    pytest.param(frame(CLOSE), {1000, 1005}, id="close-empty"),
    pytest.param(frame(CLOSE, b"\x03\xe8"), {1000}, id="close-1000"),
    pytest.param(frame(TEXT, b" " * 10_000_000), {1009, None}, id="10-MB-text"),
    pytest.param(frame(BINARY, b"\0" * 10_000_000), {1009, None}, id="10-MB-binary"),
    pytest.param(b"\x82\xff" + b"\x7f" + b"\xff" * 7 + b"\0" * 4, {1009}, id="endless"),
    pytest.param(b"\x82\xff" + b"\xff" * 8 + b"\0" * 4, {1002, 1009}, id="length-too-long"),
    pytest.param(
        frame(TEXT, b" " * 700_000, fin=False) + frame(CONTINUED, b" " * 700_000), {1009, None}, id="parts-too-long"
    ),
]


@pytest.mark.parametrize(("data", "codes"), ENDINGS)
def test_broken_frames_end_their_connection(serving: Serving, other: Talk, data: bytes, codes: set[int | None]) -> None:
    with bare(serving.port) as socket:
        socket.put(ready_message())
        socket.next()
        try:
            socket.send(data)
        except ConnectionError:
            assert None in codes  # the server need not read on before it closes
        assert socket.close_code() in codes
    assert until(lambda: serving.sessions == 1)
    assert other.is_alive()


def parts(payload: bytes, size: int) -> bytes:
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    return b"".join(frame(CONTINUED if n else TEXT, p, fin=n == len(pieces) - 1) for n, p in enumerate(pieces))


WHOLE_WAYS: list[Any] = [
    pytest.param(frame(TEXT, REQUEST), id="one-frame"),
    pytest.param(parts(REQUEST, 10), id="parts"),
    pytest.param(parts(REQUEST, 1), id="parts-of-one-byte"),
    pytest.param(parts(REQUEST + b" " * 100_000, 1), id="100000-parts"),
    pytest.param(
        frame(TEXT, fin=False) + frame(CONTINUED, fin=False) * 5000 + frame(CONTINUED, REQUEST), id="empty-parts"
    ),
    pytest.param(frame(TEXT, REQUEST[:9], fin=False) + frame(PONG) + frame(CONTINUED, REQUEST[9:]), id="pong-between"),
    pytest.param(
        frame(TEXT, REQUEST[:9], fin=False) + frame(PONG, b"?" * 125) * 9 + frame(CONTINUED, REQUEST[9:]), id="pongs"
    ),
]


def read_reply(socket: Bare) -> dict[str, Any]:
    opcode, payload = socket.next()
    assert opcode == TEXT
    reply: dict[str, Any] = json.loads(payload)
    return reply


@pytest.mark.parametrize("data", WHOLE_WAYS)
def test_messages_may_come_in_any_number_of_parts(serving: Serving, data: bytes) -> None:
    with bare(serving.port) as socket:
        socket.put(ready_message())
        assert read_reply(socket)["type"] == "bot-ready"
        socket.send(data)
        assert read_reply(socket)["type"] == "config"


def test_bytes_may_come_one_by_one(serving: Serving) -> None:
    with bare(serving.port) as socket:
        socket.put(ready_message())
        assert read_reply(socket)["type"] == "bot-ready"
        for byte in frame(TEXT, REQUEST):
            socket.send(bytes([byte]))
        assert read_reply(socket)["type"] == "config"


def test_pings_are_answered(serving: Serving) -> None:
    with bare(serving.port) as socket:
        socket.send(frame(PING, b"one") + frame(PING) + frame(PING, b"x" * 125))
        assert [socket.next() for _ in range(3)] == [(PONG, b"one"), (PONG, b""), (PONG, b"x" * 125)]


def test_a_message_of_a_megabyte_is_answered(client: Talk) -> None:
    text = "é" * 500_000  # 1 MB, of two bytes each
    client.put(json.dumps({"label": "rtvi-ai", "type": "client-message", "id": "x",
                           "data": {"t": "acts.echo", "d": {"value": text}}}, ensure_ascii=False))  # fmt: skip
    assert client.reply("x")["data"]["d"] == text


def test_a_message_beyond_the_limit_closes_with_1009(serving: Serving, other: Talk) -> None:
    with talk(serving.ws) as client:
        with contextlib.suppress(ConnectionClosed):
            client.put(" " * 2_000_000)
        with pytest.raises(ConnectionClosed) as caught:
            client.next()
        assert caught.value.rcvd is None or caught.value.rcvd.code == 1009
    assert other.is_alive()
