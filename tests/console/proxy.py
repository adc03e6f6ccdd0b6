"""A reverse proxy as people have before their servers: it keeps the bot below a path."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial


class _Handler(socketserver.StreamRequestHandler):
    """One connection for one request: its head is rewritten, whatever follows is passed on both ways."""

    def __init__(self, upstream: int, prefix: str, tells_host: bool, *rest: object) -> None:
        self._upstream = upstream
        self._prefix = prefix
        self._tells_host = tells_host
        super().__init__(*rest)  # type: ignore[arg-type]

    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        if not lines or lines[-1] == b"":
            return
        head = b"".join(lines).decode("latin-1")
        if not re.match(rf"\w+ {self._prefix}/", head):
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        head = head.replace(f" {self._prefix}/", " /", 1)
        if not self._tells_host:
            head = re.sub(r"(?im)^host: .*\r$", f"Host: 127.0.0.1:{self._upstream}\r", head)
        if "upgrade: websocket" not in head.lower():
            head = re.sub(r"(?im)^connection: .*\r\n", "", head) + "Connection: close\r\n"
        with socket.create_connection(("127.0.0.1", self._upstream)) as server:
            server.sendall(head.encode("latin-1") + b"\r\n")
            back = threading.Thread(target=_pass_on, args=(server.recv, self.connection))
            back.start()
            _pass_on(self.rfile.read1, server)
            back.join()


def _pass_on(read: object, to: socket.socket) -> None:
    assert callable(read)
    try:
        while data := read(65536):
            to.sendall(data)
    except OSError:
        pass
    finally:
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def proxy(address: str, prefix: str, *, tells_host: bool = True) -> Iterator[str]:
    """Serve `address` below `prefix`; gives the new address.

    tells_host: whether the server is told the name that the browser knows, as a proxy should.
    """
    upstream = int(address.rpartition(":")[2])
    with _Server(("127.0.0.1", 0), partial(_Handler, upstream, prefix, tells_host)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
        finally:
            server.shutdown()
            thread.join()
