"""What clients make a server hold is bounded in bytes, for a session and for the process, on both hosts.

The memory of the server's process is read while clients do their worst. Each figure that it is held against is the sum
of the limits of the bot and what one message takes while it is read; without the limits it would be a multiple.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.server.harness import BINARY, PATIENCE_S, PING, PONG, TEXT, Bare, bare, frame
from tests.whole.flooding import (
    HOSTS,
    LISTS,
    MB,
    OBJECTS,
    TEXT_OF_A_MB,
    Growth,
    answer,
    call,
    codes,
    flooded,
    message,
)

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc"),
    pytest.mark.parametrize("host", HOSTS),
]

SLACK = 24 * MB
"""What reading one message of the worst shape takes, and what an allocator keeps for the next one."""


@pytest.mark.parametrize("value", [LISTS, OBJECTS, TEXT_OF_A_MB, "[" + ",".join(["[]"] * 360_000) + "]"])
def test_messages_before_client_ready(tmp_path: Path, host: str, value: str) -> None:
    with flooded(tmp_path, host, max_waiting_bytes=8 * MB) as bot, bot.socket(ready=False) as socket:
        growth = Growth(bot)
        for _ in range(60):
            socket.send(call("count", value))
        socket.send(call("count", "[]", "last"))
        socket.put({"label": "rtvi-ai", "type": "client-ready", "id": "r", "data": {"version": "2.1.0"}})
        answer(socket, "last")
        assert growth() < 8 * MB + SLACK


def test_many_sessions_before_client_ready(tmp_path: Path, host: str) -> None:
    limits = {"max_waiting_bytes_total": 16 * MB}
    with flooded(tmp_path, host, **limits) as bot, bot.sockets(15, ready=False) as sockets:
        growth = Growth(bot)
        for _ in range(60):  # 900 MB in all
            for socket in sockets:
                socket.send(call("count", TEXT_OF_A_MB))
            growth()
        for socket in sockets:
            socket.send(frame(PING, b"?"))
            while socket.next()[0] != 10:
                pass
        growth()
        assert growth.peak < 16 * MB + 15 * 6 * MB + SLACK  # what each has on its way, in several copies
        assert bot.is_well()


@pytest.mark.parametrize("value", [LISTS, OBJECTS])
def test_messages_whose_handlers_hang(tmp_path: Path, host: str, value: str) -> None:
    with flooded(tmp_path, host, max_waiting_bytes_total=32 * MB) as bot, bot.sockets(10) as sockets:
        growth = Growth(bot)
        for socket in sockets:
            for _ in range(4):
                socket.send(call("hang", value))
            socket.send(call("count", "[]", "last"))
            answer(socket, "last")
        assert growth() < 32 * MB + SLACK
        assert bot.is_well()


def test_sessions_that_only_write_weigh_little(tmp_path: Path, host: str) -> None:
    """In a pipeline without a stage that hears, none loads a model that tells the end of speech: some 8 MB each."""
    with flooded(tmp_path, host) as bot:
        growth = Growth(bot)
        with bot.sockets(30):
            assert growth() < 30 * 2 * MB


def test_one_message_is_taken_whatever_the_others_hold(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host, max_waiting_bytes_total=8 * MB) as bot, bot.sockets(10) as sockets:
        for socket in sockets:  # each has its one, and the bound is used up
            socket.send(call("hang", TEXT_OF_A_MB, "first") + call("count", "[]", "then"))
            answer(socket, "then")
        for socket in sockets:
            socket.send(call("count", TEXT_OF_A_MB, "second"))
            assert codes(socket, "second", 1) == ["busy"]
        assert bot.is_well(1_000_000)


def test_arguments_of_jobs(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host, max_waiting_bytes_total=32 * MB) as bot, bot.sockets(10) as sockets:
        growth = Growth(bot)
        for socket in sockets:
            for _ in range(8):
                socket.send(call("work", OBJECTS))
            socket.send(call("count", "[]", "last"))
            answer(socket, "last")
        assert growth() < 32 * MB + 10 * 2 * MB + SLACK


def test_snapshots(tmp_path: Path, host: str) -> None:
    nodes = ",".join(['{"ref":"e1","role":"x"}'] * 20_000)
    tree = f'{{"tree":{{"root":{{"ref":"e1","role":"generic","children":[{nodes}]}},"captured_at":1}}}}'
    with flooded(tmp_path, host) as bot, bot.sockets(12) as sockets:
        for one in sockets[:2]:
            one.send(message("ui-snapshot", tree))
            one.send(call("count", "[]", "last"))
            answer(one, "last")
        growth = Growth(bot)
        for socket in sockets[2:]:
            socket.send(message("ui-snapshot", tree))
            for number in range(3):  # a pipeline holds the last frame until the next ones come
                socket.send(call("count", "[]", f"n{number}"))
                answer(socket, f"n{number}")
        assert growth() < 10 * 2 * len(tree) + SLACK


def test_values_of_options(tmp_path: Path, host: str) -> None:
    def update(value: str) -> bytes:
        data = f'{{"config":[{{"service":"acts","options":[{{"name":"held","value":{value}}}]}}]}}'
        return message("update-config", data, "u")

    limits = {"max_kept_bytes": 64 * MB, "max_kept_bytes_total": 64 * MB}
    with flooded(tmp_path, host, **limits) as bot, bot.sockets(15) as sockets:
        growth = Growth(bot)
        told = []
        for socket in sockets:
            socket.send(update(OBJECTS))
            told.append(answer(socket, "u")["type"])
        assert set(told) == {"config", "error-response"}
        assert growth() < 64 * MB + SLACK
        sockets[-1].send(update("[1,2,3]"))  # small ones have room all the same
        assert answer(sockets[-1], "u")["type"] == "config"


def test_answers_that_are_remembered(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host, max_kept_bytes=4 * MB) as bot, bot.socket() as socket:
        growth = Growth(bot)
        for number in range(100):
            data = {
                "service": "acts",
                "action": "huge",
                "arguments": {"size": 1_000_000},
                "idempotency_key": str(number),
            }
            socket.send(message("action", json.dumps(data), "k"))
            assert answer(socket, "k")["type"] == "action-response"
        assert growth() < 4 * MB + SLACK


@pytest.mark.parametrize("kind", ["huge", "describe"])
def test_a_client_that_reads_nothing(tmp_path: Path, host: str, kind: str) -> None:
    limits = {"max_outgoing_bytes": 8 * MB, "max_outgoing_bytes_total": 16 * MB}
    asked = call("huge", "1000000", argument="size") if kind == "huge" else message("describe-bot", "{}")
    with flooded(tmp_path, host, **limits) as bot, bot.sockets(12) as sockets:
        growth = Growth(bot)
        for _ in range(40):
            for socket in sockets:
                socket.socket.settimeout(5)
                with suppress(OSError):  # it was closed, or nobody takes more of it
                    socket.send(asked * (1 if kind == "huge" else 200))
            growth()
        assert growth.peak < 16 * MB + 12 * 3 * MB + SLACK


def post(port: int, path: str, body: bytes) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, PATIENCE_S)
    with closing(connection):
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_starts_and_what_they_settle(tmp_path: Path, host: str) -> None:
    data = json.dumps({"body": {"text": "x" * 60_000}}).encode()
    config = f'{{"body":{{"config":[{{"service":"acts","options":[{{"name":"held","value":{OBJECTS}}}]}}]}}}}'.encode()
    limits = {"max_kept_bytes": 64 * MB, "max_kept_bytes_total": 64 * MB, "max_sessions_per_start": 15}
    with flooded(tmp_path, host, **limits) as bot:
        assert post(bot.port, "/start", config)[0] == 200
        growth = Growth(bot)
        for _ in range(600):  # 36 MB
            status, told = post(bot.port, "/start", data)
            assert status == 200
        assert growth() < 16 * MB + SLACK
        status, told = post(bot.port, "/start", config)
        path = told["ws_url"].partition(str(bot.port))[2]
        grown = []
        with ExitStack() as stack:
            for address in (bot.path, path):  # a pipeline alone takes some memory
                growth = Growth(bot)
                for socket in stack.enter_context(bot.sockets(15, ready=False, path=address)):
                    socket.send(frame(PING, b"?"))
                    socket.next()
                grown.append(growth())
        assert grown[1] - grown[0] < 64 * MB + SLACK


# -- what is not complete ---------------------------------------------------------------------------------------------


def half_frame(socket: Bare, size: int) -> None:
    socket.send(frame(TEXT, b"x" * size)[:-1])


def fragments(socket: Bare, size: int) -> None:
    socket.send(frame(BINARY, b"x" * 1000, fin=False) + frame(0, b"x" * 1000, fin=False) * (size // 1000 - 1))


@pytest.mark.parametrize("begin", [half_frame, fragments])
def test_messages_that_never_end(tmp_path: Path, host: str, begin: Any) -> None:
    with flooded(tmp_path, host, max_receiving_bytes_total=4 * MB) as bot, bot.sockets(40, ready=False) as sockets:
        growth = Growth(bot)
        for socket in sockets:
            begin(socket, 1_000_000)
            growth()
        assert growth.peak < 4 * MB + 40 * 65_536 + 16 * MB
        assert bot.is_well(1_000_000)  # those that were begun first have gone


def test_the_oldest_message_that_is_not_complete_goes(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host, max_receiving_bytes_total=2 * MB) as bot, bot.sockets(3, ready=False) as sockets:
        for socket in sockets:
            half_frame(socket, 900_000)
            assert bot.is_well(10)  # the server has looked at its sockets since
        assert sockets[0].close_code() == 1013
        for socket in sockets[1:]:
            socket.send(b"x" + frame(PING, b"?"))
            assert PONG in {socket.next()[0] for _ in range(2)}


def test_bodies_that_never_end(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host, max_receiving_bytes_total=16 * MB) as bot, ExitStack() as stack:
        growth = Growth(bot)
        for _ in range(150):
            socket = stack.enter_context(bare(bot.port, shake=False))
            head = f"POST /start HTTP/1.1\r\nHost: 127.0.0.1:{bot.port}\r\nContent-Length: 1000001\r\n\r\n"
            socket.send(head.encode() + b"x" * 1_000_000)
            growth()
        assert growth.peak < 16 * MB + 150 * 2 * 65_536 + SLACK
        body = json.dumps({"body": {"text": "x" * 60_000}}).encode()
        assert post(bot.port, "/start", body)[0] == 200
