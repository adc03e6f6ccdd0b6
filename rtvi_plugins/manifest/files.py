"""Finding and reading files: what the user named on the command line, and what `use:` names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.source import MAX_BYTES

SUFFIXES: Final = (".yaml", ".yml")

_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (FileNotFoundError, "no such file or folder"),
    (NotADirectoryError, "no such file or folder"),
    (PermissionError, "permission denied"),
    (IsADirectoryError, "is a folder"),
)


def find_files(paths: Iterable[str | Path]) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Replace each folder by the YAML files directly in it, sorted; hidden files are left out.

    Returns: file names as the user wrote them, each file once, and what could not be found. Raises nothing.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        name = str(path)
        try:
            files = _files_in(Path(path)) if os.path.isdir(path) else [name]  # noqa: PTH112 - answers False to NUL
            if not files:
                problems.append(Problem("unreadable-file", "the folder holds no *.yaml or *.yml file", Location(name)))
            for file in files:
                found.setdefault(os.path.realpath(file), file)
        except (OSError, ValueError) as error:
            problems.append(Problem("unreadable-file", reason_of(error), Location(name)))
    return tuple(found.values()), tuple(problems)


def _files_in(folder: Path) -> list[str]:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return [str(e) for e in entries if e.suffix in SUFFIXES and not e.name.startswith(".") and not e.is_dir()]


def read_bytes(file: Path | Traversable) -> bytes:
    """Read a file, but no more than shows that it is too large; raises `OSError`, `ValueError` or `KeyError`."""
    with file.open("rb") as stream:
        return bytes(stream.read(MAX_BYTES + 1))


def reason_of(error: Exception) -> str:
    """Say in few words why a file cannot be read."""
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return text
    said = error.strerror if isinstance(error, OSError) else None
    return f"cannot be read: {said.lower()}" if said else "cannot be read"
