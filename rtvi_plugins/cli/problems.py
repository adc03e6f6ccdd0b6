"""How problems are printed: one per line, and how many there are in what."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtvi_plugins.cli.output import console, is_terminal, one_line
from rtvi_plugins.errors import Location, Problem

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import PluginHost


def counted(number: int, noun: str) -> str:
    """Write `1 problem`, `3 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(problems: Sequence[Problem], host: PluginHost) -> str:
    """Give the closing line: how many problems there are, and in how many files and plugins."""
    of_plugins = {problem: plugin.name for plugin in host.plugins for problem in plugin.problems}
    packages = {_package_of(plugin.location.path): plugin.name for plugin in host.plugins if plugin.location.path}
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
    return f"{counted(len(problems), 'problem')}{place}; nothing was started"


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
    """Write a problem as GitHub's workflow command `error`, which shows it beside the line it is about."""
    place = problem.location
    properties = {
        "file": _within(place.path),
        "line": str(place.line) if place.line else "",
        "col": str(place.column) if place.column else "",
        "title": problem.slug,
    }
    listed = ",".join(f"{key}={_escaped(value, property_=True)}" for key, value in properties.items() if value)
    return f"::error {listed}::{_escaped(replace(problem, location=Location('')).render())}"


def _within(path: str) -> str:
    """Give a path as seen from the current folder, where it lies inside; annotations need that."""
    if not Path(path).is_absolute():
        return path
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _escaped(text: str, *, property_: bool = False) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if property_ else escaped
