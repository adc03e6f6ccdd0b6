"""Letting clients in: the decisions of `access` for one bot, as a manifest's `runtime` and the command line state them.

Every host asks here, whatever carries its connections.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.hosting import access
from rtvi_plugins.hosting.notices import MAX_LENGTH, Notices
from rtvi_plugins.processor.changes import check_start
from rtvi_plugins.processor.config import RTVIConfig, RTVIServiceConfig, RTVIServiceOptionConfig
from rtvi_plugins.processor.requests import Refusal
from rtvi_plugins.processor.tables import Tables
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot

STOPPING: Final = "The server is shutting down"
GONE: Final = "The client has left"
UNSERVED: Final = "This host name is not served here; list it under runtime.hosts, or start with --allow-host"
FOREIGN: Final = "This origin is not allowed; list it under runtime.origins, or start with --allow-origin"


class Denied(Exception):  # noqa: N818 - not a failure of ours
    """A request that may not come in: HTTP status and a text for the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    @property
    def body(self) -> dict[str, str]:
        """The JSON body; `info` and `detail` are where the JavaScript client looks (rtvi-protocol 10.5)."""
        return {"error": self.text, "info": self.text, "detail": self.text}


class Admission:
    """Who may use one bot, and the starts that wait for their session.

    origins, hosts: allowed beside those of the manifest, from the command line.
    Headers are given as a mapping from lower-case names.
    """

    def __init__(self, bot: Bot, *, origins: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        runtime = bot.manifest.runtime
        self.bot = bot
        self.limits = runtime.limits
        self.origins = (*runtime.origins, *origins)
        self.hosts = (*runtime.hosts, *hosts)
        self.tokens: Mapping[str, str] = runtime.auth.tokens if runtime.auth else {}
        self.starts = access.Starts()
        self.is_stopping = False
        self._notices = Notices()

    def describe(self, base: str = "") -> dict[str, str]:
        """Say what the bot is and where; `base` is the path it is served under."""
        manifest = self.bot.manifest
        return {"bot": manifest.bot, "description": manifest.description, "ws": f"{base}/ws", "start": f"{base}/start"}

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
                raise Denied(403, "This session is unknown or too old; start a new one")
            return start
        caller = ""
        if self.bot.manifest.runtime.auth is not None:
            given = access.bearer(headers.get("authorization")) or next(iter(query.get("token", ())), None)
            found = access.find_caller(self.tokens, given)
            if found is None:
                raise Denied(401, "A valid token is needed")
            caller = found
        return access.Start(caller, {})

    def check_room(self, sessions: int) -> None:
        """Check that there is room for one more beside so many sessions. Raises Denied."""
        if self.is_stopping:
            raise Denied(503, STOPPING)
        if sessions >= self.limits.max_sessions:
            raise Denied(503, f"All {self.limits.max_sessions} sessions are taken")

    def read_body(self, body: bytes) -> Any:
        """Read the JSON body of a request; an empty one is an object. Raises Denied."""
        try:
            return wire.decode(body, self.limits.max_depth) if body.strip() else {}
        except wire.InvalidJSONError as error:
            raise Denied(400, f"The body is {error}") from None

    def read_config(self, body: Any) -> Mapping[str, Mapping[str, Any]]:
        """Check the configuration in the body of a start. Raises Denied."""
        return read_config(self.bot.tables, body)


def read_config(tables: Tables, body: Any) -> Mapping[str, Mapping[str, Any]]:
    """Check the `config` that a client wants to begin with: service → option → value. Raises Denied."""
    if not isinstance(body, dict):
        raise Denied(400, "The body is no JSON object")
    if not body.get("config"):
        return {}
    try:
        return check_start(tables, {"config": body["config"]})
    except Refusal as refusal:
        raise Denied(400, refusal.text) from None


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
