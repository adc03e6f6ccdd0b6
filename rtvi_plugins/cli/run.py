"""`rtvi run`: serve bots on the standalone host."""

from __future__ import annotations

import enum
import logging
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from rtvi_plugins.cli.output import console, is_terminal, say
from rtvi_plugins.cli.problems import print_problems, summary
from rtvi_plugins.errors import ExitCode

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot


class LogLevel(enum.StrEnum):
    """How much is logged, on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def run(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Manifests, or folders of them.", show_default=False)
    ],
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 picks a free one.")] = 7860,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when a manifest or plugin changes.")] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this origin connect, or * for any; may be repeated."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Answer to this host name too, or * for any; may be repeated."),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much to log, on standard error.")] = LogLevel.INFO,
) -> None:
    """Serve bots until asked to stop.

    SIGINT or SIGTERM stops gracefully, a second one at once.

    Prints one line per bot when it can be reached. Starts nothing when there is any problem.

    Exit codes: 0 stopped as asked, 1 problems, 2 bad usage, 3 cannot listen.
    """
    from rtvi_plugins.binding.bot import discover_plugins, load_bots  # noqa: PLC0415 - not for other commands' start-up
    from rtvi_plugins.cli import reloading  # noqa: PLC0415 - see above

    configure_logging(log_level)
    began_ns = time.time_ns()
    plugins = discover_plugins()
    bots, problems = load_bots(paths, host=plugins)
    files = reloading.files_behind(paths, plugins, problems, since_ns=began_ns) if reload else reloading.NOTHING
    if problems:
        stopping = reloading.stop_by_signal() if reload else None
        print_problems(problems)
        say(summary(problems, plugins))
        if stopping is not None and reloading.wait_for_change(files, stopping):
            reloading.start_again()
        raise typer.Exit(ExitCode.PROBLEMS)

    from rtvi_plugins.cli import serving  # noqa: PLC0415 - the server, wanted only now that there is something to serve
    from rtvi_plugins.server.app import BotHost  # noqa: PLC0415 - see above

    try:
        sockets = serving.listen(host, reloading.port_before() or port if reload else port)
    except serving.CannotListenError as error:
        say(f"rtvi: {error}", to_stderr=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    hosts = tuple(BotHost(bot, origins=allow_origin or (), hosts=(*(allow_host or ()), host)) for bot in bots)
    listening_at = sockets[0].getsockname()[1]
    watch = reloading.Watch(files) if reload else None
    serving.serve(hosts, sockets, lambda address: tell_addresses(bots, address), watch)
    if watch is not None and watch.has_changed:
        reloading.start_again(listening_at)


def tell_addresses(bots: Iterable[Bot], address: str) -> None:
    """Print where each bot is served; a single one is at the root."""
    names = [bot.name for bot in bots]
    for name in names:
        say(f"serving {name} on {address if len(names) == 1 else f'{address}/bots/{name}/'}")


def configure_logging(level: LogLevel) -> None:
    """Log to standard error: coloured on a terminal, one plain line each elsewhere."""
    if is_terminal(sys.stderr):
        from rich.logging import RichHandler  # noqa: PLC0415 - only for terminals

        handler: logging.Handler = RichHandler(console=console(stderr=True), show_path=False, log_time_format="%X")
        form = "%(message)s"
    else:
        handler = logging.StreamHandler(sys.stderr)
        form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=form, handlers=[handler])
    if level is not LogLevel.DEBUG:
        # What the server says of every connection is noise beside what bots and plugins say.
        for name in ("uvicorn", "websockets", "watchfiles", "httpx", "asyncio"):
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
