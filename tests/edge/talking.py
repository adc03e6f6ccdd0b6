"""A client of the bots of these tests: JSON over a real socket."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 120.0


class Talk:
    """One connected client."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._number = 0
        self._passed_over: deque[dict[str, Any]] = deque()

    def send(self, type_: str, data: Any = None) -> str:
        self._number += 1
        id_ = f"n{self._number}"
        message = {"label": "rtvi-ai", "type": type_, "id": id_, "data": data or {}}
        self.socket.send(json.dumps(message))
        return id_

    def next(self) -> dict[str, Any]:
        """Give the next message, which may have come before the last reply."""
        return self._passed_over.popleft() if self._passed_over else self._receive()

    def reply(self, id_: str) -> dict[str, Any]:
        """Give the reply to a message."""
        for message in self._passed_over:
            if message.get("id") == id_:
                self._passed_over.remove(message)
                return message
        while (message := self._receive()).get("id") != id_:
            self._passed_over.append(message)
        return message

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE_S))
        return message

    def ask(self, t: str, d: Any = None) -> dict[str, Any]:
        return self.reply(self.send("client-message", {"t": t, "d": d or {}}))

    def is_alive(self) -> bool:
        return bool(self.ask("edge.add", {"a": 2, "b": 3})["data"]["d"] == 5)


@contextmanager
def talk(url: str, *, ready: bool = True, **options: Any) -> Iterator[Talk]:
    settings: dict[str, Any] = {"compression": None, "max_size": None, "proxy": None, "close_timeout": 1} | options
    with connect(url, **settings) as socket:
        client = Talk(socket)
        if ready:
            client.reply(client.send("client-ready", {"version": "2.1.0"}))
        yield client
