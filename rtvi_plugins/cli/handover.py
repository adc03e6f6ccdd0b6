"""`--reload`: what a process hands to the one that replaces it, and the trial that comes before.

What changed is tried first, in a process of its own, while the old one serves: it loads everything as a start would,
prints the problems, and serves nothing. Only when there are none, the old process ends its sessions and replaces
itself, because a module that was imported cannot be un-imported. The listening sockets stay open throughout, so that
whoever connects in between waits instead of being refused; the starts that wait for their session go over, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final, NoReturn

from rtvi_plugins.cli.reloading import Files, next_change
from rtvi_plugins.hosting.access import Dumped
from rtvi_plugins.hosting.succession import Successor

logger = logging.getLogger(__name__)

_SOCKETS: Final = "RTVI_PLUGINS_RELOAD_SOCKETS"
"""Environment variable with the file descriptors of the listening sockets."""
_STARTS: Final = "RTVI_PLUGINS_RELOAD_STARTS"
"""Environment variable with the file descriptor of a file in which the starts are."""
_TRIAL: Final = "RTVI_PLUGINS_RELOAD_TRIAL"
"""Environment variable with the file descriptor of a file to which a trial writes what it read."""


class Watch:
    """Waits for a change that is sound, as a coroutine; `has_changed` says whether there was one."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.has_changed = False

    async def __call__(self) -> None:
        """Return on the first change after which everything loads; after others, what serves goes on."""
        await next_change(self._files)
        while (is_sound := await self._try()) is not True:
            if is_sound is False:
                logger.warning("what was served before goes on; waiting for better files")
                await next_change(self._files)
        logger.info("starting again")
        self.has_changed = True

    async def _try(self) -> bool | None:
        """Try the files as they are now; None when they change meanwhile."""
        self._files = self._files.as_now()
        trial = asyncio.ensure_future(try_out())
        changing = asyncio.ensure_future(next_change(self._files))
        try:
            await asyncio.wait((trial, changing), return_when=asyncio.FIRST_COMPLETED)
            if changing.done():
                return None
            is_sound, files = trial.result()
        finally:
            for task in (trial, changing):
                task.cancel()
            await asyncio.gather(trial, changing, return_exceptions=True)
        self._files = self._files.with_those(files)
        return is_sound


async def try_out() -> tuple[bool, Files | None]:
    """Load what is to be served in a process of its own. Returns whether it is sound, and the files that it read.

    The process is killed when this is cancelled.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with tempfile.TemporaryFile() as told:
        number = told.fileno()
        # No bytecode: of a module that changes twice in a second, it would be taken for that of the second change.
        environment = {**os.environ, _TRIAL: str(number), "PYTHONDONTWRITEBYTECODE": "1"}
        process = await asyncio.create_subprocess_exec(
            *_command(),
            env=environment,
            pass_fds=(number,),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C is for this process
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        told.seek(0)
        text = told.read()
    return code == 0, Files.from_text(text) if text else None


def is_trial() -> bool:
    """Whether this process is to load everything and serve nothing."""
    return _TRIAL in os.environ


def tell_files(files: Files) -> None:
    """Tell the process that serves what this trial has read."""
    with os.fdopen(int(os.environ[_TRIAL]), "wb") as told:
        told.write(files.as_text())


# -- from process to process ------------------------------------------------------------------------------------------


class Handover:
    """What this process has from the one before it, and gives to the one after it.

    files:     what is watched at first.
    watch:     ends the serving once something has changed for the better.
    successor: what hosts are told of the next process.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.watch = Watch(files)
        self._inherited = _inherited_sockets()
        self._kept = [one.fileno() for one in self._inherited]
        self.successor = Successor(lambda: self.watch.has_changed, _inherited_starts())

    def sockets(self, listen: Callable[[], list[socket.socket]]) -> list[socket.socket]:
        """Give the listening sockets of the process before this one, or new ones; they outlive the server."""
        sockets = self._inherited or listen()
        # The server closes its own; these are the same to whoever connects.
        self._kept = [os.dup(one.fileno()) for one in sockets]
        return sockets

    def go_on(self) -> None:
        """Go on in a new process, where something has changed."""
        if self.watch.has_changed:
            self.start_again()

    def start_again(self) -> NoReturn:
        """Replace this process by a new one of the same command line, which takes over sockets and starts."""
        if self._kept:
            os.environ[_SOCKETS] = ",".join(map(str, self._kept))
        file = _written(self.successor.dump())
        os.environ[_STARTS] = str(file)
        for number in (*self._kept, file):
            os.set_inheritable(number, True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.execv(sys.executable, _command())  # noqa: S606 - our own command line


def _inherited_sockets() -> list[socket.socket]:
    numbers = os.environ.pop(_SOCKETS, "")
    sockets = [socket.socket(fileno=int(number)) for number in numbers.split(",") if number]
    for one in sockets:
        one.set_inheritable(False)
        one.setblocking(False)
    return sockets


def _inherited_starts() -> dict[str, list[Dumped]]:
    number = os.environ.pop(_STARTS, "")
    if not number:
        return {}
    with os.fdopen(int(number), "rb") as file:
        file.seek(0)
        kept: dict[str, list[Dumped]] = json.load(file)
    return kept


def _written(value: Any) -> int:
    """Write a value into a file that nobody else sees; gives its descriptor."""
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(value).encode())
        file.flush()
        return os.dup(file.fileno())


def _command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]
