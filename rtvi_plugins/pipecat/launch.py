"""`rtvi run` for a manifest with `pipeline:`: Pipecat's own runner, behind the gate, served by our server.

The runner is made for a person's terminal: importing it loads a `.env` file over the environment, its `main` reads
`sys.argv`, looks for `bot` in the main module, prints a banner and resets the log. All of that is kept from the user.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import loguru
from starlette.middleware.cors import CORSMiddleware

from rtvi_plugins.hosting.admission import Admission
from rtvi_plugins.hosting.preflight import Preflight
from rtvi_plugins.hosting.succession import Successor
from rtvi_plugins.pipecat.bot import Sessions
from rtvi_plugins.pipecat.gate import Gate
from rtvi_plugins.pipecat.transports import cannot_serve

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rtvi_plugins.binding import Bot

logger = logging.getLogger(__name__)

Serve = Callable[["ASGIApp", Callable[[], Awaitable[None]]], None]
"""Serves an application until asked to stop, awaiting the function before it closes connections."""

EXTRA: Final = "pip install 'rtvi-plugins[pipecat]'"


class CannotLaunchError(Exception):
    """The runner cannot be started; the text says why."""


def launch(
    bot: Bot,
    serve: Serve,
    *,
    host: str,
    port: int,
    transport: str | None = None,
    proxy: str | None = None,
    origins: Iterable[str] = (),
    hosts: Iterable[str] = (),
    routes: Sequence[BaseRoute] = (),
    successor: Successor | None = None,
) -> None:
    """Serve a bot through Pipecat's runner; returns when `serve` does.

    serve:      gets the application; whoever calls has bound `host` and `port`.
    transport:  the only one to serve; left out, all that are installed.
    proxy:      public host name by which telephone companies reach this server.
    origins, hosts: allowed beside those of the manifest.
    routes:     pages of ours, before those of the runner.
    successor:  the process that takes over after this one, where one does.
    Raises CannotLaunchError.
    """
    log_to_logging()
    run = _import_runner()
    if transport is not None and (lack := cannot_serve(transport)):
        raise CannotLaunchError(f"'{transport}' cannot be served: {lack}")
    admission = Admission(bot, origins=origins, hosts=(*hosts, *([proxy] if proxy else ())), successor=successor)
    sessions = Sessions(bot, admission.successor.is_waiting)
    # The runner puts its own CORS rules around this, so that it never sees a preflight: `_cors` does.
    run.app.add_middleware(Gate, admission=admission, sessions=sessions.__len__, transport=transport, routes=routes)

    async def stop() -> None:
        admission.is_stopping = True
        await sessions.stop()

    def serve_app(app: ASGIApp, **_: Any) -> None:
        log_to_logging()  # the runner has taken the log for itself
        serve(Preflight(_cors(app, admission.origins), (admission,)), stop)

    arguments = ["--host", host, "--port", str(port)]
    arguments += ["--transport", transport] if transport else []
    arguments += ["--proxy", proxy] if proxy else []
    _run_main(run, sessions.serve, arguments, serve_app)


def _import_runner() -> ModuleType:
    """Import the runner, and leave the environment as it was: the manifest has been read by it."""
    before = dict(os.environ)
    try:
        from pipecat.runner import run  # noqa: PLC0415 - see this module's first lines
    except ImportError as error:
        raise CannotLaunchError(f"Pipecat's runner cannot be loaded ({error}); {EXTRA}") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
    return run


def _run_main(
    run: ModuleType, bot: Callable[[Any], Awaitable[None]], arguments: list[str], serve: Callable[..., None]
) -> None:
    """Call the runner's `main` with these arguments, and have it serve by `serve` instead of uvicorn's own function."""
    is_serving = False
    said = io.StringIO()

    def serve_quietly(app: ASGIApp, **address: Any) -> None:
        nonlocal is_serving
        is_serving = True
        before.close()  # what is printed and asked for from here on is not the runner's
        serve(app, **address)

    with contextlib.ExitStack() as around:
        main = sys.modules["__main__"]
        around.enter_context(_attribute(main, "bot", bot))
        # The module's own name for uvicorn, and nothing of uvicorn itself: where we listen is decided already.
        around.enter_context(_attribute(run, "uvicorn", SimpleNamespace(run=serve_quietly)))
        before = around.enter_context(contextlib.ExitStack())
        before.enter_context(_attribute(sys, "argv", [sys.argv[0], *arguments]))
        before.enter_context(contextlib.redirect_stdout(said))
        before.enter_context(contextlib.redirect_stderr(said))  # where the runner points the log to
        before.enter_context(_quiet())
        try:
            run.main()
        except SystemExit as error:
            if is_serving:
                raise
            raise CannotLaunchError(f"Pipecat's runner refuses to start: {_said(said)}") from error
    if not is_serving:
        raise CannotLaunchError(f"Pipecat's runner did not start: {_said(said)}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what libraries tell of their preparations, on the root logger too, out of the log for a while."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.INFO))
    try:
        yield
    finally:
        logging.disable(before)


def _said(printed: io.StringIO) -> str:
    return " ".join(printed.getvalue().split()) or "see the log"


@contextlib.contextmanager
def _attribute(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute for a while."""
    missing = object()
    before = getattr(owner, name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _cors(app: ASGIApp, origins: Iterable[str]) -> ASGIApp:
    """Let pages of these origins read the answers, whatever the application says of it."""

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        async def without(event: Message) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [h for h in event["headers"] if not h[0].lower().startswith(b"access-control-")]
            await send(event)

        await app(scope, receive, without)

    methods = ("GET", "POST", "PATCH", "PUT", "DELETE")
    return CORSMiddleware(silent, allow_origins=list(origins), allow_methods=methods, allow_headers=["*"], max_age=600)


def log_to_logging() -> None:
    """Have Pipecat's log, which is loguru's, come out where ours does: at its levels, under its modules' names."""
    loguru.logger.remove()
    loguru.logger.add(_to_logging, format="{message}", level=0)


def _to_logging(message: Any) -> None:
    record = message.record
    target = logging.getLogger(record["name"] or "pipecat")
    level = record["level"].no
    if target.isEnabledFor(level):
        error = record["exception"]
        info = (error.type, error.value, error.traceback) if error else None
        target.handle(
            target.makeRecord(
                target.name, level, record["file"].path, record["line"], record["message"], (), info, record["function"]
            )
        )
