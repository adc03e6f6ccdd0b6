"""What the log holds of clients that break the rules: no traceback, and nothing that they wrote as it stands."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.edge.conftest import EdgeRunning, Run
from tests.edge.talking import talk
from tests.server.harness import BINARY, CONTINUED, PING, TEXT, Bare, frame, ready_message

RUNTIME: dict[str, Any] = {"limits": {"max_message_bytes": 4096}}

BROKEN: Mapping[str, bytes] = {
    "text that is no UTF-8": frame(TEXT, b"\xff\xfe"),
    "half of a character": frame(TEXT, "é".encode()[:1]),
    "no UTF-8 in parts": frame(TEXT, b"ok", fin=False) + frame(CONTINUED, b"\xff"),
    "not masked": frame(TEXT, b"{}", masked=False),
    "reserved bits": frame(TEXT, b"{}", reserved=7),
    "reserved opcode": frame(11, b"{}"),
    "a part of nothing": frame(CONTINUED, b"{}"),
    "a large ping": frame(PING, b"x" * 126),
    "a ping in parts": frame(PING, b"x", fin=False),
    "a close of one byte": frame(8, b"x"),
    "a close with a code that is none": frame(8, struct.pack("!H", 1005)),
    "a close whose reason is no UTF-8": frame(8, struct.pack("!H", 1000) + b"\xff"),
    "too large": frame(TEXT, b"x" * 5000),
    "too large by its word": struct.pack("!BBQ", 0x81, 0xFF, 1 << 63),
    "no protobuf": frame(BINARY, b"\xff\xff\xff"),
    "no JSON": frame(TEXT, b"\x1b[2J\n{"),
}


def path(running: EdgeRunning) -> str:
    return running.ws.partition(running.address)[2]


@pytest.mark.parametrize("is_ready", [False, True], ids=["before the handshake", "after it"])
@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_protocol_is_no_error_of_ours(shared_run: EdgeRunning, data: bytes, is_ready: bool) -> None:
    before = len(shared_run.err.all)
    connection = Bare(int(shared_run.address.rpartition(":")[2]))
    assert connection.shake(path=path(shared_run)) == 101
    if is_ready:
        connection.put(ready_message())
        assert connection.next()
    connection.send(data + frame(8, struct.pack("!H", 1000)))
    connection.close_code()
    connection.socket.close()
    assert httpx.get(f"http://{shared_run.address}/health", trust_env=False).status_code == 200
    said = shared_run.err.all[before:]
    assert not [line for line in said if "Traceback" in line or "\x1b" in line], said


HANDSHAKES: Mapping[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
    "no key": b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "an old version": b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "a key that is none": b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \xff\xff\r\n\r\n",
    "bytes in the path": b"GET /ws\xff\xfe?token=\xff HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "another upgrade": b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "a length that is none": b"POST /start HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
    "a host that is none": b"GET / HTTP/1.1\r\nHost: \xff\x1b[2J\r\n\r\n",
}


@pytest.mark.parametrize("data", HANDSHAKES.values(), ids=HANDSHAKES.keys())
def test_a_broken_handshake_is_no_error_of_ours(shared_run: EdgeRunning, data: bytes) -> None:
    before = len(shared_run.err.all)
    connection = Bare(int(shared_run.address.rpartition(":")[2]))
    connection.send(data)
    connection.socket.shutdown(socket.SHUT_WR)
    while connection.socket.recv(65536):
        pass
    connection.socket.close()
    assert httpx.get(f"http://{shared_run.address}/health", trust_env=False).status_code == 200
    said = shared_run.err.all[before:]
    assert not [line for line in said if "Traceback" in line or "\x1b" in line], said


def test_texts_of_exceptions_forge_no_record(shared_run: EdgeRunning) -> None:
    evil = "evil\n2026-01-01 00:00:00,000 ERROR forged: record\x1b[2J\r"
    with talk(shared_run.ws) as client:
        client.ask("edge.raise_text", {"text": evil})
        client.ask("edge.raise_text\n2026 forged", {"text": evil})
        client.ask("undeclared\n2026-01-01 00:00:00,000 ERROR forged", {})
    shared_run.err.wait("ValueError: evil\\n2026")
    assert not [line for line in shared_run.err.all if line.startswith(("2026-01-01", "2026 forged")) or "\x1b" in line]


def test_a_reader_that_is_dropped_is_told_in_one_line(run: Run) -> None:
    limits = {"send_timeout": "300ms", "max_outgoing": 100_000, "max_outgoing_bytes": 1 << 30}
    with run({"limits": limits}) as running:
        connection = Bare(int(running.address.rpartition(":")[2]))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert connection.shake(path=path(running)) == 101
        connection.put(ready_message())
        text = os.urandom(300_000).hex()
        for number in range(24):  # until it is dropped
            data = {"t": "edge.refuse", "d": {"text": text}}
            with suppress(ConnectionError):
                connection.put({"label": "rtvi-ai", "type": "client-message", "id": f"m{number}", "data": data})
        line = running.err.wait("send_timeout")
        assert "0.3 s" in line
        connection.socket.close()
        time.sleep(0.2)
        assert httpx.get(f"http://{running.address}/health", trust_env=False).status_code == 200
        assert running.end() == 0
    assert len([line for line in running.err.all if "send_timeout" in line]) == 1
