"""Serving until asked to stop: the sockets, the signals, and an end that no hanging handler can hold up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NoReturn

from rtvi_plugins.errors import ExitCode

if TYPE_CHECKING:
    from rtvi_plugins.server.run import Server

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
THREADS_GRACE_S: Final = 1.0
"""How long threads may take to end once everything else has; handlers had the bot's `stop_timeout` before that."""


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
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                made = _bound(family, kind, protocol, (address[0], port, *address[2:]))
            except OSError as error:
                # `localhost` may stand for an address that this machine does not have; another one will do.
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and len(found) > 1:
                    continue
                raise
            sockets.append(made)
            port = made.getsockname()[1]
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    except OSError as error:
        for made in sockets:
            made.close()
        reason = (error.strerror or str(error)).lower()
        raise CannotListenError(f"cannot listen on {where}: {reason}") from error
    return sockets


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


def serve(server: Server, sockets: list[socket.socket], until: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serve until a signal comes or `until` is over; the first signal stops gracefully, the second at once."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, sockets, until))


async def _serve(server: Server, sockets: list[socket.socket], until: Callable[[], Awaitable[None]] | None) -> None:
    loop = asyncio.get_running_loop()
    tell = server.on_started

    def on_signal(number: int) -> None:
        if server.should_exit:
            end_now(128 + number)
        logger.info("stopping; once more stops at once")
        server.should_exit = True

    def on_started(address: str) -> None:
        # uvicorn's own handlers, which would end the process by the signal, stand only until here.
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # an event loop on Windows has none
                loop.add_signal_handler(number, on_signal, number)
        tell(address)

    async def watch() -> None:
        if until is not None:
            await until()
            server.should_exit = True

    server.on_started = on_started
    watching = asyncio.create_task(watch())
    try:
        await server.serve(sockets=sockets)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        end_despite_threads()


def end_despite_threads(code: int = ExitCode.FINE) -> None:
    """See to it that the process ends soon, though threads in which handlers hang would be waited for.

    A Python process ends when its last thread does, and a thread cannot be stopped. The main thread goes on to end as
    usual, exit handlers included; this only cuts short its waiting for threads that are still busy.
    """

    def watch() -> None:
        deadline = time.monotonic() + THREADS_GRACE_S
        while time.monotonic() < deadline:
            time.sleep(0.05)
        busy = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        if busy:
            logger.warning("%d handlers are still running in threads; ending without them", len(busy))
            end_now(code)

    threading.Thread(target=watch, name="rtvi-end", daemon=True).start()


def end_now(code: int) -> NoReturn:
    """End the process at once, having written what was said."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
