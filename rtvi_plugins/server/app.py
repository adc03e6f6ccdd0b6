"""One bot on the standalone host: who may come in, its sessions over WebSocket, its starts and single turns over HTTP.

Source: rtvi-protocol 10 (transport and starting a bot over HTTP).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rtvi_plugins.binding.pipelines import unserved
from rtvi_plugins.errors import StartupError
from rtvi_plugins.hosting import access, remaining, succession
from rtvi_plugins.hosting.admission import GONE, STOPPING, Admission, Denied, as_config
from rtvi_plugins.hosting.answers import refuse_handshake
from rtvi_plugins.hosting.bodies import Body
from rtvi_plugins.hosting.notices import tell_end
from rtvi_plugins.processor.patience import CLOSE
from rtvi_plugins.processor.port import Caller, Session
from rtvi_plugins.server import single_turn
from rtvi_plugins.server.connection import GOING_AWAY, INTERNAL_ERROR, NORMAL, Connection

if TYPE_CHECKING:
    from starlette.requests import Request

    from rtvi_plugins.binding import Bot
    from rtvi_plugins.hosting.succession import Successor
    from rtvi_plugins.processor.core import RTVIProcessor

logger = logging.getLogger(__name__)

LEAVING_S: Final = 0.5
"""How long clients are given to leave by themselves once they were told of the end."""

CLOSING_S: Final = 2.0
"""How long clients are given to read what is left for them; after that they are cut off."""


class BotHost(Admission):
    """One bot on this server: its sessions, its starts, who may use it.

    origins, hosts: allowed beside those of the manifest, from the command line.
    successor:      the process that takes over after this one, where one does.
    Raises StartupError when options are bound to stages, of which there are none here.
    """

    def __init__(
        self, bot: Bot, *, origins: Iterable[str] = (), hosts: Iterable[str] = (), successor: Successor | None = None
    ) -> None:
        if problems := unserved(bot.tables):
            raise StartupError(problems)
        super().__init__(bot, origins=origins, hosts=hosts, successor=successor)
        self.connections: set[Connection] = set()
        self._endpoints: set[asyncio.Task[Any]] = set()
        self._numbers = itertools.count(1)
        self._turns = 0
        self._running_turns: set[single_turn.Turn] = set()

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def start(self, request: Request) -> JSONResponse:
        """`POST /start` and `/connect`: say where to connect; what is in the body is checked and kept."""
        try:
            self.admit(request.headers, request.url.scheme)
            settled = self.authenticate(request.headers, {"token": request.query_params.getlist("token")})
            self._check_room()
            start = self.read_start(settled, self.read_body((await self._read_body(request)).complete()))
        except Denied as denied:
            return refused(denied)
        scheme = "wss" if request.url.scheme == "https" else "ws"
        path = request.url.path.rpartition("/")[0]
        url = f"{scheme}://{request.headers['host']}{path}/ws"
        if start.config or start.data or self.tokens:
            url += f"?session={self.starts.add(start)}"
        return JSONResponse({"ws_url": url, "wsUrl": url})

    async def _read_body(self, request: Request) -> Body:
        body = Body(self.limits)
        try:
            async for chunk in request.stream():
                body.add(chunk)
        except ClientDisconnect:
            raise Denied(400, GONE) from None
        return body

    async def act(self, request: Request) -> Response:
        """`POST /action`: run a legacy client's actions without a connection."""
        try:
            self.admit(request.headers, request.url.scheme)
            settled = self.authenticate(request.headers, {"token": request.query_params.getlist("token")})
            self._check_room()
            given = await self._read_body(request)
            body = self.read_body(given.complete())
            start = self.read_start(settled, body, beside=("actions",))
            try:
                actions = single_turn.read_actions(body)
            except ValueError as error:
                raise Denied(400, str(error)) from None
        except Denied as denied:
            return refused(denied)
        is_stream = "text/event-stream" in request.headers.get("accept", "")
        wanted = None if is_stream else actions[0]["id"]
        collector = single_turn.Collector(wanted, self.limits.max_outgoing_bytes)
        peer = request.client.host if request.client else ""
        processor = self._make(start, peer, collector)
        turn = single_turn.Turn(self.bot, processor, collector, actions, start.config, given.hold)
        self._turns += 1
        self._running_turns.add(turn)
        turn.task.add_done_callback(lambda _: self._end_turn(turn))
        return single_turn.EventStream(turn, collector) if is_stream else await self._answer(request, turn, collector)

    async def _answer(
        self, request: Request, turn: single_turn.Turn, collector: single_turn.Collector
    ) -> JSONResponse | Response:
        """Give the answer to a turn's first action; the turn goes on after it, but not when the client has left."""
        answering = asyncio.ensure_future(collector.take())
        leaving = asyncio.ensure_future(single_turn.left(request.receive))
        reason = "disconnected"
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                return refused(Denied(400, GONE))
            reason = ""
            answer = answering.result()
        finally:
            answering.cancel()
            leaving.cancel()
            if reason:
                turn.cancel(reason)
        if answer is None:
            return refused(Denied(503, STOPPING) if self.is_stopping else Denied(500, "Internal error"))
        return Response(answer, media_type="application/json")

    def _end_turn(self, turn: single_turn.Turn) -> None:
        self._turns -= 1
        self._running_turns.discard(turn)
        if not turn.task.cancelled() and (error := turn.task.exception()) is not None:
            logger.error("a turn's session did not end well", exc_info=error)

    def _make(self, start: access.Start, peer: str, port: Connection | single_turn.Collector) -> RTVIProcessor:
        """Make the processor of a new session."""
        session = Session(f"{next(self._numbers)}-{secrets.token_hex(4)}", Caller(start.caller, peer), start.data)
        return self.bot.processor_class(as_config(start.config), port=port, session=session)

    def _check_room(self) -> None:
        self.check_room(len(self.connections) + self._turns)

    # -- WebSocket ----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection, from the opening handshake to the close."""
        start = await self._let_in(scope, receive, send)
        if start is None:
            return
        try:
            await receive()
            await send({"type": "websocket.accept"})
            client = scope.get("client")
            connection = Connection(receive, send, self.limits, scope.get("extensions", {}))
            processor = self._make(start, client[0] if client else "", connection)
            connection.processor = processor
            self.connections.add(connection)
            task = asyncio.current_task()
            if task is not None:
                self._endpoints.add(task)
                task.add_done_callback(self._endpoints.discard)
            reason = "failed"
            try:
                if self.is_stopping and self.is_restarting:  # it came in while the others were told
                    self._tell_end(processor)
                    processor.finish("shutdown")
                await self.bot.session_started(processor)
                reason = await processor.run(connection.receive)
                tell_end(processor, reason)
                if self.is_stopping and reason == "disconnected":
                    reason = "shutdown"
            finally:
                try:
                    await self.bot.session_ended(processor, reason)
                    code, text = self._close_code(reason)
                    await connection.close(code, text)
                finally:  # only now is its place free: what lingers counts
                    self.connections.discard(connection)
        finally:
            self.give_back_seat(start)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> access.Start | None:
        """Find out with what a connection begins; None for one that was refused. The start has its seat."""
        headers = Headers(scope=scope)
        try:
            self.admit(headers, scope["scheme"])
            if self.is_stopping and self.is_restarting:
                await succession.refuse_for_now(receive, send)
                return None
            start = self.begin(self.authenticate(headers, parse_qs(scope["query_string"].decode("latin-1"))))
            self._check_room()
            self.take_seat(start)
        except Denied as denied:
            await refuse_handshake(scope, receive, send, denied)
            return None
        return start

    def _close_code(self, reason: str) -> tuple[int, str]:
        if reason == "shutdown" and self.is_restarting:
            return succession.SERVICE_RESTART, succession.REASON
        return _CLOSE.get(reason, (NORMAL, ""))

    # -- stopping -----------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Refuse new sessions and requests, let running ones end within `stop_timeout`, tell the clients, close."""
        self.is_stopping = True
        connections = list(self.connections)
        processors = [connection.processor for connection in connections]
        turns = set(self._running_turns)  # these were let in: they do all they were asked for
        for processor in processors:
            processor.stop_accepting()
        await self._wait_idle(processors, turns)
        for processor in processors:
            self._tell_end(processor)
        if (
            self._endpoints and not self.is_restarting
        ):  # clients hang up by themselves when they hear that; those that do not are hung up on
            await asyncio.wait(set(self._endpoints), timeout=LEAVING_S)
        for processor in processors:
            processor.finish("shutdown")
        if self._endpoints:
            await asyncio.wait(set(self._endpoints), timeout=CLOSING_S)
        for connection in connections:
            if not connection.is_closed:  # the client does not read: nothing can be told to it
                connection.abort()
        if left := {turn.task for turn in turns if not turn.task.done()}:
            await asyncio.wait(left, timeout=CLOSING_S)

    def _tell_end(self, processor: RTVIProcessor) -> None:
        if self.is_restarting:
            succession.tell(processor)
        else:
            processor.tell_error(STOPPING, fatal=True)

    async def _wait_idle(self, processors: list[RTVIProcessor], turns: set[single_turn.Turn]) -> None:
        """Wait until nothing runs any longer, at most `stop_timeout`; what still runs then is cancelled."""
        jobs = set(self.bot.processor_class.lingering)  # of clients that have left
        try:
            async with asyncio.timeout(self.limits.stop_timeout):
                await asyncio.gather(
                    *(processor.wait_idle() for processor in processors),
                    *(asyncio.wait({task}) for task in (*(turn.task for turn in turns), *jobs)),
                )
        except TimeoutError:
            names = remaining.in_words(remaining.of_loop(asyncio.get_running_loop()))
            logger.warning(
                "%s: some actions were still running and are cancelled: %s", self.bot.name, names or "no handler"
            )
        for turn in turns:
            turn.cancel("shutdown")
        for job in jobs:
            job.cancel()


_CLOSE: Final = {
    **CLOSE,
    "shutdown": (GOING_AWAY, "shutting down"),
    "failed": (INTERNAL_ERROR, "the session failed"),
}
"""Why a session ended → WebSocket close code and reason."""


def refused(denied: Denied) -> JSONResponse:
    """Answer a request that may not come in."""
    # What there is no room for is not read to its end: only closing the connection stops the client.
    return JSONResponse(denied.body, denied.status, {"connection": "close"} if denied.status in (413, 503) else None)
