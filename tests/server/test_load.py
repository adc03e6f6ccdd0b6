"""Bursts, clients that do not read and clients that vanish: memory stays bounded and other sessions notice nothing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import (
    PING,
    TEXT,
    Process,
    Serving,
    bare,
    frame,
    ready_message,
    serve,
    serve_process,
    talk,
    until,
)
from .wild import write_manifest

MIB = 1 << 20

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and sockets are read from /proc")


def message(type_: str, id_: str, data: object = None) -> bytes:
    return frame(TEXT, json.dumps({"label": "rtvi-ai", "type": type_, "id": id_, "data": data}).encode())


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    with serve_process(write_manifest(folder)) as running, talk(running.ws) as steady:
        yield running
        assert steady.is_alive()


@pytest.fixture
def impatient(folder: Path) -> Iterator[Process]:
    """Serve the bot that soon drops whoever does not read."""
    manifest = write_manifest(folder, runtime={"limits": {"send_timeout": "500ms"}})
    with serve_process(manifest) as running:
        yield running


@linux_only
@pytest.mark.parametrize("name", ["add", "wait"])
def test_a_burst_of_10000_is_answered_or_refused_each_once(process: Process, name: str) -> None:
    data = {"service": "acts", "action": name, "arguments": {"a": 1} if name == "add" else {"key": "k"}}
    ids = [f"b{n}" for n in range(10_000)]
    before = process.memory()
    with bare(process.port) as socket:
        socket.put(ready_message())
        socket.next()
        told: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        running = 0 if name == "add" else 256
        for at in range(0, len(ids), 1000):  # in portions that both sides' buffers hold, so that nobody has to wait
            socket.send(b"".join(message("action", id_, data) for id_ in ids[at : at + 1000]))
            while told.total() < at + 1000 - running:
                answer = json.loads(socket.next()[1])
                told[answer["id"]] += 1
                kinds[answer["data"].get("code", answer["type"])] += 1
        if running:
            assert kinds == Counter(busy=len(ids) - running)
            assert set(told) == set(ids[running:])
        else:
            assert kinds == Counter({"action-response": len(ids)})
            assert set(told) == set(ids)
        assert set(told.values()) == {1}
    assert process.memory() - before < 64 * MIB


@linux_only
@pytest.mark.parametrize("kind", ["describe-actions", "huge", "get-config"])
def test_a_client_that_never_reads_is_dropped(impatient: Process, kind: str) -> None:
    data = {"service": "acts", "action": "huge", "arguments": {"size": 1_000_000}} if kind == "huge" else None
    before = impatient.memory()
    rest = impatient.connections()
    with bare(impatient.port) as socket:
        socket.put(ready_message())
        number = 60_000 if kind == "get-config" else 10_000  # what the sockets' own buffers hold blocks nobody
        flood = b"".join(message("action" if data else kind, f"b{n}", data) for n in range(number))
        socket.socket.settimeout(0.2)
        highest = 0
        try:
            sent = 0
            while sent < len(flood):
                try:
                    sent += socket.socket.send(flood[sent : sent + 65_536])
                except TimeoutError:
                    highest = max(highest, impatient.memory())
        except ConnectionError:
            pass
        assert until(lambda: impatient.connections() == rest)
        assert highest - before < 64 * MIB
    with talk(impatient.ws) as client:
        assert client.is_alive()


@linux_only
def test_pings_of_a_client_that_never_reads_are_not_kept(process: Process) -> None:
    before = process.memory()
    with bare(process.port) as socket:
        flood = frame(PING, b"x" * 125) * 1000
        socket.socket.settimeout(2)
        try:
            for _ in range(300):  # 39 MB; what is not kept never blocks the sender
                socket.send(flood)
        except (TimeoutError, ConnectionError):
            pass
        assert process.memory() - before < 16 * MIB


@linux_only
def test_parts_that_never_end_are_not_kept(process: Process) -> None:
    flood = frame(0, b"  ", fin=False) * 10_000
    with bare(process.port) as socket:  # what the server needs for any flood is not what is measured
        socket.send(frame(TEXT, fin=False))
        socket.send(flood * 3)
        socket.send(frame(PING, b"?"))
        assert socket.next()[1] == b"?"
    before = process.memory()
    with bare(process.port) as socket:
        socket.send(frame(TEXT, fin=False))
        for _ in range(50):  # a megabyte, in half a million parts
            socket.send(flood)
        socket.send(frame(PING, b"?"))
        assert socket.next()[1] == b"?"
        assert process.memory() - before < 8 * MIB


def test_a_client_that_vanishes_is_noticed(folder: Path) -> None:
    with serve(folder) as serving, talk(serving.ws) as other:
        with bare(serving.port) as socket:
            socket.put(ready_message())
            socket.next()
            socket.send(message("client-message", "x", {"t": "acts.wait", "d": {"key": "k"}}))
            socket.send(message("get-config", "y"))
            assert json.loads(socket.next()[1])["id"] == "y"
            socket.reset()
        assert until(lambda: serving.sessions == 1)
        assert until(lambda: len(serving.wild.sessions) == 3)
        assert serving.wild.cancelled == ["wait k"]
        assert [what for what, *_ in serving.wild.sessions] == ["started", "started", "ended"]
        assert other.is_alive()


VANISHING = {
    "before-a-byte": b"",
    "within-the-request": b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr",
    "within-a-frame": None,
}


@pytest.mark.parametrize("moment", [*VANISHING, "right-after-the-request"])
def test_a_client_that_vanishes_while_it_connects_leaves_nothing(serving: Serving, moment: str) -> None:
    tasks, tcp = serving.tasks, serving.tcp_connections
    for _ in range(20):
        with bare(serving.port, shake=moment == "within-a-frame") as socket:
            if moment == "right-after-the-request":
                socket.request()
            elif moment == "within-a-frame":
                socket.send(frame(TEXT, b"x" * 1000)[:500])
            else:
                socket.send(VANISHING[moment] or b"")
            socket.reset()
    assert until(lambda: (serving.sessions, serving.tcp_connections) == (0, tcp))
    assert until(lambda: serving.tasks == tasks)


def test_300_sessions_come_and_go_without_a_trace(folder: Path) -> None:
    with serve(folder) as serving:
        with talk(serving.ws) as client:
            assert client.is_alive()
        assert until(lambda: serving.sessions == 0)
        tasks, tcp = serving.tasks, serving.tcp_connections
        for number in range(300):
            with bare(serving.port) as socket:
                socket.put(ready_message())
                socket.next()
                if number % 2:
                    socket.send(message("client-message", "x", {"t": "acts.wait", "d": {"key": "k"}}))
                if number % 3:
                    socket.reset()
        assert until(lambda: (serving.sessions, serving.tcp_connections) == (0, tcp))
        assert until(lambda: serving.tasks == tasks)
        assert until(lambda: len(serving.wild.sessions) == 2 * 301)
        ended = [id_ for what, id_, _ in serving.wild.sessions if what == "ended"]
        assert len(set(ended)) == 301
