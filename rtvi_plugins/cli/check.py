"""`rtvi check`: report every problem of manifests and plugins; start nothing."""

from __future__ import annotations

import enum
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.options import Root
from rtvi_plugins.cli.output import as_json, say
from rtvi_plugins.cli.problems import all_fine, as_annotation, print_problems, summary
from rtvi_plugins.errors import ExitCode, Problem, Severity, errors_of, warnings_of
from rtvi_plugins.log import one_line
from rtvi_plugins.manifest.collecting import collector_paused

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import PluginHost

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
    no_code: Annotated[
        bool, typer.Option("--no-code", help="Read the files alone and import no plugin: for manifests of strangers.")
    ] = False,
) -> None:
    """Report every problem of manifests and plugins.

    Compares manifests with the language and with what the installed plugins supply; starts nothing.

    Exit codes: 0 nothing worse than warnings, 1 problems, 2 bad usage.
    """
    paths = paths or [FOLDER if Path(FOLDER).is_dir() else "."]
    names, problems, host, unchecked = (_by_files if no_code else _with_plugins)(paths, root)
    if strict:
        problems = tuple(replace(problem, severity=Severity.ERROR) for problem in problems)
    errors = errors_of(problems)
    if format_ is Format.JSON:
        listed: dict[str, Any] = {
            "bots": names,
            "problems": [problem.as_dict() for problem in errors],
            "warnings": [problem.as_dict() for problem in warnings_of(problems)],
        }
        say(as_json(listed | ({"unchecked": unchecked} if no_code else {})))
    elif format_ is Format.GITHUB:
        for problem in problems:
            say(one_line(as_annotation(problem)))
    else:
        print_problems(problems)
    if format_ is not Format.JSON:
        say(summary(problems, host) if errors else all_fine(len(names), problems))
        if unchecked:
            say(f"not checked, for that takes code: {'; '.join(unchecked)}")
    if errors:
        raise typer.Exit(ExitCode.PROBLEMS)


_Checked = tuple[list[str], tuple[Problem, ...], "PluginHost", tuple[str, ...]]
"""Names of sound bots, the problems, the plugins, and what was not checked."""


def _with_plugins(paths: list[str], root: str | None) -> _Checked:
    with collector_paused():  # here the imports take longest, and nothing of them is garbage
        from rtvi_plugins.binding.bot import discover_plugins, load_bots  # noqa: PLC0415 - only when it runs

        with interruptible():
            host = discover_plugins(paths=paths, root=root)
            bots, problems = load_bots(paths, host=host, root=root, together=False)
    return [bot.name for bot in bots], problems, host, ()


def _by_files(paths: list[str], root: str | None) -> _Checked:
    with collector_paused():
        from rtvi_plugins.binding.files_only import check_files  # noqa: PLC0415 - only when it runs

        checked = check_files(paths, root=root)
    return list(checked.bots), checked.problems, checked.host, checked.unchecked
