"""`rtvi check`: report every problem of manifests and plugins; start nothing."""

from __future__ import annotations

import enum
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.options import Root
from rtvi_plugins.cli.output import as_json, say
from rtvi_plugins.cli.problems import all_fine, as_annotation, print_problems, summary
from rtvi_plugins.errors import ExitCode, Severity, errors_of, warnings_of
from rtvi_plugins.log import one_line
from rtvi_plugins.manifest.collecting import collector_paused

FOLDER: Final = "manifests"
"""Checked when no path is given and there is such a folder."""


class Format(enum.StrEnum):
    """How problems are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Manifests, or folders of them. Left out, the folder manifests/, or else the current one.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="text: a line each; json: one object; github: annotations.")
    ] = Format.TEXT,
    root: Root = None,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as problems.")] = False,
) -> None:
    """Report every problem of manifests and plugins.

    Compares manifests with the language and with what the installed plugins supply; starts nothing.

    Exit codes: 0 nothing worse than warnings, 1 problems, 2 bad usage.
    """
    paths = paths or [FOLDER if Path(FOLDER).is_dir() else "."]
    with collector_paused():  # here the imports take longest, and nothing of them is garbage
        from rtvi_plugins.binding.bot import discover_plugins, load_bots  # noqa: PLC0415 - only when it runs

        with interruptible():
            host = discover_plugins(paths=paths, root=root)
            bots, problems = load_bots(paths, host=host, root=root, together=False)
    if strict:
        problems = tuple(replace(problem, severity=Severity.ERROR) for problem in problems)
    errors = errors_of(problems)
    if format_ is Format.JSON:
        listed = {
            "bots": [bot.name for bot in bots],
            "problems": [problem.as_dict() for problem in errors],
            "warnings": [problem.as_dict() for problem in warnings_of(problems)],
        }
        say(as_json(listed))
    elif format_ is Format.GITHUB:
        for problem in problems:
            say(one_line(as_annotation(problem)))
    else:
        print_problems(problems)
    if format_ is not Format.JSON:
        say(summary(problems, host) if errors else all_fine(len(bots), problems))
    if errors:
        raise typer.Exit(ExitCode.PROBLEMS)
