"""`rtvi describe`: what a bot offers, from its manifest or from the running bot."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.options import Root, check_token
from rtvi_plugins.cli.output import as_json, say
from rtvi_plugins.cli.problems import print_problems, summary
from rtvi_plugins.cli.tables import print_tables
from rtvi_plugins.cli.target import BadAddressError, Target, is_address, parse_address
from rtvi_plugins.errors import ExitCode, errors_of

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot


class Format(enum.StrEnum):
    """How the description is printed."""

    TABLE = "table"
    JSON = "json"


def describe(
    bot: Annotated[
        str, typer.Argument(metavar="PATH|URL", help="A manifest, or the address of a running bot.", show_default=False)
    ],
    format_: Annotated[Format, typer.Option("--format", help="table: for people; json: one object.")] = Format.TABLE,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="RTVI_TOKEN", callback=check_token, help="Bearer token, for a running bot.", show_default=False
        ),
    ] = None,
    root: Root = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait for a running bot.")] = 60.0,
) -> None:
    """Tell what a bot offers.

    Lists services with options, actions with arguments and result, messages, functions, UI commands and events.
    A running bot shows what clients may know of it. Defaults of secret options are never shown.

    Exit codes: 0 done, 1 problems, 2 bad usage, 3 cannot reach the bot.
    """
    from rtvi_plugins.cli import description  # noqa: PLC0415 - not for other commands' start-up

    if is_address(bot):
        try:
            target = parse_address(bot)
        except BadAddressError as error:
            raise typer.BadParameter(str(error)) from None
        described = _fetched(target, token, timeout)
    else:
        described = description.of_manifest(_loaded(bot, root))
    if format_ is Format.JSON:
        say(as_json(described))
        return
    try:
        tables = list(description.tables(described))
    except (KeyError, TypeError, ValueError, AttributeError):
        if not is_address(bot):
            raise
        say(f"rtvi: {bot} does not describe itself as RTVI bots do", to_stderr=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    print_tables(tables)


def _loaded(path: str, root: str | None) -> Bot:
    from rtvi_plugins.binding.bot import discover_plugins, load_bots  # noqa: PLC0415 - not for other commands' start-up

    with interruptible():
        host = discover_plugins(paths=[path], root=root)
        bots, problems = load_bots([path], host=host, root=root)
    if errors_of(problems):
        print_problems(problems)
        say(summary(problems, host))
        raise typer.Exit(ExitCode.PROBLEMS)
    if len(bots) != 1:
        raise typer.BadParameter(f"{len(bots)} manifests in '{path}'; name one of them")
    return bots[0]


def _fetched(target: Target, token: str | None, timeout_s: float) -> dict[str, Any]:
    """Describe a running bot, as it describes itself."""
    import asyncio  # noqa: PLC0415 - not for other commands' start-up

    from rtvi_plugins.cli.connecting import UnreachableError, connected  # noqa: PLC0415 - HTTP and WebSocket clients
    from rtvi_plugins.testing.client import RequestError  # noqa: PLC0415 - see above

    async def fetch() -> dict[str, Any]:
        async with connected(target, token=token, timeout_s=timeout_s) as client:
            if "config" not in client.bot_ready:
                raise UnreachableError(f"{target.url} is a bot that does not describe itself")
            try:
                return await client.describe_bot()
            except RequestError:  # a bot of another make: ask for what RTVI has
                services, actions = await client.describe_config(), await client.describe_actions()
        return {"bot": target.url, "description": "", "services": services, "actions": actions}

    try:
        return asyncio.run(fetch())
    except UnreachableError as error:
        say(f"rtvi: {error}", to_stderr=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    except RequestError as error:
        say(f"rtvi: {error.text}", to_stderr=True)
        raise typer.Exit(ExitCode.PROBLEMS) from None
