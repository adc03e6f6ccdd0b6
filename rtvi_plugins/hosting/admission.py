"""Letting clients in: the decisions of `access` for one bot, as a manifest's `runtime` and the command line state them.

Every host asks here, whatever carries its connections.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.hosting import access
from rtvi_plugins.hosting.notices import MAX_LENGTH, Notices
from rtvi_plugins.hosting.succession import Successor
from rtvi_plugins.processor import starting
from rtvi_plugins.processor.config import RTVIConfig, RTVIServiceConfig, RTVIServiceOptionConfig
from rtvi_plugins.processor.requests import Code, Refusal
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

STOPPING: Final = "The server is shutting down"
GONE: Final = "The client has left"
UNSERVED: Final = "This host name is not served here; list it under runtime.hosts, or start with --allow-host"
UNKNOWN_SESSION: Final = "This session is unknown or too old; start a new one"
FOREIGN: Final = "This origin is not allowed; list it under runtime.origins, or start with --allow-origin"


class Denied(Exception):  # noqa: N818 - not a failure of ours
    """A request that may not come in: HTTP status and a text for the client; code and details for programs."""

    def __init__(self, status: int, text: str, code: str = "", details: Any = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code
        self.details = details

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body; `info` and `detail` are where the JavaScript client looks (rtvi-protocol 10.5)."""
        body: dict[str, Any] = {"error": self.text, "info": self.text, "detail": self.text}
        if self.code:
            body["code"] = self.code
        return body if self.details is None else body | {"details": self.details}


class Admission:
    """Who may use one bot, and the starts that wait for their session.

    origins, hosts: allowed beside those of the manifest, from the command line.
    successor:      the process that takes over after this one, where one does.
    Headers are given as a mapping from lower-case names.
    """

    def __init__(
        self,
        bot: Bot,
        *,
        origins: Iterable[str] = (),
        hosts: Iterable[str] = (),
        successor: Successor | None = None,
    ) -> None:
        runtime = bot.manifest.runtime
        self.bot = bot
        self.limits = runtime.limits
        self.origins = (*runtime.origins, *origins)
        self.hosts = (*runtime.hosts, *hosts)
        self.tokens: Mapping[str, str] = runtime.auth.tokens if runtime.auth else {}
        self.successor = successor or Successor()
        self.starts = self.successor.starts_for(bot)
        self.is_stopping = False
        self._notices = Notices()
        self._open: dict[str, int] = {}

    @property
    def is_restarting(self) -> bool:
        """Whether another process takes over once this one has stopped."""
        return self.successor.is_waiting()

    def describe(self, base: str = "", headers: Mapping[str, str] = _NOTHING) -> dict[str, Any]:
        """Say what the bot is and where; `base` is the path it is served under.

        To those who may come in, say also what a start is to hold, where the bot declares that.
        """
        manifest = self.bot.manifest
        told = {"bot": manifest.bot, "description": manifest.description, "ws": f"{base}/ws", "start": f"{base}/start"}
        declared = self.bot.tables.start
        is_in = not self.tokens or access.find_caller(self.tokens, access.bearer(headers.get("authorization")))
        return told if declared is None or not is_in else told | {"start_schema": declared.document}

    def is_admitted(self, headers: Mapping[str, str], scheme: str) -> bool:
        """Return whether host and origin are allowed."""
        host = headers.get("host", "")
        is_host_allowed = access.is_host_allowed(host, self.hosts)
        return is_host_allowed and access.is_origin_allowed(headers.get("origin"), host, scheme, self.origins)

    def admit(self, headers: Mapping[str, str], scheme: str) -> None:
        """Check host and origin. Raises Denied, and logs what would allow it."""
        self.admit_host(headers)
        origin = headers.get("origin")
        if not access.is_origin_allowed(origin, headers.get("host", ""), scheme, self.origins):
            given = shlex.quote((origin or "")[:MAX_LENGTH])
            way_out = f"allow it with --allow-origin {given}, or under runtime.origins"
            self._notices.tell(f"origin {origin}", f"{self.bot.name}: refused a page of the origin {given}; {way_out}")
            raise Denied(403, FOREIGN)

    def admit_host(self, headers: Mapping[str, str]) -> None:
        """Check the host only: enough for files that are for everybody. Raises Denied, and logs what would allow it."""
        host = headers.get("host", "")
        if not access.is_host_allowed(host, self.hosts):
            self.tell_unserved(host)
            raise Denied(403, UNSERVED)

    def tell_unserved(self, host: str) -> None:
        """Log that a request named a host that is not served."""
        name = access.split_host(host)[0][:MAX_LENGTH]
        way_out = f"allow it with --allow-host {name}, or under runtime.hosts" if name else "nothing could allow it"
        given = shlex.quote(host[:MAX_LENGTH])
        self._notices.tell(f"host {name}", f"{self.bot.name}: refused a request for the host {given}; {way_out}")

    def authenticate(self, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> access.Start:
        """Find out who calls and what they settled before. Raises Denied."""
        key = query.get("session", [""])[0]
        if key:
            start = self.starts.take(key)
            if start is None:
                raise Denied(403, UNKNOWN_SESSION)
            return start
        caller = ""
        if self.tokens or self.bot.manifest.runtime.auth is not None:
            given = access.bearer(headers.get("authorization")) or next(iter(query.get("token", ())), None)
            found = access.find_caller(self.tokens, given)
            if found is None:
                raise Denied(401, "A valid token is needed")
            caller = found
        return access.Start(caller, {})

    def check_room(self, sessions: int) -> None:
        """Check that there is room for one more beside so many sessions. Raises Denied."""
        if self.is_stopping and not self.is_restarting:
            raise Denied(503, STOPPING)
        if sessions >= self.limits.max_sessions:
            raise Denied(503, f"All {self.limits.max_sessions} sessions are taken")

    @contextmanager
    def seat(self, start: access.Start) -> Iterator[None]:
        """Count a session among those of its start while it lasts. Raises Denied where these are too many."""
        self.take_seat(start)
        try:
            yield
        finally:
            self.give_back_seat(start)

    def take_seat(self, start: access.Start) -> None:
        """Count a session among those of its start, if it has one. Raises Denied where these are too many."""
        self.check_seat(start)
        if start.key:
            self._open[start.key] = self._open.get(start.key, 0) + 1

    def give_back_seat(self, start: access.Start) -> None:
        """Count it no longer."""
        if start.key:
            self._open[start.key] -= 1
            if not self._open[start.key]:
                del self._open[start.key]

    def check_seat(self, start: access.Start) -> None:
        """Check that one more session of a start may be open. Raises Denied."""
        most = self.limits.max_sessions_per_start
        if start.key and self._open.get(start.key, 0) >= most:
            text = f"{self.bot.name}: refused a session by a start that has {most} open"
            self._notices.tell("max_sessions_per_start", f"{text} (runtime.limits.max_sessions_per_start)")
            raise Denied(429, f"{most} sessions of this start are open already; start anew")

    def read_body(self, body: bytes) -> Any:
        """Read the JSON body of a request; an empty one is an object. Raises Denied."""
        try:
            return wire.decode(body, self.limits.max_depth, self.limits.max_nodes) if body.strip() else {}
        except wire.InvalidJSONError as error:
            raise Denied(400, f"The body is {error}") from None

    def read_start(self, settled: access.Start, body: Any, *, beside: Collection[str] = ()) -> access.Start:
        """Check what a client sent with its start and lay it over what is settled. Raises Denied.

        beside: keys of the body that mean something else where it came.
        """
        return read_start(self.bot, settled, body, beside=beside)

    def begin(self, settled: access.Start) -> access.Start:
        """Give what a session begins with whose client comes with no start of its own. Raises Denied."""
        return settled if settled.key else self.read_start(settled, {})


def read_start(bot: Bot, settled: access.Start, body: Any, *, beside: Collection[str] = ()) -> access.Start:
    """Check what a client sent with its start and lay it over what is settled. Raises Denied."""
    max_bytes = bot.manifest.runtime.limits.max_start_bytes
    over = starting.Start(settled.config, settled.data)
    try:
        start = starting.read_start(bot.tables, body, max_bytes=max_bytes, beside=beside, over=over)
    except Refusal as refusal:
        said = (str(refusal.code), refusal.details) if refusal.code == Code.INVALID_START else ()
        raise Denied(400, refusal.text, *said) from None
    return access.Start(settled.caller, start.config, start.data, settled.key)


def as_config(values: Mapping[str, Mapping[str, Any]]) -> RTVIConfig | None:
    """Give checked values in the form that a processor's constructor takes; None when there are none."""
    if not values:
        return None
    return RTVIConfig(
        config=[
            RTVIServiceConfig(
                service=service, options=[RTVIServiceOptionConfig(name=n, value=v) for n, v in options.items()]
            )
            for service, options in values.items()
        ]
    )
