"""Five thousand sessions held at once by one process: each answers for itself, and none weighs much."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .harness import PING, TEXT, Bare, bare, frame, ready_message, serve_process, until
from .wild import write_manifest

NUMBER = 5_000
WARM_UP = 100
MOST_KIB = 32
FILES = NUMBER + 500
"""Open files that client and server need each."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc"),
]


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, and the server that it starts, open enough files."""
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"needs {FILES:,} open files; the hard limit is {hard:,}")
    if soft != resource.RLIM_INFINITY and soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(socket: Bare, number: int, session: int) -> None:
    arguments = [{"name": "a", "value": number}, {"name": "b", "value": session}]
    data = {"service": "acts", "action": "add", "arguments": arguments}
    request = {"label": "rtvi-ai", "type": "action", "id": f"{number}-{session}", "data": data}
    socket.send(frame(TEXT, json.dumps(request).encode()))


def answer(socket: Bare) -> dict[str, object]:
    while (read := socket.next())[0] == PING:
        socket.send(frame(10, read[1]))
    told: dict[str, object] = json.loads(read[1])
    return told


def open_sessions(port: int, number: int, stack: ExitStack) -> list[Bare]:
    """Connect, a hundred at a time: the bot's option handlers take a while in each handshake.

    All of them at once would leave the allocator with what thousands of handshakes need, which is no session's own.
    """
    sockets: list[Bare] = []
    while len(sockets) < number:
        some = [stack.enter_context(bare(port)) for _ in range(min(100, number - len(sockets)))]
        for socket in some:
            socket.put(ready_message())
        for socket in some:
            assert answer(socket)["type"] == "bot-ready"
        sockets += some
    return sockets


def ask_all(sockets: list[Bare], number: int) -> None:
    """Ask every session before the first answer is read; each has to get its own, and nothing else."""
    for session, socket in enumerate(sockets):
        ask(socket, number, session)
    for session, socket in enumerate(sockets):
        told = answer(socket)
        assert (told["id"], told["data"]) == (f"{number}-{session}", {"result": number + session})


@pytest.mark.usefixtures("many_files")
def test_5000_sessions_are_held_and_all_of_them_answer(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, runtime={"limits": {"max_sessions": NUMBER + WARM_UP}})
    with serve_process(manifest) as process, ExitStack() as stack:
        # What the first ones load is no session's own.
        ask_all(open_sessions(process.port, WARM_UP, stack), 1)
        before = process.memory()
        sockets = open_sessions(process.port, NUMBER, stack)
        ask_all(sockets, 2)
        each = (process.memory() - before) / 1024 / NUMBER
        assert each < MOST_KIB, f"{each:.1f} KiB each"
        ask_all(sockets[::-1], 3)
        assert until(lambda: process.connections() == NUMBER + WARM_UP)
