"""What the server's tests stand on: real servers on free ports, a client, and a bare socket for broken bytes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from rtvi_plugins.binding import Bot
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.codec import Frame
from rtvi_plugins.server.run import Server, make_server

from .wild import Wild, write_manifest

HERE = Path(__file__).parent
PATIENCE_S = 120.0
"""How long a test waits for what has to come; only a failing test waits that long."""

T = TypeVar("T")
Message = dict[str, Any]


def until(what: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Look again and again until something is so; False when the time is up."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


# -- servers ----------------------------------------------------------------------------------------------------------


class Serving:
    """A running server. `address`: `http://…`; `ws`: its socket; `hosts`: its bots, alive in the server's thread."""

    def __init__(self, hosts: Sequence[BotHost], wild: Wild) -> None:
        self.hosts = hosts
        self.wild = wild
        self.address = ""
        self.loop: asyncio.AbstractEventLoop
        self.server: Server
        self.started = threading.Event()

    @property
    def ws(self) -> str:
        return f"{self.address.replace('http', 'ws', 1)}/ws"

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def note(self, address: str) -> None:
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.started.set()

    def ask(self, function: Callable[[], T]) -> T:
        """Call a function in the server's thread."""
        answer: Future[T] = Future()
        self.loop.call_soon_threadsafe(lambda: answer.set_result(function()))
        return answer.result(PATIENCE_S)

    @property
    def sessions(self) -> int:
        return self.ask(lambda: sum(len(host.connections) for host in self.hosts))

    @property
    def tcp_connections(self) -> int:
        """TCP connections the server has open, whatever they carry."""
        return self.ask(lambda: len(self.server.server_state.connections))

    @property
    def tasks(self) -> int:
        return self.ask(lambda: len(asyncio.all_tasks(self.loop)))


@contextmanager
def serve(
    folder: Path,
    *,
    runtime: dict[str, Any] | None = None,
    bots: Iterable[tuple[str, dict[str, Any]]] | None = None,
    host: str = "127.0.0.1",
    origins: Iterable[str] = (),
    hosts: Iterable[str] = (),
) -> Iterator[Serving]:
    """Serve the wild bot, or several with `runtime:` settings of their own, until the block ends."""
    wild = Wild()
    listed = [("wild", runtime or {})] if bots is None else list(bots)
    paths = [write_manifest(folder, bot=name, runtime=settings) for name, settings in listed]
    made = [BotHost(Bot.load(path, plugins={"wild": wild}), origins=origins, hosts=hosts) for path in paths]
    serving = Serving(made, wild)
    serving.server = make_server(made, host=host, port=0, on_started=serving.note)
    thread = threading.Thread(target=serving.server.run)
    thread.start()
    try:
        assert serving.started.wait(PATIENCE_S)
        yield serving
    finally:
        wild.unblock.set()
        serving.server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the server did not stop"


class Process:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address

    @property
    def ws(self) -> str:
        return f"{self.address.replace('http', 'ws', 1)}/ws"

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def memory(self) -> int:
        """Resident bytes (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def connections(self) -> int:
        """TCP connections the process has open, listening ones left out (Linux)."""
        held = {str(fd.readlink()) for fd in Path(f"/proc/{self.process.pid}/fd").iterdir() if fd.is_symlink()}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # The kernel gives the table in portions: while others connect, a row may come twice, or not at all.
        return len({row[9] for row in rows if row[3] != "0A"} & {name[8:-1] for name in held})

    def wait(self, seconds: float = PATIENCE_S) -> int:
        return self.process.wait(seconds)


@contextmanager
def serve_process(*manifests: Path) -> Iterator[Process]:
    """Serve manifests in another process, which is killed at the end unless it has gone by itself."""
    command = [sys.executable, str(HERE / "serve_wild.py"), *map(str, manifests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, process.stderr.read() if process.stderr else ""
            yield Process(process, address)
        finally:
            process.kill()


# -- clients ----------------------------------------------------------------------------------------------------------


class Talk:
    """One connected client. `heard`: every message that was taken off the socket; `binary`: protobuf or JSON text."""

    def __init__(self, socket: ClientConnection, *, binary: bool = False) -> None:
        self.socket = socket
        self.binary = binary
        self.heard: list[Message] = []
        self._ids = count(1)

    def put(self, message: Any) -> None:
        """Send one JSON value."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.socket.send(Frame(message={"data": text}).SerializeToString() if self.binary else text)

    def send(self, type_: str, data: Any = None, id_: str | None = None) -> str:
        id_ = id_ or f"n{next(self._ids)}"
        self.put({"label": "rtvi-ai", "type": type_, "id": id_} | ({} if data is None else {"data": data}))
        return id_

    def next(self, seconds: float = PATIENCE_S) -> Message:
        """Take the next message, whatever it is. Raises TimeoutError, ConnectionClosed."""
        given = self.socket.recv(timeout=seconds)
        text = Frame.FromString(given).message.data if isinstance(given, bytes) else given
        message: Message = json.loads(text)
        assert message["label"] == "rtvi-ai"
        self.heard.append(message)
        return message

    def reply(self, id_: str, seconds: float = PATIENCE_S) -> Message:
        """Take messages until the one with this id."""
        while (message := self.next(seconds)).get("id") != id_:
            pass
        return message

    def request(self, type_: str, data: Any = None) -> Message:
        return self.reply(self.send(type_, data))

    def action(self, name: str, **arguments: Any) -> Message:
        """Call an action in the legacy dialect; gives the whole reply."""
        listed = [{"name": key, "value": value} for key, value in arguments.items()]
        return self.request("action", {"service": "acts", "action": name, "arguments": listed})

    def ask(self, t: str, d: Any = None) -> Message:
        return self.request("client-message", {"t": t} if d is None else {"t": t, "d": d})

    def ready(self, version: str | None = "2.1.0") -> Message:
        return self.request("client-ready", {} if version is None else {"version": version, "about": {"library": "t"}})

    def drain(self) -> list[Message]:
        """Take everything that answers what was sent so far: one more request, and all that comes before its reply."""
        mark = self.send("describe-config")
        start = len(self.heard)
        self.reply(mark)
        return self.heard[start:-1]

    def is_alive(self) -> bool:
        """Whether a request is still answered well."""
        return bool(self.action("add", a=2, b=3)["data"] == {"result": 5})


@contextmanager
def talk(
    at: str, *, ready: bool = True, version: str | None = "2.1.0", binary: bool = False, **options: Any
) -> Iterator[Talk]:
    """Connect a client, with the handshake done unless `ready` is False. `options` go to `websockets`."""
    settings: dict[str, Any] = {"compression": None, "max_size": None, "proxy": None, "close_timeout": 20} | options
    with connect(at, **settings) as socket:
        client = Talk(socket, binary=binary)
        if ready:
            client.ready(version)
        yield client


# -- bare sockets -----------------------------------------------------------------------------------------------------

TEXT, BINARY, CLOSE, PING, PONG, CONTINUED = 1, 2, 8, 9, 10, 0


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """Make one WebSocket frame; the mask is zero, so the payload stands in it as it is."""
    first = (fin << 7) | (reserved << 4) | opcode
    size = len(payload)
    mark = masked << 7
    if size < 126:
        head = struct.pack("!BB", first, mark | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mark | 126, size)
    else:
        head = struct.pack("!BBQ", first, mark | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


class Bare:
    """A TCP connection that speaks WebSocket only as far as the test wants."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), PATIENCE_S)
        self._kept = b""

    def request(self, *, path: str = "/ws", headers: Iterable[tuple[str, str]] = (), host: str | None = None) -> None:
        """Send the opening handshake's request."""
        key = base64.b64encode(os.urandom(16)).decode()
        port = self.socket.getpeername()[1]
        lines = [f"GET {path} HTTP/1.1", f"Host: {f'127.0.0.1:{port}' if host is None else host}"]
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def shake(self, **options: Any) -> int:
        """Do the opening handshake; gives the HTTP status."""
        self.request(**options)
        head = b""
        while b"\r\n\r\n" not in head:
            got = self.socket.recv(65_536)
            if not got:
                break
            head += got
        self._kept = head.partition(b"\r\n\r\n")[2]
        return int(head.split(b" ", 2)[1])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def put(self, message: Any) -> None:
        self.send(frame(TEXT, json.dumps(message).encode()))

    def _take(self, size: int) -> bytes:
        while len(self._kept) < size:
            got = self.socket.recv(1 << 20)
            if not got:
                raise EOFError
            self._kept += got
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken

    def next(self) -> tuple[int, bytes]:
        """Read one frame. Raises EOFError, ConnectionError when there is no more."""
        first, size = self._take(2)
        size &= 127
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return first & 15, self._take(size)

    def close_code(self) -> int | None:
        """Read to the end; gives the code of the server's close frame, None when the connection just ends."""
        try:
            while True:
                opcode, payload = self.next()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (EOFError, ConnectionError):
            return None

    def reset(self) -> None:
        """Vanish: no close frame, no FIN, a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@contextmanager
def bare(port: int, *, shake: bool = True, host: str = "127.0.0.1") -> Iterator[Bare]:
    """A bare socket, with the opening handshake done unless `shake` is False."""
    connection = Bare(port, host=host)
    try:
        if shake:
            assert connection.shake() == 101
        yield connection
    finally:
        connection.socket.close()


def ready_message(id_: str = "r", version: str = "2.1.0") -> Message:
    return {"label": "rtvi-ai", "type": "client-ready", "id": id_, "data": {"version": version}}
