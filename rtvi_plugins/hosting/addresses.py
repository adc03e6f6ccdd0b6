"""How many connections each client address has open, whatever they carry, and however far they have come.

Behind a reverse proxy that is trusted, a connection counts for the proxy until its first request says for whom it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, MutableMapping
from typing import Any, Final

from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.hosting.answers import Receive, Scope, Send, refuse_handshake, send_json
from rtvi_plugins.hosting.notices import NOTICES, Notices
from rtvi_plugins.hosting.preflight import App

PLACE: Final = "rtvi_plugins.place"
"""Under which key a scope's `state` has the `Place` of its connection."""
NETWORK_BITS: Final = 64
"""Of an IPv6 address: what one customer has at least (RFC 6177)."""
TOO_MANY: Final = "Too many connections from this address"


def group_of(address: str) -> str:
    """Return what an address is counted as: itself, or its IPv6 network; what is no address counts as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed) >> NETWORK_BITS << NETWORK_BITS, NETWORK_BITS)))
        parsed = parsed.ipv4_mapped
    return str(parsed)


class Addresses:
    """The connections of one server, counted by address.

    most: from one address at once; 0: any number.
    """

    def __init__(self, most: int, notices: Notices = NOTICES) -> None:
        self.most = most
        self._notices = notices
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def take(self, group: str) -> bool:
        """Count one more; False where there are too many, which the log is told."""
        count = self._open.get(group, 0)
        if self.most and count >= self.most:
            text = "refused a connection from %s, which has %d open (runtime.limits.max_connections_per_address)"
            self._notices.tell(f"max_connections_per_address {group}", text % (group, count))
            return False
        self._open[group] = count + 1
        return True

    def give_back(self, group: str) -> None:
        """Count one less."""
        count = self._open[group] - 1
        if count:
            self._open[group] = count
        else:
            del self._open[group]


class Place:
    """One connection among those of its address; without an address it is not counted."""

    __slots__ = ("_addresses", "_group", "address")

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self.address = ""
        self._group = ""

    def move(self, address: str) -> bool:
        """Count it for another address from now on; False, and nothing changed, where that one has too many."""
        if address == self.address:
            return True
        group = group_of(address)
        if group != self._group:
            if group and not self._addresses.take(group):
                return False
            self.leave()
            self._group = group
        self.address = address
        return True

    def leave(self) -> None:
        """Count it no longer; a second time does nothing."""
        if self._group:
            self._addresses.give_back(self._group)
        self.address = self._group = ""


class PerAddress:
    """ASGI middleware that counts a connection for the client that a trusted proxy names, and refuses one too many.

    The server has put that client into the scope, in place of the proxy.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request or connection. No coroutine of its own: it would take memory as long as a session lasts."""
        place = self._place_of(scope)
        client = scope.get("client")
        if place is None or client is None or place.move(client[0]):
            return self._app(scope, receive, send)
        denied = Denied(429, TOO_MANY)
        if scope["type"] == "websocket":
            return refuse_handshake(scope, receive, send, denied)
        return send_json(send, denied.status, denied.body)

    @staticmethod
    def _place_of(scope: Scope) -> Place | None:
        state: MutableMapping[str, Any] = scope.get("state") or {}
        found = state.pop(PLACE, None)
        return found if isinstance(found, Place) else None
