"""`POST /action`: answered when it is, streamed as it comes, given its time, ended when its client leaves."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from .harness import Serving, bare, serve, until
from .wild import _gate

STREAM = {"accept": "text/event-stream"}


def body(*names: str) -> dict[str, Any]:
    """Ask for `add` (3) or `wait` (until it is let go), with the ids a0, a1, …."""
    arguments = {"add": [{"name": "a", "value": 2}], "wait": [{"name": "key", "value": "k"}]}
    return {
        "actions": [
            {
                "label": "rtvi-ai",
                "type": "action",
                "id": f"a{n}",
                "data": {"service": "acts", "action": name, "arguments": arguments[name]},
            }
            for n, name in enumerate(names)
        ]
    }


class Turns:
    """A server with the processors of its sessions."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.url = f"{serving.address}/action"
        self.processors: list[Any] = []
        serving.wild.start_hook = self._note

    async def _note(self, processor: Any) -> None:
        self.processors.append(processor)

    @property
    def running(self) -> int:
        return self.serving.ask(lambda: self.serving.hosts[0]._turns)

    def let_go(self) -> None:
        self.serving.loop.call_soon_threadsafe(lambda: [_gate(p, "k").set() for p in self.processors])

    def reasons(self) -> list[str]:
        return [reason for what, _, reason in self.serving.wild.sessions if what == "ended"]


@contextmanager
def turns(folder: Path, **limits: Any) -> Iterator[Turns]:
    with serve(folder, runtime={"limits": limits}) as serving:
        yield Turns(serving)


def test_the_first_answer_does_not_wait_for_the_rest(folder: Path) -> None:
    with turns(folder) as at:
        answer = httpx.post(at.url, json=body("add", "wait"))
        assert (answer.json()["id"], answer.json()["data"]) == ("a0", {"result": 3})
        assert at.running == 1
        at.let_go()
        assert until(lambda: at.running == 0)
        assert at.reasons() == ["ended"]


def test_events_come_as_they_are_sent(folder: Path) -> None:
    with turns(folder) as at, httpx.stream("POST", at.url, json=body("add", "wait"), headers=STREAM) as answer:
        lines = (line for line in answer.iter_lines() if line)
        first = json.loads(base64.b64decode(next(lines).removeprefix("data: ")))
        assert (first["id"], at.running) == ("a0", 1)
        at.let_go()
        assert json.loads(base64.b64decode(next(lines).removeprefix("data: ")))["id"] == "a1"
        assert list(lines) == []
        assert until(lambda: at.reasons() == ["ended"])


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_it_ends_when_its_client_leaves(folder: Path, accept: str, caplog: pytest.LogCaptureFixture) -> None:
    with turns(folder) as at, caplog.at_level(logging.WARNING):
        content = json.dumps(body("wait"))
        with bare(at.serving.port, shake=False) as client:
            head = f"POST /action HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nContent-Length: {len(content)}"
            client.send(f"{head}\r\n\r\n{content}".encode())
            assert until(lambda: at.running == 1 and len(at.processors) == 1)
            client.reset()
        assert until(lambda: at.running == 0)
        assert at.reasons() == ["disconnected"]
        assert caplog.records == []


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("is_let", [True, False], ids=["ends-in-time", "beyond-the-deadline"])
def test_a_server_that_stops_gives_it_its_time(folder: Path, accept: str, is_let: bool) -> None:
    with (
        turns(folder, stop_timeout="20s" if is_let else "300ms") as at,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(httpx.post, at.url, json=body("wait"), headers={"accept": accept}, timeout=120)
        assert until(lambda: at.running == 1 and len(at.processors) == 1)
        at.serving.server.should_exit = True
        assert until(lambda: at.serving.hosts[0].is_stopping)
        if is_let:
            at.let_go()
        answer = asked.result(20)
        if accept == "text/event-stream":
            assert answer.status_code == 200
            assert ("data: " in answer.text) is is_let
        elif is_let:
            assert answer.json()["type"] == "action-response"
        else:
            assert (answer.status_code, answer.json()["error"]) == (503, "The server is shutting down")
    assert at.reasons() == ["ended" if is_let else "shutdown"]


def test_the_server_waits_as_long_as_its_bots(folder: Path) -> None:
    with turns(folder, stop_timeout="21s") as at:
        assert at.serving.server.config.timeout_graceful_shutdown == 21


FAILING: list[Any] = [
    pytest.param("boom", "option-failed", "Option desk.first failed", id="raises"),
    pytest.param("no", "option-failed", "Option desk.first was refused: Not today", id="refuses"),
    pytest.param("leave", "option-failed", "Option desk.first failed", id="exits"),
]


@pytest.mark.parametrize(("value", "code", "text"), FAILING)
@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
def test_a_configuration_that_fails_is_the_answer(
    folder: Path, value: str, code: str, text: str, is_stream: bool
) -> None:
    config = [{"service": "desk", "options": [{"name": "first", "value": value}]}]
    with serve(folder) as serving:
        asked = {**body("add", "add"), "config": config}
        headers = STREAM if is_stream else {}
        answer = httpx.post(f"{serving.address}/action", json=asked, headers=headers, trust_env=False)
        if is_stream:
            lines = [line.removeprefix("data: ") for line in answer.text.split("\n") if line]
            told = [json.loads(base64.b64decode(line)) for line in lines]
        else:
            told = [answer.json()]
        assert [m["id"] for m in told] == (["a0", "a1"] if is_stream else ["a0"])
        for message in told:
            assert (message["type"], message["data"]["code"]) == ("error-response", code)
            assert message["data"]["error"].startswith(text)
        fine = {**body("add"), "config": [{"service": "desk", "options": [{"name": "first", "value": "fine"}]}]}
        answer = httpx.post(f"{serving.address}/action", json=fine, trust_env=False)
        assert answer.json()["data"] == {"result": 3}
