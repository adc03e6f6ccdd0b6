"""Plain `def` handlers of one client take no threads from those of another, on both hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.harness import Bare
from tests.whole.flooding import HOSTS, answer, answers, flooded, message

pytestmark = pytest.mark.parametrize("host", HOSTS)


def ask(socket: Bare, name: str, id_: str) -> None:
    socket.send(message("client-message", f'{{"t":"acts.{name}"}}', id_))


def test_one_clients_slow_calls_starve_nobody(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host) as bot, bot.sockets(5) as sockets:
        greedy, other = sockets[:4], sockets[4]
        for socket in greedy:
            for number in range(64):
                ask(socket, "block", f"b{number}")
        for number in range(3):  # with 256 calls for 32 threads before it
            ask(other, "quick", f"q{number}")
            assert answer(other, f"q{number}")["data"] == {"t": "acts.quick", "d": 1}
        ask(other, "open", "o")
        for socket in greedy:
            found = answers(socket, {f"b{number}" for number in range(64)})
            assert {one["type"] for one in found} == {"server-response"}


def test_calls_that_were_given_up_count(tmp_path: Path, host: str) -> None:
    with flooded(tmp_path, host) as bot, bot.sockets(2) as (one, other):
        for number in range(64):
            ask(one, "stuck", f"s{number}")
        told = answers(one, {f"s{number}" for number in range(64)})
        assert {found["data"]["code"] for found in told} <= {"timeout", "busy"}
        ask(one, "quick", "refused")
        assert answer(one, "refused")["data"]["code"] == "busy"
        ask(other, "quick", "q")
        assert answer(other, "q")["data"]["d"] == 1
        ask(other, "open", "o")
        answer(other, "o")
        codes = ["busy"]
        while codes[-1] == "busy":  # until the threads have ended
            ask(one, "quick", f"again{len(codes)}")
            codes.append(answer(one, f"again{len(codes)}")["data"].get("code", ""))
        assert codes[-1] == ""
