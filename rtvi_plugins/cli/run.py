"""`rtvi run`: serve bots on the standalone host."""

from __future__ import annotations

import enum
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.options import Root, check_hosts, check_origins
from rtvi_plugins.cli.output import console, is_terminal, say
from rtvi_plugins.cli.problems import as_served, print_problems, summary
from rtvi_plugins.errors import ExitCode, errors_of
from rtvi_plugins.log import JSONFormatter, LineFormatter, QuietLibraries

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.cli.handover import Handover
    from rtvi_plugins.cli.reloading import Files
    from rtvi_plugins.errors import Problem
    from rtvi_plugins.hooks.host import PluginHost


class LogLevel(enum.StrEnum):
    """How much is logged, on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(enum.StrEnum):
    """What a log record looks like."""

    TEXT = "text"
    JSON = "json"


class Transport(enum.StrEnum):
    """What carries the sessions of a bot with `pipeline:`."""

    WEBRTC = "webrtc"
    WEBSOCKET = "websocket"
    DAILY = "daily"
    LIVEKIT = "livekit"
    MOQ = "moq"
    TWILIO = "twilio"
    TELNYX = "telnyx"
    PLIVO = "plivo"
    EXOTEL = "exotel"


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
    transport: Annotated[
        Transport | None,
        typer.Option(
            metavar="|".join(Transport), help="With `pipeline:`, the only transport; left out, all that are installed."
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With `pipeline:`, the public host name that telephone companies reach."),
    ] = None,
    root: Root = None,
    no_console: Annotated[bool, typer.Option("--no-console", help="Serve no page, only what clients need.")] = False,
    log_level: Annotated[LogLevel, typer.Option(help="How much to log, on standard error.")] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat, typer.Option(help="text: a line each, coloured on a terminal; json: an object in a line each.")
    ] = LogFormat.TEXT,
) -> None:
    """Serve bots until asked to stop.

    SIGINT or SIGTERM stops gracefully: handlers have the bot's `stop_timeout`. What has not ended six seconds after
    that is named in the log, and the process ends all the same. A second signal ends it at once.

    Prints one line per bot when it can be reached. Starts nothing when there is any problem.

    With `--reload` a change is tried before it is served. Where it is faulty, the problems are printed, and what was
    served before goes on. Where it is sound, clients are told (`restarting`), their connections close with code 1012,
    and whoever connects meanwhile waits.

    A manifest with `pipeline:` runs on Pipecat, alone in its process; others share one server.

    Exit codes: 0 stopped as asked, whatever still ran; 1 problems, 2 bad usage, 3 cannot listen, 130 or 143 ended by a
    second SIGINT or SIGTERM.
    """
    from rtvi_plugins.binding.bot import (  # noqa: PLC0415 - not for other commands' start-up
        discover_plugins,
        load_bots,
        log_warnings,
    )
    from rtvi_plugins.cli import reloading  # noqa: PLC0415 - see above

    origins, hosts = check_origins(allow_origin), (*check_hosts(allow_host), host)
    configure_logging(log_level, log_format)
    began_ns = time.time_ns()
    with interruptible():
        plugins = discover_plugins(paths=paths, root=root)
        bots, problems = load_bots(paths, host=plugins, root=root)
    problems = as_served(problems)
    handover = (
        prepare(reloading.files_behind(paths, plugins, problems, since_ns=began_ns, root=root)) if reload else None
    )
    if errors_of(problems):
        refuse(problems, plugins, handover)

    pipeline = find_pipeline(bots)
    if pipeline is None and (transport or proxy):
        raise typer.BadParameter("only a manifest with 'pipeline:' has transports", param_hint="--transport, --proxy")
    if reload and handover is None:
        raise typer.Exit(ExitCode.FINE)
    log_warnings(problems)

    from rtvi_plugins.cli import serving  # noqa: PLC0415 - the server, wanted only now that there is something to serve

    listen = partial(serving.listen, host, port)
    try:
        sockets = handover.sockets(listen) if handover else listen()
    except serving.CannotListenError as error:
        say(f"rtvi: {error}", to_stderr=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    watch, successor = (handover.watch, handover.successor) if handover else (None, None)

    def tell(address: str) -> None:
        tell_addresses(bots, address)

    give_up = partial(end, handover)

    if pipeline is None:
        from rtvi_plugins.server.app import BotHost  # noqa: PLC0415 - see above

        serving.serve_bots(
            tuple(BotHost(bot, origins=origins, hosts=hosts, successor=successor) for bot in bots),
            sockets,
            tell,
            watch,
            give_up,
            with_console=not no_console,
        )
    else:
        from rtvi_plugins.cli import launching  # noqa: PLC0415 - Pipecat, which other bots do not need

        try:
            launching.serve_pipeline(
                pipeline, sockets, tell, watch, give_up,
                host=host, transport=transport, proxy=proxy, origins=origins, hosts=hosts, with_console=not no_console,
                successor=successor,
            )  # fmt: skip
        except launching.CannotLaunchError as error:
            say(f"rtvi: {error}", to_stderr=True)
            raise typer.Exit(ExitCode.UNAVAILABLE) from None
    if handover is not None:
        handover.go_on()


def refuse(problems: Sequence[Problem], plugins: PluginHost, handover: Handover | None) -> NoReturn:
    """Print the problems and end; with `--reload`, wait for better files and begin anew."""
    from rtvi_plugins.cli import reloading  # noqa: PLC0415 - imported already by whoever comes here

    stopping = None if handover is None else reloading.stop_by_signal()
    print_problems(problems)
    say(summary(problems, plugins))
    if handover is not None and stopping is not None and reloading.wait_for_change(handover.files, stopping):
        handover.start_again()
    raise typer.Exit(ExitCode.PROBLEMS)


def prepare(files: Files) -> Handover | None:
    """Prepare for a change of the files; None where this process is the trial of one."""
    from rtvi_plugins.cli import handover  # noqa: PLC0415 - only with --reload

    if not handover.is_trial():
        return handover.Handover(files)
    handover.tell_files(files)
    return None


def end(handover: Handover | None) -> NoReturn:
    """End the process, or replace it where a file has changed, whatever still runs in it."""
    from rtvi_plugins.cli import serving  # noqa: PLC0415 - imported already by whoever comes here

    if handover is not None:
        handover.go_on()
    serving.end_as_asked()


def find_pipeline(bots: Sequence[Bot]) -> Bot | None:
    """Find the bot that runs on Pipecat; None when none does. Raises BadParameter when it is not the only bot."""
    found = next((bot for bot in bots if bot.pipeline is not None), None)
    if found is not None and len(bots) > 1:
        names = ", ".join(bot.name for bot in bots if bot is not found)
        text = f"'{found.name}' has a 'pipeline:' and runs alone in its process; serve {names} by another 'rtvi run'"
        raise typer.BadParameter(text, param_hint="PATH")
    return found


def tell_addresses(bots: Iterable[Bot], address: str) -> None:
    """Print where each bot is served; a single one is at the root."""
    names = [bot.name for bot in bots]
    for name in names:
        say(f"serving {name} on {address if len(names) == 1 else f'{address}/bots/{name}/'}")


def configure_logging(level: LogLevel, form: LogFormat = LogFormat.TEXT) -> None:
    """Log to standard error: JSON where that is asked for, else text, coloured on a terminal."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    formatter: logging.Formatter = LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    if form is LogFormat.JSON:
        formatter = JSONFormatter()
    elif is_terminal(sys.stderr):
        from rich.logging import RichHandler  # noqa: PLC0415 - only for terminals

        handler = RichHandler(console=console(stderr=True), show_path=False, log_time_format="%X")
        formatter = LineFormatter("%(message)s")
    handler.setFormatter(formatter)
    if level is not LogLevel.DEBUG:
        handler.addFilter(QuietLibraries())
    logging.basicConfig(level=level.upper(), handlers=[handler])
