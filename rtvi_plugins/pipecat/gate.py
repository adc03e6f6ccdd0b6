"""The gate before Pipecat's runner: who may come in is decided as on the standalone host.

The runner itself checks neither host names nor tokens, and origins only by its own settings. The gate is ASGI
middleware around its application: it refuses, bounds what is read, says where to connect, and leaves for the session to
come who called and what they settled (`arrival`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match

from rtvi_plugins.hosting import succession
from rtvi_plugins.hosting.access import Start, wants_json
from rtvi_plugins.hosting.admission import GONE, UNKNOWN_SESSION, Admission, Denied
from rtvi_plugins.hosting.answers import ABORT, ASGIMessage, Receive, Scope, Send, refuse_handshake, send_json
from rtvi_plugins.hosting.bodies import Body
from rtvi_plugins.pipecat import bodies
from rtvi_plugins.processor.port import Caller
from rtvi_plugins.processor.starting import TRANSPORT_KEYS
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from starlette.types import ASGIApp

logger = logging.getLogger(__name__)

INBOUND: Final = "rtvi_plugins.inbound"
"""Where a WebSocket's scope has what comes in, for a look ahead."""

OPEN: Final = frozenset({"/", "/favicon.ico"})
"""Pages of the runner that need no token: the one leads to its client, which needs one."""
SHARED: Final = "/ws"
"""The path that RTVI clients share with telephone companies, which say only later what they have for the bot."""
PATH_TOKENS: Final = ("/ws/", "/ws-client/")
"""Paths whose last part is a token: telephone companies can send none in another way."""


class Farewell:
    """Closes a WebSocket ahead of its pipeline, whose end takes longer, and with a code of ours."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_said = False

    async def say(self, code: int, reason: str) -> None:
        """Close it; what is still sent to it goes nowhere."""
        if not self.is_said:
            self.is_said = True
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


TakeSeat = Callable[[Start], AbstractContextManager[None]]
"""Counts a session among those of its start while it lasts. Raises Denied where these are too many."""


class Arrival(NamedTuple):
    """Who comes, and what they settled before; over it the transport may lay what it was told.

    farewell:  of a WebSocket.
    take_seat: what is still to be done for the session, where the gate could not tell whether there will be one.
    at:        when, by the event loop's clock.
    """

    caller: Caller = Caller()
    start: Start = Start("", {})
    farewell: Farewell | None = None
    take_seat: TakeSeat | None = None
    at: float | None = None


arrival: ContextVar[Arrival | None] = ContextVar("arrival", default=None)
"""Set while the gate lets a request through, and with it in every task that begins there; None without a gate."""


class Gate:
    """ASGI middleware that lets in whom a bot admits.

    app:       the runner's application.
    sessions:  gives the number of running sessions.
    transport: the one that `rtvi run --transport` restricts the runner to; None: all.
    routes:    served before the application's own, to anyone who may load a page.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        *,
        sessions: Callable[[], int],
        transport: str | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._app = app
        self._admission = admission
        self._sessions = sessions
        self._transport = transport
        self._routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._request(scope, receive, send)
            except Denied as denied:
                await send_json(send, denied.status, denied.body)
        else:
            await self._app(scope, receive, send)

    # -- WebSocket ----------------------------------------------------------------------------------------------------

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as held:
            settled = await self._let_in(scope, receive, send, held)
            if settled is not None:
                scope[INBOUND] = inbound = bodies.Inbound(receive)
                farewell = Farewell(send)
                await self._pass_on(scope, inbound, self._timed(scope, send, farewell), settled, farewell)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, held: ExitStack) -> Start | None:
        """Find out with what a connection begins; None for one that was refused. `held` is left with the session."""
        headers = Headers(scope=scope)
        try:
            self._admission.admit(headers, scope["scheme"])
            if self._admission.is_stopping and self._admission.is_restarting:
                await succession.refuse_for_now(receive, send)
                return None
            settled = self._admission.authenticate(headers, self._query(scope))
            is_shared = scope["path"] == SHARED or scope["path"].startswith(f"{SHARED}/")
            if not is_shared:
                self._admission.begin(settled)
            self._admission.check_room(self._sessions())
            held.enter_context(self._admission.seat(settled))
        except Denied as denied:
            await refuse_handshake(scope, receive, send, denied)
            return None
        return settled

    def _query(self, scope: Scope) -> dict[str, list[str]]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        for prefix in PATH_TOKENS:
            if scope["path"].startswith(prefix):
                query.setdefault("token", [scope["path"].removeprefix(prefix)])
        return query

    def _timed(self, scope: Scope, send: Send, farewell: Farewell) -> Send:
        """Close the connection of a client that does not read; when this process is replaced, say so by the code."""
        abort = scope.get("extensions", {}).get(ABORT)

        async def timed(event: ASGIMessage) -> None:
            if farewell.is_said:
                return
            if event["type"] == "websocket.close" and self._admission.is_restarting:
                event = {**event, "code": succession.SERVICE_RESTART, "reason": succession.REASON}
            try:
                async with asyncio.timeout(self._admission.limits.send_timeout):
                    await send(event)
            except TimeoutError:
                text = "a client has read nothing for %g s (send_timeout); closing"
                logger.warning(text, self._admission.limits.send_timeout)
                if abort is not None:
                    abort()
                raise

        return timed

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        is_reading = method in ("GET", "HEAD")
        if path == "/health" and is_reading:
            await send_json(send, 200, {"status": "ok"})
            return
        headers = Headers(scope=scope)
        is_asked_who = path == "/" and wants_json(headers)
        if is_reading and not is_asked_who and (page := self._page(scope)) is not None:
            # Whatever the origin: browsers name one for scripts, and behind a proxy it may be unknown here. The page,
            # once loaded, says what is wrong.
            self._admission.admit_host(headers)
            await page(scope, receive, send)
            return
        self._admission.admit(headers, scope["scheme"])
        if path == "/ready" and is_reading:
            ready = not self._admission.is_stopping
            sessions = {self._admission.bot.name: self._sessions()}
            await send_json(send, 200 if ready else 503, {"ready": ready, "sessions": sessions})
        elif path in ("/start", "/connect") and method == "POST":
            await self._start(scope, headers, receive, send)
        elif is_asked_who and is_reading:
            await send_json(send, 200, {"bots": [self._admission.describe(headers=headers)]})
        elif is_reading and path in OPEN:
            await self._app(scope, receive, send)
        else:
            settled = self._session_of(path) or self._admission.authenticate(headers, self._query(scope))
            start, take_seat = settled, None
            given = Body(self._admission.limits)
            if not headers.get("content-type", "").startswith("multipart/form-data"):  # uploads have a bound of theirs
                body = await self._read(receive, given)
                if path.endswith(bodies.PATH) and method == "POST":
                    offer = bodies.read_offer(body, self._admission.limits.max_depth)
                    start = self._start_of(offer, settled, path)
                    take_seat = self._admission.seat
                    scope, body = {**scope, "headers": bodies.sized(scope["headers"], len(offer.body))}, offer.body
                receive = bodies.replay(body, receive)
            await self._pass_on(scope, receive, send, start, take_seat=take_seat)

    def _start_of(self, offer: bodies.Offer, settled: Start, path: str) -> Start:
        """Check what comes with an offer, which is laid over what its session settled. Raises Denied."""
        if not offer.is_new:
            return settled
        if path != bodies.PATH and not settled.key:
            raise Denied(403, UNKNOWN_SESSION)
        self._admission.check_seat(settled)
        return (
            self._admission.read_start(settled, {"body": offer.data}) if offer.data else self._admission.begin(settled)
        )

    def _page(self, scope: Scope) -> Callable[..., Awaitable[None]] | None:
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return route.handle
        return None

    def _session_of(self, path: str) -> Start | None:
        """Give the start that made a path under `/sessions/`: its key is the proof."""
        parts = path.split("/")
        return self._admission.starts.take(parts[2]) if parts[1] == "sessions" and len(parts) > 3 else None

    async def _read(self, receive: Receive, body: Body) -> bytes:
        """Read a request's body, which counts as long as `body` lives. Raises Denied."""
        while True:
            event = await receive()
            if event["type"] != "http.request":
                raise Denied(400, GONE)
            body.add(event.get("body", b""))
            if not event.get("more_body", False):
                return body.complete()

    async def _pass_on(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        start: Start,
        farewell: Farewell | None = None,
        take_seat: TakeSeat | None = None,
    ) -> None:
        client = scope.get("client")
        caller = Caller(start.caller, client[0] if client else "")
        at = asyncio.get_running_loop().time()
        before = arrival.set(Arrival(caller, start, farewell, take_seat, at))
        try:
            await self._app(scope, receive, send)
        finally:
            arrival.reset(before)

    # -- starting -----------------------------------------------------------------------------------------------------

    async def _start(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Say where to connect. For WebSocket the gate answers, in the one form that old and new clients take."""
        settled = self._admission.authenticate(headers, self._query(scope))
        self._admission.check_room(self._sessions())
        body = self._admission.read_body(await self._read(receive, Body(self._admission.limits)))
        start = self._admission.read_start(settled, body)
        transport = self._transport_of(body, scope["path"])
        if transport == "websocket" and self._transport in (None, "websocket"):
            await send_json(send, 200, self._addresses(scope, headers, start))
        else:
            # Its own keys alone: the runner writes to the log what it gets, and keeps it for ever.
            own = {key: value for key, value in body.items() if key in TRANSPORT_KEYS}
            asked = wire.encode({**own, "transport": transport})
            headers_ = bodies.sized(scope["headers"], len(asked))
            inner = {**scope, "path": "/start", "raw_path": b"/start", "headers": headers_}
            answer = Answer(send)
            await self._pass_on(inner, bodies.replay(asked, receive), answer, start)
            await answer.finish(lambda session_id: self._admission.starts.add(start, session_id))

    def _transport_of(self, body: Mapping[str, Any], path: str) -> str:
        """Tell which transport a start is for; clients of `rtvi`, and WebSocket clients, name none."""
        named = body.get("transport")
        if named is not None:
            return str(named)
        if body.get("createDailyRoom"):
            return "daily"
        if path == "/connect":
            return "websocket"
        if "enableDefaultIceServers" in body and self._transport is None:
            return "webrtc"
        return self._transport or "websocket"

    def _addresses(self, scope: Scope, headers: Headers, start: Start) -> dict[str, str]:
        scheme = "wss" if scope["scheme"] == "https" else "ws"
        url = f"{scheme}://{headers['host']}/ws-client"
        if start.config or start.data or self._admission.tokens:
            url += f"?{urlencode({'session': self._admission.starts.add(start)})}"
        return {"ws_url": url, "wsUrl": url}


class Answer:
    """Holds back the runner's answer to a start until the session in it is known to the gate."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._events: list[ASGIMessage] = []

    async def __call__(self, event: ASGIMessage) -> None:
        """Keep one event of the answer."""
        self._events.append(event)

    async def finish(self, note: Callable[[str], object]) -> None:
        """Note the session that was started, if any, and let the answer go."""
        body = b"".join(event.get("body", b"") for event in self._events)
        try:
            read = wire.decode(body)
        except wire.InvalidJSONError:
            read = None
        if isinstance(read, dict) and isinstance(session_id := read.get("sessionId"), str):
            note(session_id)
        for event in self._events:
            await self._send(event)
