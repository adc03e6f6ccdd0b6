"""Who may come in: host names, browser origins, bearer tokens. Plain decisions, no sockets.

A browser page of another site must not reach a bot on this machine: neither directly (its `Origin` gives it away) nor
by pointing a name of its own at this address (then the `Host` is that name).
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from rtvi_plugins.processor.memory import compact
from rtvi_plugins.protocol import wire

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_BETWEEN: Final = b"\n"
"""Stands between two JSON texts, neither of which has a line's end in it."""
LOOPBACK_NAMES: Final = frozenset({"localhost"})

# Stricter than a URL parser, which would find `localhost` in `x@localhost` and in `localhost/x`: the header comes back
# to the client as part of an address.
_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+|\*))(?::(?P<port>[0-9]{1,5}))?")


def split_host(host: str) -> tuple[str, int | None]:
    """Split a `Host` header into name (lower case, no brackets) and port; an unreadable one gives an empty name."""
    match = _HOST.fullmatch(host)
    if match is None:
        return "", None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65_535:
        return "", None
    return (match["address"] or match["name"]).lower().rstrip("."), port


def is_host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a request for this `Host` is meant for this server: loopback, a bare address, or a listed name.

    A bare address cannot be the work of a name that somebody pointed here; any other name must be listed.
    """
    name, _ = split_host(host)
    if not name:
        return False
    if name in LOOPBACK_NAMES or "*" in allowed or name in {split_host(one)[0] for one in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_origin_allowed(origin: str | None, host: str, scheme: str, allowed: tuple[str, ...]) -> bool:
    """Whether a page of this origin may use the server.

    origin: the `Origin` header; None for clients that are no browsers, which are free to come.
    host:   the `Host` header; the server's own pages have it in their origin.
    """
    if origin is None or "*" in allowed:
        return True
    if origin.lower().rstrip("/") in {one.lower().rstrip("/") for one in allowed}:
        return True
    try:
        parts = urlsplit(origin)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not name:
        return False
    own_name, own_port = split_host(host)
    default = DEFAULT_PORTS[parts.scheme]
    return (name, port or default) == (own_name, own_port or DEFAULT_PORTS.get(scheme, default))


def find_caller(tokens: Mapping[str, str], given: str | None) -> str | None:
    """Find whose token this is; None when it is nobody's. Takes equally long for every token."""
    found = None
    for name, token in tokens.items():
        if hmac.compare_digest(token.encode(), (given or "").encode()):
            found = name
    return found


def wants_json(headers: Mapping[str, str]) -> bool:
    """Whether a program asks, which reads JSON, and no browser, which shows a page. Headers as for `Admission`."""
    accept = headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def bearer(authorization: str | None) -> str | None:
    """Take the token out of an `Authorization: Bearer` header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class Start:
    """Who calls, and what `POST /start` settled for the session to come.

    settled: values over the initial ones, service → option → value, or their JSON text.
    data:    the start data, as the JSON text of an object.
    key:     under which it is kept; empty for a caller that has not been at `POST /start`.
    """

    __slots__ = ("caller", "data", "key", "text")

    def __init__(
        self, caller: str, settled: Mapping[str, Mapping[str, Any]] | bytes, data: bytes = b"", key: str = ""
    ) -> None:
        self.caller = caller
        self.text = settled if isinstance(settled, bytes) else compact(wire.encode(settled))
        self.data = data
        self.key = key

    @property
    def config(self) -> dict[str, dict[str, Any]]:
        """The values, read anew each time: a connection has its start as long as it lasts."""
        return json.loads(self.text)  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Start):
            return NotImplemented
        return (self.caller, self.text, self.data) == (other.caller, other.text, other.data)

    __hash__ = None  # type: ignore[assignment]


Dumped = tuple[str, float, str, str]
"""A start as written down for another process: key, age in seconds, caller, text."""


@dataclass
class Starts:
    """The starts that wait for their session, by an unguessable key. Forgotten `ttl_s` after their last use.

    A key stays good for reconnects, because the JavaScript transports use their URL again. Configurations and data are
    kept as JSON text: read, small values take many times as much memory.

    limit, max_bytes: of all starts together; when there is more, the oldest ones go.
    """

    ttl_s: float = 300.0
    limit: int = 10_000
    max_bytes: int = 16 * 1024 * 1024
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, tuple[float, str, bytes]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def add(self, start: Start, key: str = "") -> str:
        """Keep a start and give its key, a new one unless one is given. The oldest ones go when there are too many."""
        self._forget()
        text = start.text + _BETWEEN + start.data
        while self._kept and (len(self._kept) >= self.limit or self._bytes + len(text) > self.max_bytes):
            self._drop_oldest()
        key = key or secrets.token_urlsafe(24)
        self._kept[key] = (self.clock(), start.caller, text)
        self._bytes += len(text)
        return key

    def take(self, key: str) -> Start | None:
        """Find a start; None when there is none, or no longer."""
        self._forget()
        found = self._kept.get(key)
        if found is None:
            return None
        _, caller, text = found
        self._kept[key] = (self.clock(), caller, text)
        self._kept.move_to_end(key)
        config, _, data = text.partition(_BETWEEN)
        return Start(caller, config, data, key)

    def dump(self) -> list[Dumped]:
        """Write down what is kept, the oldest first, for another process."""
        self._forget()
        now = self.clock()
        return [(key, now - used, caller, text.decode()) for key, (used, caller, text) in self._kept.items()]

    def restore(self, dumped: Iterable[Dumped]) -> None:
        """Keep what another process has written down."""
        now = self.clock()
        for key, age_s, caller, text in dumped:
            self._kept[key] = (now - age_s, caller, text.encode())
            self._bytes += len(self._kept[key][2])

    @staticmethod
    def read(dumped: Dumped) -> Start:
        """Read a start that was written down."""
        key, _, caller, text = dumped
        config, _, data = text.encode().partition(_BETWEEN)
        return Start(caller, config, data, key)

    def _forget(self) -> None:
        oldest = self.clock() - self.ttl_s
        while self._kept and next(iter(self._kept.values()))[0] < oldest:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (_, _, text) = self._kept.popitem(last=False)
        self._bytes -= len(text)
