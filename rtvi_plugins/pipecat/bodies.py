"""Bodies of requests, and messages, on their way to the runner.

What a client sends to the bot in a WebRTC offer is taken out, for the gate to check as it checks a start: the runner
would hand it to the bot unchecked, and write it to its log where the offer is faulty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rtvi_plugins.hosting.answers import ASGIMessage, Receive
from rtvi_plugins.protocol import wire

PATH: Final = "/api/offer"
"""The end of the paths that take offers."""
_KEYS: Final = ("request_data", "requestData")


class Offer(NamedTuple):
    """An offer as it goes to the runner, and what its client sends to the bot; None: nothing.

    is_new: whether it begins a session, and does not go on with one.
    """

    body: bytes
    data: Any
    is_new: bool


def read_offer(body: bytes, max_depth: int) -> Offer:
    """Take an offer apart; what is none is left to the runner to refuse."""
    try:
        offer = wire.decode(body, max_depth)
    except wire.InvalidJSONError:
        return Offer(body, None, is_new=True)
    if not isinstance(offer, dict):
        return Offer(body, None, is_new=True)
    data = next((offer[key] for key in _KEYS if offer.get(key)), None)
    rest = {key: value for key, value in offer.items() if key not in _KEYS}
    return Offer(wire.encode(rest) if len(rest) < len(offer) else body, data, is_new=not offer.get("pc_id"))


class Inbound:
    """What a WebSocket client sends; the first message can be looked at before it is received."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ahead: deque[ASGIMessage] = deque()

    async def __call__(self) -> ASGIMessage:
        """Give the next event."""
        return self._ahead.popleft() if self._ahead else await self._receive()

    async def peek(self) -> str | bytes | None:
        """Give what the next message holds, leaving it where it is; None when the client has gone."""
        if not self._ahead:
            self._ahead.append(await self._receive())
        event = self._ahead[0]
        return event.get("text") if event.get("bytes") is None else event["bytes"]


def replay(body: bytes, receive: Receive) -> Receive:
    """Give a `receive` that has the body first, and then what comes after it."""
    ahead: deque[ASGIMessage] = deque([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> ASGIMessage:
        return ahead.popleft() if ahead else await receive()

    return replayed


def sized(headers: Sequence[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """Give the headers of a request whose body is another one."""
    kept = [(name, value) for name, value in headers if name not in (b"content-length", b"transfer-encoding")]
    return [*kept, (b"content-length", str(size).encode())]
