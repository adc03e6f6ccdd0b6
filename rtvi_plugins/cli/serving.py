"""Serving until asked to stop: the sockets, the signals, and an end that no hanging handler can hold up.

Imports the server: only `rtvi run` imports this, when it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NoReturn

from rtvi_plugins.cli.problems import counted
from rtvi_plugins.console.page import Console
from rtvi_plugins.errors import ExitCode
from rtvi_plugins.hosting import remaining
from rtvi_plugins.processor.threads import THREAD_NAME
from rtvi_plugins.server.run import Server, make_server

if TYPE_CHECKING:
    from rtvi_plugins.server.app import BotHost

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
END_GRACE_S: Final = 6.0
"""How long the end may take beside the bots' `stop_timeout`: clients are told, sessions closed, hooks called."""
THREADS_GRACE_S: Final = 2.0
"""How long threads may take to end once everything else has; handlers had the bot's `stop_timeout` before that."""


def end_as_asked() -> NoReturn:
    """End the process at once, as one that was asked to stop and has."""
    end_now(ExitCode.FINE)


class CannotListenError(Exception):
    """The address cannot be listened at; the text says why."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Bind every address that the name stands for, all with one port; `port` 0 picks a free one.

    Raises CannotListenError.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListenError(f"cannot listen on {where}: no such host") from error
    absent: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            made = _bound(family, kind, protocol, (address[0], port, *address[2:]))
        except OSError as error:
            # `localhost` may stand for an address that this machine does not have; another one will do.
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                absent = error
                continue
            raise _cannot(where, error, sockets) from error
        sockets.append(made)
        port = made.getsockname()[1]
    if not sockets and absent is not None:
        raise _cannot(where, absent, sockets) from absent
    return sockets


def _cannot(where: str, error: OSError, sockets: list[socket.socket]) -> CannotListenError:
    for made in sockets:
        made.close()
    return CannotListenError(f"cannot listen on {where}: {(error.strerror or str(error)).lower()}")


def _bound(family: int, kind: int, protocol: int, address: tuple[str | int, ...]) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        # uvicorn listens only later; a taken port has to show now.
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


MakeServer = Callable[[Callable[[str], None]], Server]
"""Makes the server, given whom it tells its address once it listens."""


def serve_bots(
    hosts: tuple[BotHost, ...],
    sockets: list[socket.socket],
    tell: Callable[[str], None],
    until: Callable[[], Awaitable[None]] | None = None,
    give_up: Callable[[], object] = end_as_asked,
    *,
    with_console: bool = True,
) -> None:
    """Serve bots on the standalone host, with the console at `/` or without; see `serve`."""
    page = Console() if with_console else None
    serve(lambda on_started: make_server(hosts, page=page, on_started=on_started), sockets, tell, until, give_up)


def serve(
    make: MakeServer,
    sockets: list[socket.socket],
    tell: Callable[[str], None],
    until: Callable[[], Awaitable[None]] | None = None,
    give_up: Callable[[], object] = end_as_asked,
) -> None:
    """Serve until a signal comes or `until` is over.

    tell:    gets the address, once the server listens.
    give_up: ends the process where handlers do not let the server stop in time; it must not return.
    The first SIGINT or SIGTERM stops gracefully, and this returns; the second ends the process at once.
    """
    signals = 0
    deadline: Deadline | None = None

    def stop() -> None:
        nonlocal deadline
        server.should_exit = True
        if deadline is None:
            deadline = Deadline(server.stop_timeout + END_GRACE_S, runner.get_loop(), give_up)

    def on_signal(number: int, _frame: object) -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            end_now(128 + number)
        stop()
        loop = runner.get_loop()
        if loop.is_running():
            loop.call_soon_threadsafe(logger.info, "stopping; the next signal stops at once")

    def on_started(address: str) -> None:
        # uvicorn set handlers of its own, under which a second SIGTERM forces nothing. It puts back those it found.
        _handle_signals(on_signal)
        _spare_collector()
        tell(address)

    async def run() -> None:
        watching = None if until is None else asyncio.create_task(_stop_after(until, stop))
        try:
            await server.serve(sockets=sockets)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            _end_despite_threads()

    server = make(on_started)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        _handle_signals(on_signal)
        runner.run(run())
    if deadline is not None:
        deadline.cancel()


def _handle_signals(handler: Callable[[int, object], None]) -> None:
    # Not the event loop's way: a handler that blocks the loop must not keep the second signal from being heard.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _spare_collector() -> None:
    """Keep the collector from looking again and again at what stays: it would hold the loop for 50 ms and more."""
    gc.collect()
    gc.freeze()


async def _stop_after(until: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
    await until()
    stop()


class Deadline:
    """The hard end: a handler that swallows its cancellation, or blocks the event loop, must not keep the server.

    In a thread, for the event loop may be what hangs.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop, give_up: Callable[[], object]) -> None:
        self._seconds = seconds
        self._loop = loop
        self._give_up = give_up
        self._is_met = threading.Event()
        threading.Thread(target=self._watch, name="rtvi-deadline", daemon=True).start()

    def cancel(self) -> None:
        """Note that everything has ended."""
        self._is_met.set()

    def _watch(self) -> None:
        if not self._is_met.wait(self._seconds):
            names = remaining.in_words(remaining.of_loop(self._loop)) or "nothing of a plugin"
            logger.error("not stopped after %g s; ending all the same. Still running: %s", self._seconds, names)
            self._give_up()


def _end_despite_threads() -> None:
    """See to it that the process ends soon, though threads in which handlers run would be waited for.

    A thread cannot be stopped, and Python waits for all of them. The main thread goes on to end as usual, exit handlers
    included; this only cuts short its waiting for threads that are still busy.
    """
    if handlers := remaining.of_threads(THREAD_NAME):  # daemons, which nobody waits for
        text = "%s still busy in a thread; ending all the same: %s"
        logger.warning(text, counted(len(handlers), "handler"), remaining.in_words(handlers))

    def watch() -> None:
        deadline = time.monotonic() + THREADS_GRACE_S
        while busy := [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]:
            if time.monotonic() > deadline:
                names = remaining.in_words(remaining.of_threads()) or "their names cannot be told"
                text = "%s still busy in a thread; ending all the same: %s"
                logger.warning(text, counted(len(busy), "function"), names)
                end_now(ExitCode.FINE)
            time.sleep(0.02)

    threading.Thread(target=watch, name="rtvi-end", daemon=True).start()


def end_now(code: int) -> NoReturn:
    """End the process at once, having written what was said."""
    # RuntimeError: a signal came in the midst of a write, which cannot be entered a second time.
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    os._exit(code)
