"""`rtvi call`: a client on the command line: call an action, set options, say something, read the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtvi_plugins.cli import completing
from rtvi_plugins.cli.options import check_token
from rtvi_plugins.cli.output import say
from rtvi_plugins.cli.target import BadAddressError, parse_address
from rtvi_plugins.errors import ExitCode

if TYPE_CHECKING:
    from rtvi_plugins.protocol.messages import Message
    from rtvi_plugins.testing.client import Client


def call(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="ws://host:port/ws, http://host:port, host:port or :port.", show_default=False
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="SERVICE.ACTION",
            help="The action, or the type of a message.",
            show_default=False,
            autocompletion=completing.action_names,
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="Its arguments; values as text or JSON.",
            show_default=False,
            autocompletion=completing.argument_pairs,
        ),
    ] = None,
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SERVICE.OPTION=VALUE",
            help="Set an option first; may be repeated.",
            autocompletion=completing.option_pairs,
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option("--start", metavar="NAME=VALUE", help="Send this with the start; may be repeated."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Say this to the bot and print its answer as it comes.")
    ] = None,
    get: Annotated[bool, typer.Option("--get", help="Print the configuration, as when nothing else is asked.")] = False,
    json_arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="Arguments as a JSON object; NAME=VALUE is laid over it.")
    ] = None,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="With --set: interrupt the bot first.")] = False,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN", envvar="RTVI_TOKEN", callback=check_token, help="Bearer token.", show_default=False
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds that each request may take.")] = 60.0,
    legacy: Annotated[bool, typer.Option("--legacy", help="Speak RTVI 0.3, as clients before 1.0 do.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Print a job's id and leave it running, instead of following it.")
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="Print every message of the bot; with nothing else, until Ctrl-C.")
    ] = False,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FUNCTION=JSON",
            help="What a function gives when the bot calls it; may be repeated.",
            autocompletion=completing.function_names,
        ),
    ] = None,
) -> None:
    """Talk to a running bot over RTVI, in one session.

    An http address, also the short forms, is asked by POST /start where to connect. Options set by --set all change
    together, before anything else; what --start names goes with POST /start. Prints JSON; where the output is piped,
    a result that is text is printed bare.

    A long action is followed to its end, with a progress bar on a terminal; Ctrl-C cancels it. Functions that the bot
    calls are answered by --answer; on a terminal you are asked for what is missing.

    Exit codes: 0 done, 1 the bot refused or the job failed, 2 bad usage, 3 cannot reach the bot, 130 the job was
    cancelled.
    """
    # The HTTP and WebSocket clients among them; no other command needs these.
    import asyncio  # noqa: PLC0415

    from rtvi_plugins.cli import calling  # noqa: PLC0415
    from rtvi_plugins.cli.answering import Answering  # noqa: PLC0415
    from rtvi_plugins.cli.connecting import UnreachableError, connected  # noqa: PLC0415
    from rtvi_plugins.cli.values import BadValueError  # noqa: PLC0415
    from rtvi_plugins.testing.client import RequestError  # noqa: PLC0415

    async def talk() -> Any:
        answering = Answering(wishes.answers)

        def hear(client: Client, message: Message) -> None:
            (calling.print_event if wishes.events else calling.print_piece)(message)
            answering.hear(client, message)

        async with connected(
            target, token=token, timeout_s=timeout, legacy=legacy, start=given, on_message=hear
        ) as client:
            return await calling.fulfil(client, wishes)

    try:
        wishes = calling.read_wishes(
            name, arguments or [], json_arguments, set_ or [], interrupt, text, get, legacy, detach, events, answer
        )
        target = parse_address(url)
        given = calling.read_start(start or [], target)
        outcome = asyncio.run(talk())
    except (BadValueError, BadAddressError) as error:
        raise typer.BadParameter(str(error)) from None
    except RequestError as error:
        say(f"rtvi: {error.text}{f' [{error.code}]' if error.code else ''}", to_stderr=True)
        raise typer.Exit(ExitCode.PROBLEMS) from None
    except UnreachableError as error:
        say(f"rtvi: {error}", to_stderr=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    if code := calling.print_result(outcome):
        raise typer.Exit(code)
