"""Answers that refuse, in plain ASGI: to an opening handshake and to a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.protocol import wire

ASGIMessage = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]

ABORT: Final = "rtvi_plugins.abort"
"""The ASGI extension under which our server offers to drop a connection that does not read."""
POLICY_VIOLATION: Final = 1008


async def send_json(send: Send, status: int, body: Any) -> None:
    """Answer a request with JSON."""
    data = wire.encode(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    if status == 413:
        # What is too large is not read to its end: only closing the connection stops the client.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def refuse_handshake(scope: Scope, receive: Receive, send: Send, denied: Denied) -> None:
    """Refuse the opening handshake with an HTTP answer, or a close where the server cannot."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        body = wire.encode(denied.body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "websocket.http.response.start", "status": denied.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": denied.text})
