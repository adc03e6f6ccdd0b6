"""Addresses of bots, as people write them.

An address is `ws://host:port/ws`, which is connected to as it stands; or `http://host:port`, `host:port` or `:port`,
with or without a path, where the bot is asked first by `POST /start`, as the official clients do.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

_SHORT: Final = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]*):[0-9]+(?:/.*)?")


class BadAddressError(ValueError):
    """The text is no address of a bot; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a bot is. `must_start`: whether `POST /start` comes first; `url` then is where the bot is served."""

    url: str
    must_start: bool

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, to which no proxy leads."""
        name = urlsplit(self.url).hostname or ""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(name).is_loopback
        return name == "localhost"


def is_address(text: str) -> bool:
    """Tell an address from the path of a manifest."""
    return "://" in text or (_SHORT.fullmatch(text) is not None and not Path(text).exists())


def parse_address(text: str) -> Target:
    """Read an address. Raises BadAddressError."""
    full = text if "://" in text else f"http://{'127.0.0.1' if text.startswith(':') else ''}{text}"
    try:
        parts = urlsplit(full)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise BadAddressError(f"'{text}' is no address: {error}") from None
    if parts.scheme not in ("http", "https", "ws", "wss"):
        raise BadAddressError(f"'{text}' begins with '{parts.scheme}:'; expected http:, https:, ws: or wss:")
    if not sound:
        raise BadAddressError(f"'{text}' is no address; expected one like 127.0.0.1:7860 or ws://127.0.0.1:7860/ws")
    parts = parts._replace(fragment="")
    if parts.scheme in ("ws", "wss"):
        return Target(urlunsplit(parts if parts.path.strip("/") else parts._replace(path="/ws")), must_start=False)
    return Target(urlunsplit(_without_start(parts)), must_start=True)


def _without_start(parts: SplitResult) -> SplitResult:
    """Take off the end that leads to the start itself, so that both forms mean the same."""
    path = parts.path.rstrip("/")
    for end in ("/start", "/connect"):
        path = path.removesuffix(end)
    return parts._replace(path=path)
