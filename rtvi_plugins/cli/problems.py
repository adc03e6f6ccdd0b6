"""How problems are printed: one per line, and how many there are in what."""

from __future__ import annotations

from collections.abc import Iterable

from rtvi_plugins.cli.output import console, is_terminal, one_line
from rtvi_plugins.errors import Problem


def counted(number: int, noun: str) -> str:
    """Write `1 problem`, `3 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def places_of(problems: Iterable[Problem], manifests: Iterable[str]) -> str:
    """Say where the problems are: `1 manifest and 2 plugins`.

    manifests: the files that were loaded as manifests, and those that were asked for and are not there.
    """
    named = set(manifests)
    paths = {problem.location.path for problem in problems}
    yaml = {path for path in paths if path in named or path.endswith((".yaml", ".yml"))}
    # A plugin's problem stands in its code, or nowhere when nothing of it could be loaded.
    plugins = paths - yaml
    parts = [counted(len(group), noun) for group, noun in ((yaml, "manifest"), (plugins, "plugin")) if group]
    return " and ".join(parts)


def summary(problems: tuple[Problem, ...], manifests: Iterable[str]) -> str:
    """Give the closing line."""
    return f"{counted(len(problems), 'problem')} in {places_of(problems, manifests)}; nothing was started"


def print_problems(problems: Iterable[Problem], *, to_stderr: bool = False) -> None:
    """Print problems, one per line."""
    import sys  # noqa: PLC0415

    stream = sys.stderr if to_stderr else sys.stdout
    if not is_terminal(stream):
        for problem in problems:
            stream.write(f"{one_line(problem.render())}\n")
        stream.flush()
        return
    from rich.text import Text  # noqa: PLC0415 - only for terminals

    screen = console(stderr=to_stderr)
    for problem in problems:
        line = Text(one_line(problem.render()))
        line.stylize("cyan", 0, len(str(problem.location)))
        line.stylize("dim", len(line) - len(problem.slug) - 2)
        screen.print(line, soft_wrap=True)
