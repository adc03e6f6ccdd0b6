"""A bot in a process of its own, on either host, whose memory is read while bare sockets do their worst to it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.pipecat.launching import running
from tests.server.harness import TEXT, Bare, bare, frame, ready_message, until

MB: Final = 1024 * 1024
HOSTS: Final = ("standalone", "pipecat")

PLUGIN: Final = """
import asyncio, threading
from typing import Any
from rtvi_plugins import Handlers, hookimpl

acts = Handlers("acts")
door = threading.Event()

@acts.action("count")
async def count(processor, *, value: Any):
    return len(value)

@acts.action("hang")
async def hang(processor, *, value: Any):
    await asyncio.Event().wait()

@acts.action("work")
async def work(processor, *, value: Any):
    await asyncio.Event().wait()

@acts.action("huge")
async def huge(processor, *, size: int):
    return "x" * size

@acts.action("block")
def block(processor):
    door.wait()

@acts.action("stuck")
def stuck(processor):
    door.wait()

@acts.action("open")
async def open_(processor):
    door.set()

@acts.action("quick")
def quick(processor):
    return 1

@hookimpl
def rtvi_handlers():
    return [acts]
"""

MANIFEST: Final[dict[str, Any]] = {
    "manifest": 1,
    "bot": "flooded",
    "plugins": ["./flooded.py"],
    "services": {
        "acts": {
            "plugin": "flooded",
            "options": {"held": {"type": "array", "default": [], "handler": "none"}},
            "actions": {
                "count": {"arguments": {"value": {}}},
                "hang": {"arguments": {"value": {}}, "timeout": "10m"},
                "work": {"arguments": {"value": {}}, "timeout": "10m", "job": True},
                "huge": {"arguments": {"size": "integer"}},
                "block": {"timeout": "10m"},
                "stuck": {"timeout": "300ms"},
                "open": {},
                "quick": {"timeout": "10m"},
            },
        }
    },
    "runtime": {"responder": "echo"},
}

LISTS: Final = "[" + ",".join(["[]"] * 32_000) + "]"
"""96 KB of JSON that take 2 MB once they are read."""
OBJECTS: Final = "[" + ",".join(['{"a":1}'] * 32_000) + "]"
"""256 KB of JSON that take 7 MB once they are read."""
TEXT_OF_A_MB: Final = json.dumps("x" * 1_000_000)


class Bot:
    """A running bot. `path`: of its WebSocket."""

    def __init__(self, pid: int, address: str, path: str) -> None:
        self.pid = pid
        self.port = urlsplit(address).port or 0
        self.path = path

    def memory(self) -> int:
        """Resident bytes (Linux)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @contextmanager
    def socket(self, *, ready: bool = True, path: str = "") -> Iterator[Bare]:
        """Connect, with the handshake done unless `ready` is False."""
        with bare(self.port, shake=False) as socket:
            assert socket.shake(path=path or self.path) == 101
            if ready:
                socket.put(ready_message())
                answer(socket, "r")
            yield socket

    @contextmanager
    def sockets(self, number: int, *, ready: bool = True, path: str = "") -> Iterator[list[Bare]]:
        """Connect many."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.socket(ready=ready, path=path)) for _ in range(number)]

    def is_well(self, size: int = 100_000) -> bool:
        """Whether another client is served, also with a message that is not small."""
        with self.socket() as socket:
            socket.send(call("count", json.dumps("x" * size), "well"))
            return bool(answer(socket, "well")["data"] == {"t": "acts.count", "d": size})


class Growth:
    """By how many bytes a bot has grown; `peak`: at most, as far as it was looked at."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._before = bot.memory()
        self.peak = 0

    def __call__(self) -> int:
        grown = self._bot.memory() - self._before
        self.peak = max(self.peak, grown)
        return grown


@contextmanager
def flooded(folder: Path, host: str, **limits: Any) -> Iterator[Bot]:
    """Run the bot, warm: what every flood needs once is there."""
    (folder / "flooded.py").write_text(PLUGIN)
    patience = {"client_ready_timeout": "never", "body_timeout": "10m", "header_timeout": "10m"}
    manifest = {**MANIFEST, "runtime": {**MANIFEST["runtime"], "limits": patience | limits}}
    if host == "pipecat":
        manifest["pipeline"] = {"idle_timeout": "never"}
    path = folder / "flooded.yaml"
    path.write_text(json.dumps(manifest))
    with running(path) as process:
        bot = Bot(process.process.pid, process.address, "/ws-client" if host == "pipecat" else "/ws")
        with bot.sockets(3) as sockets:
            for number, socket in enumerate(sockets):
                for value in (LISTS, OBJECTS, TEXT_OF_A_MB):
                    socket.send(call("count", value, f"w{number}"))
                    assert answer(socket, f"w{number}")["type"] == "server-response", "all of them are taken"
        yield bot
        assert until(bot.is_well)


def message(type_: str, data: str, id_: str = "x") -> bytes:
    """Make the frame of a message whose data is JSON text already."""
    text = f'{{"label":"rtvi-ai","type":"{type_}","id":"{id_}","data":{data}}}'
    return frame(TEXT, text.encode())


def call(name: str, value: str, id_: str = "x", argument: str = "value") -> bytes:
    """Make the frame of a call."""
    return message("client-message", f'{{"t":"acts.{name}","d":{{"{argument}":{value}}}}}', id_)


def answer(socket: Bare, id_: str) -> Any:
    """Read on until the answer to a message; gives it."""
    while True:
        opcode, payload = socket.next()
        if opcode == TEXT and (found := json.loads(payload)).get("id") == id_:
            return found


def answers(socket: Bare, ids: set[str]) -> list[Any]:
    """Read on until each of these messages is answered; gives the answers as they came."""
    left, found = set(ids), []
    while left:
        opcode, payload = socket.next()
        if opcode == TEXT and (one := json.loads(payload)).get("id") in left:
            left.discard(one["id"])
            found.append(one)
    return found


def codes(socket: Bare, id_: str, number: int) -> list[str]:
    """Read so many answers of one id; gives their codes, or types."""
    found = [answer(socket, id_) for _ in range(number)]
    return [one["data"].get("code", one["type"]) for one in found]
