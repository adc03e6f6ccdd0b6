"""How problems are printed: one per line, and how many there are in what."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtvi_plugins.cli.output import console, is_terminal
from rtvi_plugins.errors import Location, Problem, Severity, errors_of, warnings_of
from rtvi_plugins.log import one_line

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import PluginHost


def counted(number: int, noun: str) -> str:
    """Write `1 problem`, `3 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(problems: Sequence[Problem], host: PluginHost) -> str:
    """Return the closing line: how many problems and warnings there are, and in how many files and plugins."""
    of_plugins = {problem: plugin.name for plugin in host.plugins for problem in plugin.problems}
    packages = {_package_of(plugin.location.path): plugin.name for plugin in host.plugins if plugin.location.path}
    packages |= {Path(plugin.location.path): plugin.name for plugin in host.beside}
    manifests: set[str] = set()
    plugins: set[str] = set()
    for problem in problems:
        plugin = of_plugins.get(problem) or _owner(problem.location.path, packages)
        if plugin is not None:
            plugins.add(plugin)
        elif problem.location.path:
            manifests.add(problem.location.path)
    parts = [counted(len(group), noun) for group, noun in ((manifests, "manifest"), (plugins, "plugin")) if group]
    place = f" in {' and '.join(parts)}" if parts else ""
    kinds = (("problem", errors_of(problems)), ("warning", warnings_of(problems)))
    number = " and ".join(counted(len(some), noun) for noun, some in kinds if some)
    return f"{number}{place}; nothing was started"


def all_fine(manifests: int, problems: Sequence[Problem]) -> str:
    """Return the closing line where nothing is worse than a warning."""
    fine = f"{counted(manifests, 'manifest')} {'is' if manifests == 1 else 'are'} fine"
    return f"{fine}, with {counted(len(problems), 'warning')}" if problems else fine


def as_served(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems as they are for a server: what only another program could serve keeps the bot from starting."""
    return tuple(
        replace(problem, severity=Severity.ERROR) if problem.slug == "missing-host" else problem for problem in problems
    )


def _package_of(path: str) -> Path:
    """Give what holds a plugin's code: its package's folder, or its one file."""
    file = Path(path)
    return file.parent if file.name == "__init__.py" else file


def _owner(path: str, packages: dict[Path, str]) -> str | None:
    return next((packages[part] for part in (Path(path), *Path(path).parents) if part in packages), None)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems, one per line."""
    if not is_terminal():
        for problem in problems:
            sys.stdout.write(f"{one_line(problem.render())}\n")
        sys.stdout.flush()
        return
    from rich.text import Text  # noqa: PLC0415 - only for terminals

    screen = console()
    for problem in problems:
        line = Text(one_line(problem.render()))
        line.stylize("cyan", 0, len(one_line(str(problem.location))))
        line.stylize("dim", len(line) - len(problem.slug) - 2)
        screen.print(line, soft_wrap=True)


def as_annotation(problem: Problem) -> str:
    """Write a problem as GitHub's workflow command `error` or `warning`, shown beside the line it is about."""
    place = problem.location
    properties = {
        "file": _within(place.path),
        "line": str(place.line) if place.line else "",
        "col": str(place.column) if place.column else "",
        "title": problem.slug,
    }
    listed = ",".join(f"{key}={_escaped(value, property_=True)}" for key, value in properties.items() if value)
    text = replace(problem, location=Location(""), severity=Severity.ERROR).render()
    return f"::{problem.severity} {listed}::{_escaped(text)}"


def _within(path: str) -> str:
    """Give a path as seen from the current folder, where it lies inside; annotations need that."""
    if not Path(path).is_absolute():
        return path
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _escaped(text: str, *, property_: bool = False) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if property_ else escaped
