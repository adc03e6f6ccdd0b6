"""`rtvi plugins`: what is installed, what each supplies, and what is broken."""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.options import Root
from rtvi_plugins.cli.output import as_json, say
from rtvi_plugins.cli.problems import counted, print_problems
from rtvi_plugins.cli.tables import Table, print_tables
from rtvi_plugins.errors import ExitCode, sort_problems

if TYPE_CHECKING:
    from rtvi_plugins.handlers import Handler
    from rtvi_plugins.hooks.host import Plugin, PluginHost


class Format(enum.StrEnum):
    """How the plugins are listed."""

    TABLE = "table"
    JSON = "json"


def plugins(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH", help="Manifests, or folders of them, whose own plugins are listed too.", show_default=False
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="table: for people; json: one object.")] = Format.TABLE,
    root: Root = None,
) -> None:
    """List the plugins that are installed, and those beside manifests.

    Tells where each is from, what it supplies, what is broken and why, and which are disabled.

    Exit codes: 0 all are sound, 1 something is broken, 2 bad usage.
    """
    from rtvi_plugins.binding.bot import discover_plugins  # noqa: PLC0415 - not for other commands' start-up
    from rtvi_plugins.binding.scopes import scopes_of  # noqa: PLC0415 - see above

    with interruptible():
        host = discover_plugins(paths=paths or (), root=root)
        scopes = scopes_of(host, paths or (), environ=os.environ, root=root)
    listed = [_described(plugin, host) for plugin in host.plugins]
    beside = [(plugin, scope) for scope in scopes.own.values() for plugin in scope.plugins]
    listed += [_described(plugin, scope) for plugin, scope in beside if plugin.name in scope.names_beside]
    problems = sort_problems([*host.problems, *(problem for plugin in host.beside for problem in plugin.problems)])
    if format_ is Format.JSON:
        say(as_json({"plugins": listed, "problems": [problem.as_dict() for problem in problems]}))
    else:
        columns = ("plugin", "distribution", "version", "state", "hooks", "supplies")
        print_tables([Table("", "", columns, [_row(entry) for entry in listed])])
        if problems:
            say()
            print_problems(problems)
            say(f"{counted(len(problems), 'problem')} in {counted(len(listed), 'plugin')}")
    if problems:
        raise typer.Exit(ExitCode.PROBLEMS)


def _described(plugin: Plugin, host: PluginHost) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "value": plugin.value,
        "state": plugin.state.value,
        "path": plugin.location.path,
        "hooks": list(plugin.hooks),
        "handlers": [_handler(handler) for owner, handler in host.handlers() if owner is plugin],
        "manifests": [name for name, (owner, _) in host.manifests().items() if owner is plugin],
        "responders": [name for name, (owner, _) in host.responders().items() if owner is plugin],
        "middleware": "rtvi_middleware" in plugin.hooks and not plugin.problems,
        "problems": [problem.as_dict() for problem in plugin.problems],
    }


def _handler(handler: Handler) -> dict[str, Any]:
    return {
        "kind": str(handler.kind),
        "service": handler.service,
        "name": handler.name,
        "path": handler.location.path,
        "line": handler.location.line,
    }


def _row(entry: dict[str, Any]) -> list[str]:
    return [
        entry["name"],
        entry["distribution"] or entry["value"],
        entry["version"],
        entry["state"],
        " ".join(hook.removeprefix("rtvi_") for hook in entry["hooks"]),
        _supplies(entry),
    ]


def _supplies(entry: dict[str, Any]) -> str:
    """Tell what a plugin supplies in one line: how many handlers of which service, which manifests and responders."""
    handlers: dict[str, int] = {}
    for handler in entry["handlers"]:
        whose = handler["service"] or f"{handler['kind']}s"
        handlers[whose] = handlers.get(whose, 0) + 1
    parts = [f"{counted(number, 'handler')} for {whose}" for whose, number in handlers.items()]
    for key in ("manifests", "responders"):
        parts += [f"{key if len(entry[key]) > 1 else key[:-1]} {' '.join(entry[key])}"] if entry[key] else []
    return ", ".join([*parts, *(["middleware"] if entry["middleware"] else [])])
